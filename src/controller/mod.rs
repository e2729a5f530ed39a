//! One run: worker threads play their shares of a plan, the supervisor steps its phases, and the recorders become a `Summary`.

mod context;
mod embedded;
mod ice_servers;
mod outcome;
mod report;
mod run;
mod secrets;
mod signals;
mod target;
mod worker;

pub use embedded::EmbeddedServer;
pub use ice_servers::gathering;
pub use outcome::{FinishedRun, StartError, Stop};
pub use report::conclude::{PlayedShare, RunConclusion, conclude};
pub use report::progress::Show;
pub use run::calibration::{Calibration, calibrate};
pub use run::control::{control_floor, control_plan};
pub use run::prepared_run::Capture;
pub use run::status::{RunStatus, StatusFeed};
pub use run::target_process::TargetObserver;
pub use run::{RunSpec, run, run_until};
pub use secrets::redactor;
pub use signals::{StopSignal, StopSignals};
pub use target::endpoint::{Access, EndpointPeer, Endpoints};
pub use target::metrics::TargetMetrics;
#[doc(hidden)]
pub use target::metrics::series;
pub use target::peer_rows::PeerRows;
pub use target::stranger::{TriedJoin, first_frame, try_join};
pub use target::watched::Watched;
pub use target::{check_target, wait_for_target};
