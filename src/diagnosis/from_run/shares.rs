//! Sums insights up: the share of each cause among the failures of one kind.

use super::super::cause::Cause;
use super::{FailedRoom, Insight};
use crate::vocabulary::Failure;
use std::collections::BTreeMap;

/// Edges with the same causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CauseShare {
    /// All causes that fit, the likeliest first.
    pub causes: Vec<Cause>,
    pub edges: u64,
    /// The evidence of the first such edge.
    pub evidence: String,
}

impl CauseShare {
    /// `timing or connection`.
    pub fn name(&self) -> String {
        name(&self.causes)
    }

    /// True if several causes fit, or none: experiments may settle it.
    pub fn is_open(&self) -> bool {
        self.causes.len() > 1 || self.causes.contains(&Cause::Unknown)
    }
}

pub fn name(causes: &[Cause]) -> String {
    causes.iter().map(|cause| cause.name()).collect::<Vec<_>>().join(" or ")
}

/// The causes of each kind of failure, the most frequent first.
pub fn verdicts(cases: &[FailedRoom], insights: &[Vec<Insight>]) -> BTreeMap<Failure, Vec<CauseShare>> {
    let mut found = BTreeMap::<Failure, Vec<CauseShare>>::new();
    for (case, insights) in cases.iter().zip(insights) {
        for ((_, _, failure), insight) in case.failed.iter().zip(insights) {
            add(found.entry(failure.clone()).or_default(), insight, 1);
        }
    }
    found.values_mut().for_each(|verdicts| sort(verdicts));
    found
}

/// The causes over all kinds of failure, the most frequent first.
pub fn overall(found: &BTreeMap<Failure, Vec<CauseShare>>) -> Vec<CauseShare> {
    let mut all = vec![];
    for verdict in found.values().flatten() {
        let insight = Insight { causes: verdict.causes.clone(), evidence: verdict.evidence.clone() };
        add(&mut all, &insight, verdict.edges);
    }
    sort(&mut all);
    all
}

/// `62 % channel-isolation, 38 % unknown`; `None` if this machine's limits were the only cause.
pub fn in_percent(verdicts: &[CauseShare]) -> Option<String> {
    let all: u64 = verdicts.iter().map(|verdict| verdict.edges).sum();
    let named = verdicts.iter().filter(|verdict| verdict.causes != [Cause::None]);
    let shares: Vec<String> = named
        .map(|verdict| {
            let percent = (verdict.edges as f64 * 100.0 / all as f64).round().clamp(1.0, 100.0);
            format!("{percent} % {}", verdict.name())
        })
        .collect();
    (!shares.is_empty()).then(|| shares.join(", "))
}

fn add(verdicts: &mut Vec<CauseShare>, insight: &Insight, edges: u64) {
    match verdicts.iter_mut().find(|verdict| verdict.causes == insight.causes) {
        Some(verdict) => verdict.edges += edges,
        None => {
            verdicts.push(CauseShare { causes: insight.causes.clone(), edges, evidence: insight.evidence.clone() });
        }
    }
}

fn sort(verdicts: &mut [CauseShare]) {
    verdicts.sort_by(|one, other| (other.edges, &one.causes).cmp(&(one.edges, &other.causes)));
}
