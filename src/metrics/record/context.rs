//! Indices that locate an event among the recorder's rooms, peers and edges.

use crate::metrics::run_time::RunTime;
use std::time::Instant;

/// The time, room and peer of an event.
#[derive(Clone, Copy, Debug)]
pub(in crate::metrics) struct EventContext {
    pub when: Instant,
    pub at: RunTime,
    /// The arrival of the input behind the event; never after `at`.
    pub arrived: RunTime,
    /// Indices into `Recorder::rooms` and `Recorder::peers`.
    pub room: usize,
    pub peer: usize,
    pub seat: u16,
    /// Index into `Recorder::all_totals`.
    pub totals_at: usize,
}

impl EventContext {
    /// Index of the room's scenario, and into `Recorder::series`.
    pub(crate) fn scenario(&self) -> usize {
        self.totals_at / 2
    }
}

/// An edge, seen from the event's peer.
#[derive(Clone, Copy, Debug)]
pub(in crate::metrics) struct Pair {
    /// Index into `Recorder::edges`.
    pub edge: usize,
    /// The side of the event's peer: 0 if it has the lower seat, 1 otherwise.
    pub side: usize,
    pub other: u16,
    /// Indices into `Recorder::peers`, lower seat first.
    pub peers: [usize; 2],
}
