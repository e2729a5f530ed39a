//! Capacity search: one whole run after the other, until the greatest load that holds is known.

mod cooldown;
mod exposition;
mod run;
mod samples;
mod scrape;
mod watch;

pub use run::{CapacityRun, CapacityRunResult, capacity_run};
pub use samples::{TooFewSamples, cure, enough};
pub use scrape::MetricsUrl;
pub use watch::Watched;
