//! Accumulators that the recorder folds events into: counts, histograms, time series, samples.

pub(in crate::metrics) mod deliveries;
pub(in crate::metrics) mod failures;
pub(in crate::metrics) mod guests;
pub(in crate::metrics) mod milestones;
pub(in crate::metrics) mod outages;
pub(in crate::metrics) mod series;
pub(in crate::metrics) mod slowest;
pub(in crate::metrics) mod time_buckets;
pub(in crate::metrics) mod timers;
pub(in crate::metrics) mod totals;
pub(in crate::metrics) mod traces;
