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
    /// 0: measured rooms; 1: warm-up rooms.
    pub(in crate::metrics) totals: [Totals; 2],
    pub(in crate::metrics) guests: [GuestCounts; 2],
    pub(in crate::metrics) series: TimeRows<SecondCounts>,
    pub(in crate::metrics) run_wide: RunWideFigures,
    pub(in crate::metrics) met: MetRooms,
    pub(in crate::metrics) worst_rooms: Vec<RankedMesh>,
    pub(in crate::metrics) traces: Vec<KeptTrace>,
    /// The names of the rooms that failures and the slowest edges refer to.
    pub(in crate::metrics) labels: BTreeMap<RoomIndex, String>,
}

impl RunFigures {
    /// The figures of no room, for a dialect of so many message types.
    pub fn none(kinds: usize) -> Self {
        Self {
            totals: [Totals::new(kinds), Totals::new(kinds)],
            guests: Default::default(),
            series: TimeRows::default(),
            run_wide: RunWideFigures::default(),
            met: MetRooms::default(),
            worst_rooms: vec![],
            traces: vec![],
            labels: BTreeMap::new(),
        }
    }

    /// Adds the figures of other rooms of the same run.
    pub fn merge(&mut self, other: Self) {
        self.totals.iter_mut().zip(other.totals).for_each(|(ours, theirs)| ours.merge(theirs));
        self.guests.iter_mut().zip(other.guests).for_each(|(ours, theirs)| *ours += theirs);
        self.series.merge(other.series);
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

    /// The kept traces, in the order of the plan.
    pub fn traces(&self) -> &[KeptTrace] {
        &self.traces
    }

    /// The room's name in reports.
    pub(in crate::metrics) fn label(&self, room: RoomIndex) -> String {
        self.labels.get(&room).cloned().unwrap_or_else(|| room.to_string())
    }
}
