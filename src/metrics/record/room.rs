//! A planned room, and the index arithmetic that finds its peers and edges in the recorder.

use crate::metrics::fold::traces::RoomTrace;
use crate::vocabulary::{PeerIndex, RoomIndex};
use std::ops::Range;
use std::time::Duration;

/// The facts of a planned room that the recorder needs.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomFacts {
    pub index: RoomIndex,
    /// The peer at seat 0; the others follow.
    pub first: PeerIndex,
    /// Each seat's due time, counted from the start of the run.
    pub due: Vec<Duration>,
    /// Samples of warm-up rooms are kept apart from the measured ones.
    pub warmup: bool,
    /// Its peers are to open edges; otherwise they only learn of each other.
    pub meshes: bool,
    /// Index of the room's scenario in the plan's.
    pub scenario: usize,
    /// The timeout of its handshakes.
    pub timeout: Duration,
    /// Peers that the room admits and this run does not control.
    pub guests: u16,
    /// The room's name in reports.
    pub label: String,
}

#[derive(Clone, Debug)]
pub(in crate::metrics) struct RoomRecord {
    pub index: RoomIndex,
    pub first: PeerIndex,
    pub size: u16,
    pub warmup: bool,
    pub meshes: bool,
    pub label: String,
    /// Index into `Recorder::all_totals`.
    pub totals_at: usize,
    pub timeout_us: u64,
    pub guests: u16,
    /// Index of the first peer's first edge with a guest.
    pub guest_edges_at: usize,
    /// Index of the room's first peer in `Recorder::peers`, and of its first edge in `Recorder::edges`.
    pub peers_at: usize,
    pub edges_at: usize,
    pub undecided: u32,
    pub opened: u32,
    pub timed_out: u32,
    /// Every edge has been decided once; after that, churn does not complete the room again.
    pub settled: bool,
    /// The room's trace, until it proves to hold no failed and no slow edge.
    pub trace: Option<Box<RoomTrace>>,
}

impl RoomFacts {
    /// Index of the totals of the room's scenario: those of measured rooms, then those of warm-up rooms, of each scenario.
    pub(crate) fn totals_at(&self) -> usize {
        2 * self.scenario + usize::from(self.warmup)
    }
}

impl RoomRecord {
    /// Number of edges in the full mesh; none if none is meant.
    pub(crate) fn edges(&self) -> usize {
        let size = if self.meshes { usize::from(self.size) } else { 0 };
        size * size.saturating_sub(1) / 2
    }

    /// Indices in `Recorder::edges` of all edges.
    pub(crate) fn edge_range(&self) -> Range<usize> {
        self.edges_at..self.edges_at + self.edges()
    }

    /// Index in `Recorder::peers`.
    pub(crate) fn peer(&self, seat: u16) -> usize {
        self.peers_at + usize::from(seat)
    }

    /// Index in `Recorder::edges` of the edge between two seats, lower first.
    pub(crate) fn edge(&self, low: u16, high: u16) -> usize {
        let high = usize::from(high);
        self.edges_at + high * high.saturating_sub(1) / 2 + usize::from(low)
    }

    /// The peer's number in the plan.
    pub(crate) fn peer_index(&self, seat: u16) -> u32 {
        self.first.0.saturating_add(u32::from(seat))
    }
}
