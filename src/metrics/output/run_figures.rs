//! The figures of some rooms of a run, which add up to those of the whole run, on one machine or on many.

use crate::metrics::evidence::groups::MetRooms;
use crate::metrics::fold::guests::GuestCounts;
use crate::metrics::fold::series::SecondCounts;
use crate::metrics::fold::time_buckets::TimeRows;
use crate::metrics::fold::totals::Totals;
use crate::metrics::fold::traces::KeptTrace;
use crate::metrics::output::meshes::RankedMesh;
use crate::metrics::output::run_wide::RunWideFigures;
use crate::vocabulary::RoomIndex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Made by `Recorder::into_figures`; holds no `Instant` and nothing for each edge, so that it travels in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunFigures {
    /// Of each scenario: those of its measured rooms, then those of its warm-up rooms; shorter if these figures have no room
    /// of the last scenarios.
    pub(in crate::metrics) totals: Vec<Totals>,
    /// As `totals`.
    pub(in crate::metrics) guests: Vec<GuestCounts>,
    /// By scenario.
    pub(in crate::metrics) series: Vec<TimeRows<SecondCounts>>,
    pub(in crate::metrics) run_wide: RunWideFigures,
    pub(in crate::metrics) met: MetRooms,
    pub(in crate::metrics) worst_rooms: Vec<RankedMesh>,
    pub(in crate::metrics) traces: Vec<KeptTrace>,
    /// The names of the rooms that failures and the slowest edges refer to.
    pub(in crate::metrics) labels: BTreeMap<RoomIndex, String>,
}

impl RunFigures {
    /// The figures of no room.
    pub fn none() -> Self {
        Self {
            totals: vec![],
            guests: vec![],
            series: vec![],
            run_wide: RunWideFigures::default(),
            met: MetRooms::default(),
            worst_rooms: vec![],
            traces: vec![],
            labels: BTreeMap::new(),
        }
    }

    /// Adds the figures of other rooms of the same run.
    pub fn merge(&mut self, other: Self) {
        merge_each(&mut self.totals, other.totals, Totals::none_like, Totals::merge);
        merge_each(&mut self.guests, other.guests, |_| GuestCounts::default(), |ours, theirs| *ours += theirs);
        merge_each(&mut self.series, other.series, |_| TimeRows::default(), TimeRows::merge);
        self.run_wide.merge(other.run_wide);
        self.met.merge(other.met);
        RankedMesh::merge(&mut self.worst_rooms, other.worst_rooms);
        self.traces.extend(other.traces);
        self.traces.sort_by_key(|trace| trace.room);
        self.labels.extend(other.labels);
    }

    /// The planned rooms, peers and edges, warm-up included.
    pub fn planned(&self) -> (u64, u64, u64) {
        let sum = |of: fn(&Totals) -> u64| self.totals.iter().map(of).fold(0, u64::saturating_add);
        (sum(|totals| totals.rooms.planned), sum(|totals| totals.peers.planned), sum(|totals| totals.edges.planned))
    }

    /// The totals of all scenarios' measured rooms (`half` 0) or warm-up rooms (1), of so many message types.
    pub(in crate::metrics) fn half(&self, half: usize, kinds: usize) -> Totals {
        let mut sum = Totals::new(kinds);
        self.totals.iter().skip(half).step_by(2).for_each(|totals| sum.merge(totals.clone()));
        sum
    }

    /// The guests' counts of the same rooms.
    pub(in crate::metrics) fn guests_of_half(&self, half: usize) -> GuestCounts {
        let mut sum = GuestCounts::default();
        self.guests.iter().skip(half).step_by(2).for_each(|counts| sum += *counts);
        sum
    }

    /// The series of all scenarios.
    pub(in crate::metrics) fn whole_series(&self) -> TimeRows<SecondCounts> {
        let mut sum = TimeRows::default();
        self.series.iter().for_each(|series| sum.merge(series.clone()));
        sum
    }

    /// The kept traces, in the order of the plan.
    pub fn traces(&self) -> &[KeptTrace] {
        &self.traces
    }

    /// The room's name in reports.
    pub(in crate::metrics) fn label(&self, room: RoomIndex) -> String {
        self.labels.get(&room).cloned().unwrap_or_else(|| room.to_string())
    }
}

/// Merges two lists entry by entry. An entry that only `theirs` has is merged into `none` of it, which bounds the lists in
/// it.
fn merge_each<T>(ours: &mut Vec<T>, theirs: Vec<T>, none: impl Fn(&T) -> T, merge: impl Fn(&mut T, T)) {
    for (index, theirs) in theirs.into_iter().enumerate() {
        if index == ours.len() {
            ours.push(none(&theirs));
        }
        merge(&mut ours[index], theirs);
    }
}
