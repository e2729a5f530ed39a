//! Failures by phase, reason and detail, each with one example.

use crate::summary::FailureRow;
use crate::vocabulary::{Failure, Reason, RoomIndex, inert_text::bounded};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The target chooses some of the details, so their number and length are bounded.
const GROUPS_MAX: usize = 200;
const DETAIL_CHARS_MAX: usize = 120;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::metrics) struct Failures {
    groups: BTreeMap<Failure, FailureGroup>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FailureGroup {
    edges: u64,
    peers: u64,
    example: Example,
}

/// A peer or edge that failed; the first in the plan's order is kept, so that any split of a run shows the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::metrics) struct Example {
    pub peer: u32,
    pub other: Option<u32>,
    pub room: RoomIndex,
}

impl Failures {
    pub(crate) fn edge(&mut self, failure: &Failure, example: Example) {
        self.add(failure, FailureGroup { edges: 1, peers: 0, example });
    }

    pub(crate) fn peer(&mut self, failure: &Failure, example: Example) {
        self.add(failure, FailureGroup { edges: 0, peers: 1, example });
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        other.groups.iter().for_each(|(failure, group)| self.add(failure, *group));
    }

    /// The number of edges and peers that failed by limits of this machine, and the first detail.
    pub(crate) fn generator_limits(&self) -> Option<(u64, &str)> {
        let mut own = self.groups.iter().filter(|(failure, _)| failure.reason == Reason::GeneratorLimit).peekable();
        let detail = own.peek()?.0.detail.as_ref();
        Some((own.map(|(_, group)| group.edges + group.peers).sum(), detail))
    }

    /// The rooms of the examples.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = RoomIndex> {
        self.groups.values().map(|group| group.example.room)
    }

    /// Rows of the summary, most frequent first.
    pub(crate) fn rows(&self, label: impl Fn(RoomIndex) -> String) -> Vec<FailureRow> {
        let row = |(failure, group): (&Failure, &FailureGroup)| FailureRow {
            phase: failure.phase.name().into(),
            reason: failure.reason.name().into(),
            detail: failure.detail.to_string(),
            count: group.edges,
            peers: group.peers,
            example: group.example.sentence(failure, &label(group.example.room)),
            example_peers: [Some(group.example.peer), group.example.other].into_iter().flatten().collect(),
            // The controller adds them.
            trace_ids: vec![],
            cause: None,
        };
        let mut rows: Vec<_> = self.groups.iter().map(row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.count, row.peers)));
        rows
    }

    /// The group in which `failure` is or would be counted: its detail may be shortened or replaced.
    pub(crate) fn counted_as(&self, failure: &Failure) -> Failure {
        if self.groups.contains_key(failure) {
            return failure.clone();
        }
        let mut counted = failure.clone();
        if let Cow::Owned(cut) = bounded(&failure.detail, DETAIL_CHARS_MAX) {
            counted.detail = cut.into();
        }
        if self.groups.len() >= GROUPS_MAX && !self.groups.contains_key(&counted) {
            counted.detail = "and others".into();
        }
        counted
    }

    fn add(&mut self, failure: &Failure, more: FailureGroup) {
        if let Some(group) = self.groups.get_mut(failure) {
            return group.merge(more);
        }
        let counted = self.counted_as(failure);
        self.groups.entry(counted).and_modify(|group| group.merge(more)).or_insert(more);
    }
}

impl FailureGroup {
    fn merge(&mut self, other: Self) {
        self.edges += other.edges;
        self.peers += other.peers;
        // A peer's own failure before the edges that it takes with it.
        let rank = |example: &Example| (example.other.is_some(), *example);
        self.example = std::cmp::min_by_key(self.example, other.example, rank);
    }
}

impl Example {
    fn sentence(self, failure: &Failure, room: &str) -> String {
        match self.other {
            Some(other) => format!("peer {} ↔ peer {other} in {room}: {failure}", self.peer),
            None => format!("peer {} in {room}: {failure}", self.peer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Phase;

    fn refused(detail: String) -> Failure {
        Failure::new(Phase::Connect, Reason::Rejected, detail)
    }

    fn at(peer: u32) -> Example {
        Example { peer, other: Some(peer + 1), room: RoomIndex(0) }
    }

    #[test]
    fn a_group_shows_the_first_of_the_plan_whatever_came_first() {
        let mut failures = Failures::default();
        failures.edge(&refused("HTTP 429".into()), at(12));
        failures.edge(&refused("HTTP 429".into()), at(3));
        let rows = failures.rows(|_| "room-0".into());
        assert_eq!((rows.len(), rows[0].count), (1, 2));
        assert_eq!(rows[0].example, "peer 3 ↔ peer 4 in room-0: connect rejected (HTTP 429)");
    }

    #[test]
    fn a_target_that_never_fails_the_same_way_twice_fills_no_memory() {
        let mut failures = Failures::default();
        (0..GROUPS_MAX as u32 + 50).for_each(|n| failures.edge(&refused(format!("{n:0200}")), at(n)));
        (0..GROUPS_MAX as u32 + 50).for_each(|n| failures.edge(&refused(format!("HTTP {n}")), at(n)));
        let rows = failures.rows(|_| "room-0".into());
        assert!(rows.len() <= GROUPS_MAX + 1, "{}", rows.len());
        assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 2 * (GROUPS_MAX as u64 + 50));
        assert!(rows.iter().all(|row| row.detail.chars().count() <= DETAIL_CHARS_MAX + 1));
    }
}
