//! One peer's loop: socket, engine and timer meet the state machine only here.

mod actor;
mod board;
mod errand;

pub use actor::{Actor, Effect, Stimulus};
pub use board::Board;
pub use errand::{Errand, Nudge};
