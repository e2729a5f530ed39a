//! A run against an earlier one: what changed, how sure that is, and whether it got worse.

mod change;
mod interval;
mod rule;
mod unlike;

pub use crate::gates::baseline::change::{Change, Finding};
pub use crate::gates::baseline::rule::Rule;
pub use crate::gates::baseline::unlike::Difference;

use crate::gates::baseline::change::{changes, merged};
use crate::summary::Summary;
use crate::summary::curve::{Point, curve};
use crate::summary::verdict::Verdict as Validity;
use schemars::JsonSchema;
use serde::Serialize;

/// `compare.json`, schema version 1.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    pub schema: u32,
    pub verdict: Verdict,
    pub tolerance: f64,
    pub base: Side,
    pub new: Side,
    /// In what the plans differ; empty for comparable runs.
    pub plan: Vec<Difference>,
    /// In what the machines differ.
    pub machine: Vec<Difference>,
    /// What was judged first, then what is only shown.
    pub changes: Vec<Change>,
    pub curves: Vec<Curves>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing that is judged got worse.
    Passed,
    Regressed,
    /// A side has no run whose figures are the target's.
    Invalid,
    /// The plans differ, and nobody forced the comparison.
    Unlike,
    /// The machines differ: shown, not judged.
    OtherMachine,
}

/// The runs of one side.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Side {
    pub name: String,
    pub started_at: String,
    pub git: String,
    /// Runs that were compared.
    pub runs: u64,
    /// Runs left out because they are INVALID.
    pub invalid: u64,
    /// Of the runs compared: those that are SUSPECT.
    pub suspect: u64,
    /// Of the runs compared: those that were cut short or lack a part.
    pub partial: u64,
}

/// The percentile curves of one timer, from due, the runs of a side merged.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Curves {
    pub metric: String,
    pub base: Vec<Point>,
    pub new: Vec<Point>,
}

/// Compares repeats of a run with earlier repeats; INVALID runs are left out. Never fails: what stands in the way
/// of a comparison is its verdict.
pub fn compare(base: &[Summary], new: &[Summary], rule: &Rule) -> Comparison {
    let (base_valid, new_valid) = (valid(base), valid(new));
    let plan = unlike::plans(&all(base), &all(new));
    let both = !base_valid.is_empty() && !new_valid.is_empty();
    let machine = if both { unlike::machines(&base_valid, &new_valid) } else { vec![] };
    let refused = match (plan.is_empty() || rule.force, both) {
        (false, _) => Some(Verdict::Unlike),
        (true, false) => Some(Verdict::Invalid),
        (true, true) => None,
    };
    let (changes, curves) = match refused {
        Some(_) => (vec![], vec![]),
        None => (changes(&base_valid, &new_valid, rule), curves(&base_valid, &new_valid)),
    };
    let verdict = match refused {
        Some(refused) => refused,
        None if !machine.is_empty() && !rule.across_machines => Verdict::OtherMachine,
        None if changes.iter().any(Change::fails) => Verdict::Regressed,
        None => Verdict::Passed,
    };
    let (base, new) = (side(base, &base_valid), side(new, &new_valid));
    Comparison { schema: 1, verdict, tolerance: rule.tolerance, base, new, plan, machine, changes, curves }
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
    }
}

fn curves(base: &[&Summary], new: &[&Summary]) -> Vec<Curves> {
    change::JUDGED
        .iter()
        .map(|metric| Curves {
            metric: (*metric).to_owned(),
            base: curve(&merged(base, metric)),
            new: curve(&merged(new, metric)),
        })
        .filter(|curves| !curves.base.is_empty() && !curves.new.is_empty())
        .collect()
}
