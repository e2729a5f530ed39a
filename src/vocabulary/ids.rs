//! Ids of rooms and peers: positions in the plan, and the names on the wire.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A room's position in the plan, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoomIndex(pub u32);

/// A peer's position in the plan, from 0; peers of one room are consecutive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PeerIndex(pub u32);

/// A peer's position within its room, from 0; the host has seat 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seat(pub u16);

/// A peer's room, seat and index in the plan: unique within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    pub room: RoomIndex,
    pub seat: Seat,
    pub peer: PeerIndex,
}

impl Place {
    /// The peer at `seat` of the same room.
    pub fn neighbour(self, seat: Seat) -> PeerIndex {
        PeerIndex(self.peer.0 - u32::from(self.seat.0) + u32::from(seat.0))
    }
}

/// Wire ids of one run: the run's prefix, then the zero-padded index. Ids sort as indices do, and two runs against
/// one target do not collide (docs/spec/measurement.md, "Load model").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    prefix: String,
    width: usize,
}

impl Naming {
    /// Wire ids for `peers` peers under `prefix`.
    pub fn new(prefix: impl Into<String>, peers: u32) -> Self {
        let width = peers.saturating_sub(1).max(1).ilog10() as usize + 1;
        Self { prefix: prefix.into(), width }
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The wire id of a peer, such as `m3f9c-0042`.
    pub fn peer(&self, index: PeerIndex) -> String {
        format!("{}-{:0width$}", self.prefix, index.0, width = self.width)
    }

    /// The peer with the wire id `id`; `None` if `id` is not of this run.
    pub fn index(&self, id: &str) -> Option<PeerIndex> {
        let digits = id.strip_prefix(self.prefix.as_str())?.strip_prefix('-')?;
        if digits.len() != self.width || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().map(PeerIndex)
    }
}

impl fmt::Display for PeerIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer {}", self.0)
    }
}

impl fmt::Display for RoomIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "room {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_indices_do_and_read_back() {
        let naming = Naming::new("m1", 1_000);
        assert_eq!(naming.peer(PeerIndex(7)), "m1-007");
        assert!(naming.peer(PeerIndex(99)) < naming.peer(PeerIndex(100)));
        assert_eq!(naming.index("m1-007"), Some(PeerIndex(7)));
    }

    #[test]
    fn a_foreign_name_is_nobody() {
        let naming = Naming::new("m1", 1_000);
        for foreign in ["m2-007", "m1-07", "m1-0007", "m1-+07", "m1007", "tab-k3j9x0a1b", ""] {
            assert_eq!(naming.index(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_run_of_ten_needs_one_digit_and_of_eleven_two() {
        assert_eq!(Naming::new("m", 10).peer(PeerIndex(9)), "m-9");
        assert_eq!(Naming::new("m", 11).peer(PeerIndex(9)), "m-09");
    }

    #[test]
    fn neighbours_share_a_room() {
        let place = Place { room: RoomIndex(2), seat: Seat(3), peer: PeerIndex(11) };
        assert_eq!(place.neighbour(Seat(0)), PeerIndex(8));
        assert_eq!(place.neighbour(Seat(4)), PeerIndex(12));
    }
}
