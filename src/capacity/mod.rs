//! Which load to try next, what the probes so far say, and what they mean for a plan.

mod forecast;
mod model;
mod probe;
mod result;
mod search;
mod side_by_side;
mod target;
mod vary;

pub use forecast::{Cell, forecast};
pub use model::{Growth, GrowthKind, Model, model};
pub use probe::{Probe, ProbeVerdict};
pub use result::{
    Bracket, CapacityResult, Evidence, LimitedBy, Reproduction, SearchContext, SearchGate, StoppedBy, findings,
};
pub use search::{Ends, LoadRange, Next, ProbeOutcome, Search};
pub use side_by_side::{compared, unlike};
pub use target::{TargetLoad, TargetRow};
pub use vary::Vary;
