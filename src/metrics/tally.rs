//! Counts of the run so far, for progress and for the decision to end it.

use std::ops::AddAssign;

/// Counts of one worker or of several added up; warm-up is included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub peers_planned: u64,
    /// Dials started, rejoins included.
    pub peers_began: u64,
    pub peers_joined: u64,
    /// Failed before they had joined.
    pub peers_failed: u64,
    pub peers_dropped: u64,
    /// Started more than 50 ms after they were due.
    pub peers_late: u64,
    /// Began, and have neither left nor failed yet.
    pub peers_alive: u64,
    /// Have neither begun nor been dropped yet.
    pub peers_waiting: u64,
    /// Rejoins included.
    pub edges_planned: u64,
    pub edges_opened: u64,
    pub edges_failed: u64,
    pub edges_dropped: u64,
    /// Not decided yet; an edge that a leave abandoned is decided.
    pub edges_undecided: u64,
    /// Undecided edges with guests, which no other figure here counts.
    pub guest_edges_undecided: u64,
    pub rooms_planned: u64,
    pub rooms_decided: u64,
    pub rooms_complete: u64,
    pub messages_sent: u64,
    pub messages_delivered: u64,
    /// Sent, but their channel closed before they arrived.
    pub messages_cut: u64,
    /// Due, but never sent.
    pub messages_dropped: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.peers_planned += other.peers_planned;
        self.peers_began += other.peers_began;
        self.peers_joined += other.peers_joined;
        self.peers_failed += other.peers_failed;
        self.peers_dropped += other.peers_dropped;
        self.peers_late += other.peers_late;
        self.peers_alive += other.peers_alive;
        self.peers_waiting += other.peers_waiting;
        self.edges_planned += other.edges_planned;
        self.edges_opened += other.edges_opened;
        self.edges_failed += other.edges_failed;
        self.edges_dropped += other.edges_dropped;
        self.edges_undecided += other.edges_undecided;
        self.guest_edges_undecided += other.guest_edges_undecided;
        self.rooms_planned += other.rooms_planned;
        self.rooms_decided += other.rooms_decided;
        self.rooms_complete += other.rooms_complete;
        self.messages_sent += other.messages_sent;
        self.messages_delivered += other.messages_delivered;
        self.messages_cut += other.messages_cut;
        self.messages_dropped += other.messages_dropped;
    }
}
