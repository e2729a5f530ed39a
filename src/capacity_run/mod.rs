//! Whole, fresh runs one after the other, until the search for the limit is over.

mod cooldown;
mod exposition;
mod process;
mod run;
mod samples;
mod scrape;
mod watch;

pub use run::{CapacityRun, CapacityRunResult, capacity_run};
pub use samples::{TooFewSamples, cure, enough};
pub use scrape::MetricsUrl;
pub use watch::Watched;
