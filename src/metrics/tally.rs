//! The run so far, in numbers small enough to copy about.

use derive_more::AddAssign;

/// Warm-up included; the tallies of two workers add up.
#[derive(AddAssign, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub peers_planned: u64,
    /// Dials started, rejoins included.
    pub peers_began: u64,
    pub peers_joined: u64,
    /// Before they had joined.
    pub peers_failed: u64,
    pub peers_dropped: u64,
    /// Started late, yet started.
    pub peers_late: u64,
    /// Began, and neither left nor failed yet.
    pub peers_alive: u64,
    /// Neither began nor dropped yet.
    pub peers_waiting: u64,
    /// Rejoins included.
    pub edges_planned: u64,
    pub edges_opened: u64,
    pub edges_failed: u64,
    pub edges_dropped: u64,
    /// Not decided yet; what was abandoned by a leave is decided.
    pub edges_undecided: u64,
    /// The same of edges with guests, which are in no other figure here.
    pub guest_edges_undecided: u64,
    pub rooms_planned: u64,
    pub rooms_decided: u64,
    pub rooms_complete: u64,
    pub messages_sent: u64,
    pub messages_delivered: u64,
    /// Sent, and their channel closed before they arrived: nobody waits for them.
    pub messages_cut: u64,
    /// Due, and never sent.
    pub messages_dropped: u64,
}
