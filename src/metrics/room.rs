//! The rooms of a share of the plan, and where their peers and edges lie.

use crate::metrics::traces::RoomTrace;
use crate::vocabulary::ids::{PeerIndex, RoomIndex};
use std::time::Duration;

/// What metrics has to know of a planned room.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomFacts {
    pub index: RoomIndex,
    /// The peer at seat 0; the others follow.
    pub first: PeerIndex,
    /// Each seat's due time, from the start of the run.
    pub due: Vec<Duration>,
    /// Its samples are kept apart.
    pub warmup: bool,
    /// What reports call it.
    pub label: String,
}

#[derive(Clone, Debug)]
pub(super) struct RoomRecord {
    pub index: RoomIndex,
    pub first: PeerIndex,
    pub size: u16,
    pub warmup: bool,
    pub label: String,
    /// Where its peers and edges begin among all.
    pub peers_at: usize,
    pub edges_at: usize,
    pub undecided: u32,
    pub opened: u32,
    pub timed_out: u32,
    /// Whether it has been decided once: churn does not complete it again.
    pub settled: bool,
    /// Its handshake, while it may turn out to be worth keeping.
    pub trace: Option<Box<RoomTrace>>,
}

impl RoomRecord {
    pub fn edges(&self) -> usize {
        let size = usize::from(self.size);
        size * size.saturating_sub(1) / 2
    }

    pub fn peer(&self, seat: u16) -> usize {
        self.peers_at + usize::from(seat)
    }

    /// The edge between two seats, lower first.
    pub fn edge(&self, low: u16, high: u16) -> usize {
        let high = usize::from(high);
        self.edges_at + high * high.saturating_sub(1) / 2 + usize::from(low)
    }

    pub fn peer_index(&self, seat: u16) -> u32 {
        self.first.0.saturating_add(u32::from(seat))
    }
}
