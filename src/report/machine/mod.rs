//! The formats that programs read: CSV, HdrHistogram log, JUnit XML, Prometheus.

pub(in crate::report) mod csv;
pub(in crate::report) mod hlog;
pub(in crate::report) mod junit;
pub(in crate::report) mod prom;
