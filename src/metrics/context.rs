//! The place of an event among the recorder's rooms, peers and edges.

use crate::metrics::stamp::Stamp;
use std::time::Instant;

/// Where an event happened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub when: Instant,
    pub at: Stamp,
    /// Positions among our rooms and peers.
    pub room: usize,
    pub peer: usize,
    pub seat: u16,
    /// The account it goes to.
    pub half: usize,
}

/// An edge as one of its peers sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub edge: usize,
    /// The side that the event's peer is on.
    pub side: usize,
    pub other: u16,
    /// The two peers' positions, lower seat first.
    pub peers: [usize; 2],
}
