//! The change of a figure from base to new, with its confidence interval and finding.

use crate::gates::baseline::interval::Interval;
use crate::summary::Unit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The least number of runs per side from which their spread is estimated.
pub(super) const REPEATS_MIN: usize = 3;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    pub metric: String,
    /// `p50`, `p95`, `p99`, `rate` or `value`.
    pub aggregation: String,
    pub unit: Unit,
    pub base: Option<f64>,
    pub new: Option<f64>,
    /// The change relative to base (0.2: a fifth more); for a rate the difference.
    pub change: Option<f64>,
    /// The 95 % interval of the change; a bound that the samples can't support is absent.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// The numbers of samples of base and new.
    pub samples: [u64; 2],
    pub tolerance: f64,
    /// The growth that is allowed, as `change` counts it: the tolerance, or the floor if that is more.
    pub allowed: f64,
    /// True if the growth seen is more than allowed, whether it is shown or not.
    pub exceeds: bool,
    /// True if the figure decides the comparison, or is shown to be better.
    pub judged: bool,
    pub finding: Finding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Worse by more than allowed, and sure to be worse: p50 at 99 %, p95, p99 and values at 99.5 %, a rate at 97.5 %.
    Worse,
    /// Better by more than allowed, and 95 % sure to be better.
    Better,
    /// The interval ends within what is allowed.
    Same,
    /// Neither is shown: more samples or repeats are needed.
    Unclear,
    /// Fewer samples than the percentile needs.
    TooFew,
    /// Measured in base only.
    Gone,
    /// Measured in new only, or in neither.
    Novel,
}

impl Change {
    /// True if the change fails the comparison.
    pub fn fails(&self) -> bool {
        self.judged && matches!(self.finding, Finding::Worse | Finding::Gone)
    }

    /// True if the figure decides the comparison, and neither a regression nor its absence is shown.
    pub fn is_undecided(&self) -> bool {
        self.judged && matches!(self.finding, Finding::Unclear | Finding::TooFew)
    }
}

/// `worse`: the growth is significant. A change that lies within the bounds of what is allowed is the same only if its
/// interval does too.
pub(super) fn classify(change: f64, worse: bool, shown: Interval, allowed: f64) -> Finding {
    match shown.high {
        _ if worse && change > allowed => Finding::Worse,
        Some(high) if change < -allowed && high < 0.0 => Finding::Better,
        Some(high) if high <= allowed => Finding::Same,
        _ => Finding::Unclear,
    }
}
