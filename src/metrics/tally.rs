//! Counts of the run so far, for progress and for the decision to end it.

use derive_more::AddAssign;
use serde::{Deserialize, Serialize};

/// Counts of one worker or of several added up; warm-up is included.
#[derive(AddAssign, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
