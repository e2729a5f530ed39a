//! The formats that programs read: CSV, HdrHistogram log, metrics, trend pages.

pub(in crate::report) mod bench;
pub(in crate::report) mod csv;
pub(in crate::report) mod hlog;
pub(in crate::report) mod metrics;
pub(in crate::report) mod otlp;
pub(in crate::report) mod prom;

pub use metrics::{MetricsSamples, MetricsSnapshot, SnapshotScope};
pub use otlp::OtlpDeltas;

/// Indented JSON with a newline at the end.
pub fn pretty_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("a result holds nothing that JSON can't") + "\n"
}
