//! The figures of one kind of room (`[[scenarios]]`).

use crate::summary::{Counts, FailureRow, PhaseTimes, Rates, SeriesRow, Shares, Timer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The figures of a scenario's measured rooms, as the summary has them for the whole run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioFigures {
    pub counts: Counts,
    pub rates: Rates,
    pub amplification: Option<f64>,
    pub signaling_bytes_per_edge: Option<u64>,
    pub timers: BTreeMap<String, Timer>,
    /// Absent when no edge opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<Shares>,
    /// Absent when no edge opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_edge: Option<PhaseTimes>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailureRow>,
    /// The course of its rooms, warm-up included, without the generator's columns; at most 1,000 rows.
    pub series: Vec<SeriesRow>,
}
