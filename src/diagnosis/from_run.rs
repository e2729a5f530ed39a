//! Diagnoses the failed edges of a run, and sums up the share of each cause among the failures of one kind.

use super::cause::{Cause, Insight};
use super::edge::EdgeEvidence;
use super::edge::delivery_index::{DeliveryIndex, SeenWorking};
use super::timeline::Timeline;
use super::words::Words;
use crate::vocabulary::{Failure, Reason, Seat};
use std::collections::BTreeMap;

/// A traced room in which edges failed.
#[derive(Clone, Debug)]
pub struct FailedRoom {
    pub timeline: Timeline,
    /// The failed edges, lower seat first, with the failures as they were counted.
    pub failed: Vec<(Seat, Seat, Failure)>,
}

/// An insight for each failed edge of each room, in their order. An edge is judged by the events of its two peers,
/// and by what works in the other rooms; `has_frames`: any frame came from the server, also one that no rule takes.
pub fn insights(cases: &[FailedRoom], words: &Words, has_frames: bool) -> Vec<Vec<Insight>> {
    let indices: Vec<DeliveryIndex<'_>> = cases.iter().map(|case| DeliveryIndex::of(&case.timeline, words)).collect();
    let mut seen = SeenWorking::of(&indices, None);
    seen.frames |= has_frames;
    let of_case = |(case, index): (&FailedRoom, &DeliveryIndex<'_>)| {
        let evidence = EdgeEvidence {
            index,
            seen: &seen,
            trials: None,
            repeat: None,
            confirmed: None,
            observed: None,
            elsewhere: None,
        };
        let edges = case.failed.iter();
        edges.map(|(low, high, failure)| insight(&evidence, (*low, *high), failure)).collect()
    };
    cases.iter().zip(&indices).map(of_case).collect()
}

fn insight(evidence: &EdgeEvidence<'_>, edge: (Seat, Seat), failure: &Failure) -> Insight {
    let mut insight = evidence.judge(edge, failure);
    if failure.reason == Reason::GeneratorLimit {
        // A limit of this machine is no cause at the target.
        insight.causes = vec![Cause::None];
    }
    insight
}

/// Edges with the same causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CauseShare {
    /// All causes that fit, the likeliest first.
    pub causes: Vec<Cause>,
    pub edges: u64,
    /// The evidence of the first such edge.
    pub evidence: Vec<String>,
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
            let one = CauseShare { causes: insight.causes.clone(), edges: 1, evidence: insight.evidence.clone() };
            add(found.entry(failure.clone()).or_default(), &one);
        }
    }
    found.values_mut().for_each(|verdicts| sort(verdicts));
    found
}

/// The causes over all kinds of failure, the most frequent first.
pub fn overall(found: &BTreeMap<Failure, Vec<CauseShare>>) -> Vec<CauseShare> {
    let mut all = vec![];
    for verdict in found.values().flatten() {
        add(&mut all, verdict);
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

fn add(verdicts: &mut Vec<CauseShare>, more: &CauseShare) {
    match verdicts.iter_mut().find(|verdict| verdict.causes == more.causes) {
        Some(verdict) => verdict.edges += more.edges,
        None => verdicts.push(more.clone()),
    }
}

fn sort(verdicts: &mut [CauseShare]) {
    verdicts.sort_by(|one, other| (other.edges, &one.causes).cmp(&(one.edges, &other.causes)));
}
