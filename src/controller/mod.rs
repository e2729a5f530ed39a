//! One run: worker threads play their shares of a plan, the supervisor steps its phases, and the recorders become a `Summary`.

mod attribution;
mod churn_schedule;
mod context;
mod control;
mod embedded;
mod endpoint;
mod engines;
mod event_log;
mod gate_watch;
mod ice_servers;
mod in_memory_server;
mod outcome;
mod phases;
mod prepared_run;
mod probe_command;
mod progress;
mod room_mailboxes;
mod run;
mod signals;
mod spawner;
mod supervisor;
mod target;
mod worker;
mod worker_status;

pub use control::control;
pub use embedded::EmbeddedServer;
pub use endpoint::{Access, Endpoints};
pub use ice_servers::gathering;
pub use outcome::{FinishedRun, StartError, Stop};
pub use prepared_run::Capture;
pub use progress::Show;
pub use run::{RunSpec, run, run_until};
pub use signals::{StopSignal, StopSignals};
pub use target::wait_for_target;
