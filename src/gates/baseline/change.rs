//! The change of each figure from base to new, with its confidence interval and finding.

use crate::gates::baseline::interval::Interval;
use crate::gates::baseline::rates::{rate, value};
use crate::gates::baseline::rule::ToleranceRule;
use crate::gates::baseline::timers::{JUDGED, timer};
use crate::summary::{Summary, Unit, metric::RATES, metric::VALUES};
use schemars::JsonSchema;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The least number of runs per side from which their spread is estimated.
pub(super) const REPEATS_MIN: usize = 3;

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
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
    /// True if the figure decides the comparison.
    pub judged: bool,
    pub finding: Finding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Worse by more than allowed, and 99 % sure to be worse.
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

/// The changes of every timer at every percentile, every rate and every value: judged ones first, the worst before all.
pub(super) fn changes(base: &[&Summary], new: &[&Summary], rule: &ToleranceRule) -> Vec<Change> {
    let names: BTreeSet<&str> = base.iter().chain(new).flat_map(|run| run.timers.keys().map(String::as_str)).collect();
    let timers = names.into_iter().flat_map(|name| timer(base, new, name, rule));
    let rates = RATES.iter().filter_map(|name| rate(base, new, name, rule));
    let values = VALUES.iter().filter_map(|name| value(base, new, name, rule));
    let mut changes: Vec<Change> = rates.chain(values).chain(timers).collect();
    let place = |change: &Change| JUDGED.iter().position(|name| *name == change.metric).unwrap_or(JUDGED.len());
    changes.sort_by_cached_key(|change| match change.judged {
        // Tolerances exceeded many times over come first; a figure that is gone before all.
        true => (0, severity(change), Reverse((change.change.unwrap_or(f64::MAX).abs() / change.allowed * 1e3) as u64)),
        false => (1, place(change) as u8, Reverse(0)),
    });
    changes
}

fn severity(change: &Change) -> u8 {
    match change.finding {
        Finding::Gone => 0,
        Finding::Worse => 1,
        Finding::Unclear | Finding::TooFew if change.exceeds => 2,
        Finding::Unclear | Finding::TooFew => 3,
        Finding::Better => 4,
        Finding::Same | Finding::Novel => 5,
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
