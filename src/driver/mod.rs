//! One peer's loop: socket, engine and timer meet the state machine only here.

mod actor;
mod board;
mod clock;
mod errand;
mod guests;

pub use actor::{Actor, Effect, Renewal, Stimulus};
pub use board::Board;
pub use clock::{Alarm, Clock};
pub use errand::{Errand, Nudge};
