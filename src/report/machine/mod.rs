//! The formats that programs read: CSV, HdrHistogram log, Prometheus.

pub(in crate::report) mod csv;
pub(in crate::report) mod hlog;
pub(in crate::report) mod prom;
