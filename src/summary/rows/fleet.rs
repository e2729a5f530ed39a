//! The machines of a run, as its summary shows them.

use crate::summary::verdict::Verdict;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One machine of a run on several.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FleetAgent {
    /// From 0.
    pub slot: u32,
    /// The machine's name; empty for one that left nothing.
    pub machine: String,
    /// CPU cores granted.
    pub cores: f64,
    /// The share of the plan's edges that it played, from 0 to 1.
    pub share: f64,
    /// The lag of its timers at the 99th percentile, on the worker that lagged most, in microseconds.
    pub lag_p99_us: u64,
    /// Its figures are missing.
    pub lost: bool,
    /// The verdict on its own figures.
    pub validity: Verdict,
    /// Its clock less the controller's, in microseconds, and how far off that may be; absent where it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_us: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_error_us: Option<u64>,
}
