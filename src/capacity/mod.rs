//! The search for a target's capacity: the next load to probe, the growth model, the forecast and the result.

mod forecast;
mod model;
mod probe;
mod result;
mod search;
mod side_by_side;
mod target;
mod vary;

pub use forecast::{ForecastCell, forecast};
pub use model::{Growth, GrowthKind, Model, model};
pub use probe::{Probe, ProbeVerdict};
pub use result::{
    Bracket, CapacityResult, Evidence, LimitedBy, LoadFinding, Reproduction, SearchContext, SearchGate, StoppedBy,
};
pub use search::{Ends, LoadRange, Next, ProbeOutcome, Search};
pub use side_by_side::{compared, differences};
pub use target::{TargetLoad, TargetRow};
pub use vary::Vary;
