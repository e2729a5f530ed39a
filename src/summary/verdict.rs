//! What gates and validity said: judged elsewhere, kept here.

use crate::summary::distribution::Clock;
use crate::vocabulary::format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// One gate and what it saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateResult {
    /// Without `.began`.
    pub metric: String,
    /// Absent for what has no clock: rates, counters and values.
    pub clock: Option<Clock>,
    pub expr: String,
    /// In `unit`; absent when nothing was measured.
    #[serde(serialize_with = "whole_if_whole")]
    pub observed: Option<f64>,
    pub unit: Unit,
    pub samples: u64,
    /// The gate holds.
    pub ok: bool,
    /// `too_few_samples`, `no_data`, or absent.
    pub why: Option<String>,
    /// `file:line` of the profile, or `--gate`.
    pub line: Option<String>,
}

impl GateResult {
    /// `time_to_open p(95) < 800ms, observed 1.20 s`. The words are as they came: escaping is the caller's.
    pub fn in_words(&self) -> String {
        format!("{} {}, observed {}", self.metric_in_words(), self.expr, self.observed_in_words())
    }

    /// The metric's name, with its clock where that is not the usual one.
    pub fn metric_in_words(&self) -> String {
        match self.clock {
            Some(Clock::Began) => format!("{}.began", self.metric),
            _ => self.metric.clone(),
        }
    }

    pub fn observed_in_words(&self) -> String {
        let Some(observed) = self.observed else { return "no data".into() };
        match self.unit {
            Unit::Us => format::duration(observed as u64),
            Unit::Count => format::count(observed as u64),
            Unit::Bytes => format::bytes(observed as u64),
            // A ratio of more than one is no share: amplification.
            Unit::Ratio if self.expr.starts_with("value") => format!("{observed:.2}"),
            Unit::Ratio => format::percent(observed),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Us,
    Ratio,
    Count,
    Bytes,
}

/// Whether the figures are the target's, or ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Validity {
    pub verdict: Verdict,
    /// Worst first.
    pub reasons: Vec<Doubt>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    #[default]
    Valid,
    Suspect,
    Invalid,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Suspect => "SUSPECT",
            Self::Invalid => "INVALID",
        }
    }
}

/// One thing that speaks against the figures, and what would cure it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Doubt {
    pub what: String,
    pub observed: String,
    pub limit: String,
    pub cure: String,
}

/// Microseconds and counts read as integers, as everywhere else in the summary.
fn whole_if_whole<S: Serializer>(observed: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match observed {
        Some(value) if value.fract() == 0.0 && (0.0..9e15).contains(value) => serializer.serialize_u64(*value as u64),
        Some(value) => serializer.serialize_f64(*value),
        None => serializer.serialize_none(),
    }
}
