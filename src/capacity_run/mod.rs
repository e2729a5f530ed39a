//! Capacity search: one whole run after the other, until the greatest load that holds is known.

mod cooldown;
mod run;
mod samples;

pub use run::{CapacityRun, CapacityRunResult, capacity_run};
pub use samples::{TooFewSamples, cure, enough};
