//! Capacity search: one whole run after the other, until the greatest load that holds is known.

mod cooldown;
mod run;
mod samples;
mod tokens;

pub use cooldown::Cooldown;
pub use run::{CapacityRun, CapacityRunResult, PlayedProbe, capacity_run};
pub use samples::{TooFewSamples, cure, enough};
pub use tokens::TokenCounts;
