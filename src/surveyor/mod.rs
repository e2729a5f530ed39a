//! Whole, fresh runs one after the other, until the search for the limit is over.

mod exposition;
mod process;
mod rest;
mod samples;
mod scrape;
mod survey;
mod watch;

pub use samples::{Lack, cure, enough};
pub use scrape::MetricsUrl;
pub use survey::{Survey, Surveyed, survey};
pub use watch::Watched;
