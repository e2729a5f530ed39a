//! One peer's loop: socket, engine and timer meet the state machine only here.

mod actor;
mod board;
mod clock;
mod errand;
mod guests;
mod stimulus;

pub use actor::{Actor, Renewal};
pub use board::Board;
pub use clock::{Alarm, Clock};
pub use errand::{Errand, Nudge};
pub use stimulus::{Effect, Stimulus};
