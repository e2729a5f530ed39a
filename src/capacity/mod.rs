//! Which load to try next, what the probes so far say, and what they mean for a plan.

mod beside;
mod findings;
mod model;
mod outlook;
mod probe;
mod search;
mod target;
mod vary;

pub use beside::{compared, unlike};
pub use findings::{Bracket, Evidence, Findings, GateLine, LimitedBy, Reproduction, Scope, StoppedBy, findings};
pub use model::{Growth, Kind, Model, model};
pub use outlook::{Cell, outlook};
pub use probe::{Probe, Verdict};
pub use search::{Ends, Next, Outcome, Range, Search};
pub use target::{TargetLoad, TargetRow};
pub use vary::Vary;
