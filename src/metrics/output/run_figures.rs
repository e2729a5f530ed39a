//! The figures of some rooms of a run, which add up to those of the whole run, on one machine or on many.

use crate::metrics::evidence::connection_log::ConnectionLog;
use crate::metrics::evidence::groups::MetRooms;
use crate::metrics::evidence::trace_check::TraceCheck;
use crate::metrics::fold::guests::GuestCounts;
use crate::metrics::fold::outages::Outages;
use crate::metrics::fold::series::SecondCounts;
use crate::metrics::fold::time_buckets::TimeRows;
use crate::metrics::fold::totals::Totals;
use crate::metrics::fold::traces::{KeptTrace, Traced};
use crate::metrics::frame_notes::FrameNotes;
use crate::metrics::output::meshes::RankedMesh;
use crate::metrics::tally::Tally;
use crate::summary::{ArrivalClocks, Histogram, LeaveNotices};
use crate::vocabulary::RoomIndex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Instant;

/// Made by `Recorder::into_figures`; holds no `Instant` and nothing for each edge, so that it travels in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunFigures {
    /// 0: measured rooms; 1: warm-up rooms.
    pub(in crate::metrics) totals: [Totals; 2],
    pub(in crate::metrics) guests: [GuestCounts; 2],
    pub(in crate::metrics) has_warmup: bool,
    pub(in crate::metrics) series: TimeRows<SecondCounts>,
    /// The time from the arrival of frames, datagrams and messages to their handling.
    pub(in crate::metrics) handling: Histogram,
    pub(in crate::metrics) arrival_clocks: ArrivalClocks,
    pub(in crate::metrics) outages: Outages,
    pub(in crate::metrics) frame_notes: FrameNotes,
    pub(in crate::metrics) connections: ConnectionLog,
    pub(in crate::metrics) trace_check: TraceCheck,
    pub(in crate::metrics) leaves: LeaveNotices,
    pub(in crate::metrics) tally: Tally,
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
            has_warmup: false,
            series: TimeRows::default(),
            handling: Histogram::default(),
            arrival_clocks: ArrivalClocks::default(),
            outages: Outages::default(),
            frame_notes: FrameNotes::default(),
            connections: ConnectionLog::default(),
            trace_check: TraceCheck::default(),
            leaves: LeaveNotices::default(),
            tally: Tally::default(),
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
        self.has_warmup |= other.has_warmup;
        self.series.merge(other.series);
        self.handling.merge(&other.handling);
        self.arrival_clocks += other.arrival_clocks;
        self.outages.merge(other.outages);
        self.frame_notes.merge(other.frame_notes);
        self.connections.merge(other.connections);
        self.trace_check.merge(other.trace_check);
        self.leaves += other.leaves;
        self.tally += other.tally;
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

    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The kept traces, in the order of the plan, as of a run that began at `start`.
    pub fn traced(&self, start: Instant) -> Vec<Traced<'_>> {
        self.traces.iter().map(|trace| trace.traced(start)).collect()
    }

    /// The room's name in reports.
    pub(in crate::metrics) fn label(&self, room: RoomIndex) -> String {
        self.labels.get(&room).cloned().unwrap_or_else(|| room.to_string())
    }
}
