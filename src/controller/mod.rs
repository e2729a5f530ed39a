//! One run: workers play their shares of the plan, the conductor moves its phases, the books become a Summary.

mod advice;
mod agenda;
mod causes;
mod chronicle;
mod conductor;
mod control;
mod embedded;
mod endpoint;
mod engines;
mod lobby;
mod machine;
mod progress;
mod pulse;
mod run;
mod servers;
mod session;
mod signals;
mod switchboard;
mod target;
mod umpire;
mod usher;
mod vitals;
mod worker;

pub use control::control;
pub use embedded::Embedded;
pub use endpoint::{Access, Endpoints};
pub use machine::machine;
pub use progress::Show;
pub use run::{Done, Keep, Order, Stop, Trouble, run, run_until};
pub use servers::gathering;
pub use signals::{Signal, Signals};
pub use target::wait_for_target;
