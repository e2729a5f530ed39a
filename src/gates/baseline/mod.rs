//! Comparison of runs with earlier ones: the changes, their significance, and the verdict.

mod change;
mod comparability;
mod drift;
mod interval;
mod ranking;
mod rates;
mod rule;
mod timers;

pub use crate::gates::baseline::change::{Change, Finding};
pub use crate::gates::baseline::comparability::Difference;
pub use crate::gates::baseline::drift::{Drift, history};
pub use crate::gates::baseline::rule::ToleranceRule;

use crate::gates::baseline::change::REPEATS_MIN;
use crate::gates::baseline::drift::drifts;
use crate::gates::baseline::ranking::changes;
use crate::gates::baseline::timers::{JUDGED, merged};
use crate::summary::{Outcome, Point, Summary, Verdict as Validity, curve::curve};
use crate::vocabulary::format::micros;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The content of `compare.json`, schema version 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    pub schema: u32,
    pub verdict: ComparisonVerdict,
    pub tolerance: f64,
    /// The growth of a time that counts as none, in microseconds.
    pub floor_us: u64,
    /// The growth of a rate that counts as none, as a fraction.
    pub floor_rate: f64,
    pub base: Side,
    pub new: Side,
    /// Differences between the plans; empty for comparable runs.
    pub plan: Vec<Difference>,
    /// Differences between the machines.
    pub machine: Vec<Difference>,
    /// The changes, judged ones first, the worst before all.
    pub changes: Vec<Change>,
    /// The course of each judged timer over the history and NEW, with `--history`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
    pub curves: Vec<Curves>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComparisonVerdict {
    /// Every judged figure is shown to be better, or the same within what is allowed.
    Passed,
    /// No judged figure is shown to be worse, and not all are shown not to be.
    Undecided,
    Regressed,
    /// All runs of a side are INVALID.
    Invalid,
    /// The plans differ, and the comparison was not forced.
    Unlike,
    /// The machines differ: changes are shown and not judged.
    OtherMachine,
}

/// The runs of one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    pub name: String,
    pub started_at: String,
    pub git: String,
    /// Compared runs.
    pub runs: u64,
    /// Runs left out because they are INVALID.
    pub invalid: u64,
    /// Compared runs that are SUSPECT.
    pub suspect: u64,
    /// Compared runs that were interrupted or lack a part.
    pub partial: u64,
    /// Compared runs that did not pass by themselves.
    pub failed: u64,
    /// The first gate that failed in the first of those runs, or else its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// The percentile curves of one timer on the clock due, with the runs of a side merged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Curves {
    pub metric: String,
    pub base: Vec<Point>,
    pub new: Vec<Point>,
}

/// Compares repeats of a run with earlier repeats; INVALID runs are left out. Never fails: an obstacle to the comparison
/// becomes its verdict.
pub fn compare(base: &[Summary], new: &[Summary], rule: &ToleranceRule) -> Comparison {
    let (base_valid, new_valid) = (valid(base), valid(new));
    let plan = comparability::plans(&all(base), &all(new));
    let both = !base_valid.is_empty() && !new_valid.is_empty();
    let machine = if both { comparability::machines(&base_valid, &new_valid) } else { vec![] };
    let refused = match (plan.is_empty() || rule.force, both) {
        (false, _) => Some(ComparisonVerdict::Unlike),
        (true, false) => Some(ComparisonVerdict::Invalid),
        (true, true) => None,
    };
    let (changes, curves) = match refused {
        Some(_) => (vec![], vec![]),
        None => (changes(&base_valid, &new_valid, rule, plan.is_empty()), curves(&base_valid, &new_valid)),
    };
    let verdict = match refused {
        Some(refused) => refused,
        None if !machine.is_empty() && !rule.across_machines => ComparisonVerdict::OtherMachine,
        None if changes.iter().any(Change::fails) => ComparisonVerdict::Regressed,
        // The spread between runs is not known, so that no percentile is shown to be the same.
        None if base_valid.len().min(new_valid.len()) < REPEATS_MIN => ComparisonVerdict::Undecided,
        None if changes.iter().any(Change::is_undecided) => ComparisonVerdict::Undecided,
        None => ComparisonVerdict::Passed,
    };
    let (base, new) = (side(base, &base_valid), side(new, &new_valid));
    let (tolerance, floor_us, floor_rate) = (rule.tolerance, micros(rule.floor), rule.floor_rate);
    let drift = vec![];
    Comparison { schema: 1, verdict, tolerance, floor_us, floor_rate, base, new, plan, machine, changes, drift, curves }
}

/// Compares runs with a `history` of single runs, the oldest first: as `compare`, and by what creeps from run to run.
pub fn compare_history(history: &[Summary], new: &[Summary], rule: &ToleranceRule) -> Comparison {
    use ComparisonVerdict::{Passed, Regressed, Undecided};
    let comparison = compare(history, new, rule);
    let is_judged = matches!(comparison.verdict, Passed | Undecided | Regressed);
    let drift = if is_judged { drifts(&[valid(history), valid(new)].concat(), rule) } else { vec![] };
    let verdict = if drift.iter().any(|drift| drift.creeps) { Regressed } else { comparison.verdict };
    Comparison { verdict, drift, ..comparison }
}

impl Comparison {
    /// True if a judged figure that is not decided has grown by more than is allowed.
    pub fn exceeds(&self) -> bool {
        self.changes.iter().any(|change| change.is_undecided() && change.exceeds)
    }

    /// True if a side has too few runs to tell the spread between them.
    pub fn lacks_repeats(&self) -> bool {
        self.base.runs.min(self.new.runs) < REPEATS_MIN as u64
    }
}

fn all(runs: &[Summary]) -> Vec<&Summary> {
    runs.iter().collect()
}

fn valid(runs: &[Summary]) -> Vec<&Summary> {
    runs.iter().filter(|run| run.validity.verdict != Validity::Invalid).collect()
}

fn side(runs: &[Summary], valid: &[&Summary]) -> Side {
    let first = valid.first().copied().or(runs.first());
    let text = |of: fn(&Summary) -> &String| first.map_or(String::new(), |run| of(run).clone());
    let count = |of: fn(&Summary) -> bool| valid.iter().filter(|run| of(run)).count() as u64;
    Side {
        name: text(|run| &run.run.name),
        started_at: text(|run| &run.run.started_at),
        git: text(|run| &run.meshload.git),
        runs: valid.len() as u64,
        invalid: (runs.len() - valid.len()) as u64,
        suspect: count(|run| run.validity.verdict == Validity::Suspect),
        partial: count(|run| run.run.interrupted || !run.run.complete),
        failed: count(|run| run.result != Outcome::Passed),
        failure: valid.iter().find(|run| run.result != Outcome::Passed).map(|run| failure(run)),
    }
}

/// The first failed gate in words, or else the run's result.
fn failure(run: &Summary) -> String {
    let gate = run.gates.iter().find(|gate| !gate.ok);
    gate.map_or_else(|| run.result.name().to_owned(), crate::summary::GateResult::in_words)
}

fn curves(base: &[&Summary], new: &[&Summary]) -> Vec<Curves> {
    JUDGED
        .iter()
        .map(|metric| Curves {
            metric: (*metric).to_owned(),
            base: curve(&merged(base, metric)),
            new: curve(&merged(new, metric)),
        })
        .filter(|curves| !curves.base.is_empty() && !curves.new.is_empty())
        .collect()
}
