//! Many machines, one run: the part that each leaves in a file, and the merge of all parts into one summary.

mod body;
mod bus;
mod context;
mod format;
mod merge;
mod numbers;
mod part;

pub use body::sealed;
pub use bus::{
    AgentMachine, BusAgent, BusError, BusSettings, ClockOffset, Coordinator, FleetRules, PlanOffer, PlanRefusal,
    RunName,
};
pub use context::{PartContext, PlannedWork};
pub use format::{BYTES_MAX, Unusable};
pub use merge::{MergeError, MergedRun, merge};
pub use part::Part;
