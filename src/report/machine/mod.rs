//! The formats that programs read: CSV, HdrHistogram log, Prometheus, trend pages.

pub(in crate::report) mod bench;
pub(in crate::report) mod csv;
pub(in crate::report) mod hlog;
pub(in crate::report) mod json;
pub(in crate::report) mod prom;
