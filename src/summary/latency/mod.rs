//! Latency samples: counted in a histogram, reduced to percentiles, drawn as a curve or as bands.

pub(in crate::summary) mod coarse;
pub mod curve;
pub mod distribution;
pub mod heat;
pub mod histogram;
pub(in crate::summary) mod sparse;
