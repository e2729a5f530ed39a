//! The plan: every arrival of a run in order, a pure function of (profile, seed).

use crate::profile::Profile;
use crate::vocabulary::ids::{PeerIndex, Place, RoomIndex, Seat};
use crate::vocabulary::seed::Seed;
use std::time::Duration;

/// Every room of the run with its members' due times.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub profile: Profile,
    pub seed: Seed,
    pub rooms: Vec<RoomPlan>,
}

/// One room: consecutive peers, the host first.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomPlan {
    pub index: RoomIndex,
    /// The room's id without the run's prefix.
    pub id: String,
    pub first: PeerIndex,
    /// Each seat's due time, counted from the start of the run; never decreasing.
    pub due: Vec<Duration>,
    /// Played before the measured part: its samples are kept apart.
    pub warmup: bool,
}

impl RoomPlan {
    pub fn size(&self) -> u16 {
        self.due.len() as u16
    }

    /// Pairs of the room: each becomes an edge.
    pub fn edges(&self) -> u64 {
        let size = self.due.len() as u64;
        size * (size - 1) / 2
    }

    pub fn place(&self, seat: Seat) -> Place {
        Place { room: self.index, seat, peer: PeerIndex(self.first.0 + u32::from(seat.0)) }
    }
}
