//! The plan: all rooms, arrivals and departures of a run, as a pure function of (profile, seed).

mod arrivals;
mod cost;
mod departures;
mod fingerprint;
mod share;

pub use arrivals::Curve;
pub use cost::{Cost, MachineLimits};
pub use departures::{Departure, LeaveManner};
pub use share::{Share, ShareOf};

use crate::profile::{Profile, Size};
use crate::vocabulary::{PeerIndex, Place, RoomIndex, Seat, Seed};
use rand::RngExt;
use std::collections::BTreeMap;
use std::time::Duration;

/// All rooms of a run, in order.
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
    /// The room's id, without the run's prefix.
    pub id: String,
    pub first: PeerIndex,
    /// The due time of each seat, from the start of the run; never decreasing.
    pub due: Vec<Duration>,
    /// True if the room arrives in the warm-up, whose samples are kept apart.
    pub warmup: bool,
    /// The departures in the steady phase, in order of time.
    pub departures: Vec<Departure>,
}

impl Plan {
    /// Fills the rooms in order with consecutive peers, so that a host is never due after its members. Allocates for
    /// every peer: check [`Cost::of`] against the machine's limits first.
    pub fn new(profile: Profile, seed: Seed) -> Self {
        let curve = Curve::new(&profile.arrivals);
        let mut dues = curve.dues(seed);
        let mut sizes = sizes(profile.rooms.size, seed);
        let mut first = 0;
        let mut rooms = Vec::with_capacity(profile.rooms.count as usize);
        for index in 0..profile.rooms.count {
            let size = sizes.next().unwrap_or(profile.rooms.size.min);
            let due: Vec<_> = dues.by_ref().take(usize::from(size)).collect();
            rooms.push(RoomPlan {
                index: RoomIndex(index),
                id: profile.rooms.id.replace("{index}", &index.to_string()),
                first: PeerIndex(first),
                warmup: due.first().is_some_and(|&due| due < profile.phases.warmup),
                due,
                departures: departures::draw(profile.churn, profile.phases.steady, RoomIndex(index), size, seed),
            });
            first += u32::from(size);
        }
        drop(dues);
        Self { profile, seed, rooms }
    }

    pub fn peers(&self) -> u64 {
        self.rooms.iter().map(|room| u64::from(room.size())).sum()
    }

    pub fn edges(&self) -> u64 {
        self.rooms.iter().map(RoomPlan::edges).sum()
    }

    /// Edges whose later peer is due within the busiest second; returns after churn are left out.
    pub fn edges_per_second_max(&self) -> u64 {
        let mut seconds = BTreeMap::<u64, u64>::new();
        for room in &self.rooms {
            for (seat, due) in room.due.iter().enumerate() {
                *seconds.entry(due.as_secs()).or_default() += seat as u64;
            }
        }
        seconds.into_values().max().unwrap_or(0)
    }

    /// The plan's hash (hex SHA-256): the same for any seed, target and number of workers.
    pub fn sha256(&self, dialect_text: Option<&str>) -> String {
        fingerprint::sha256(&self.profile, dialect_text)
    }

    /// Reasons why the run would measure nothing, as sentences; empty if it will measure something.
    pub fn problems(&self) -> Vec<String> {
        if self.rooms.iter().any(|room| !room.warmup) {
            return vec![];
        }
        let (warmup, rooms) = (self.profile.phases.warmup, self.rooms.len());
        vec![format!("phases.warmup: all {rooms} rooms arrive within {warmup:?}, so nothing would be measured")]
    }
}

/// The size of each room, in order; endless. More rooms never change the sizes of the first ones.
fn sizes(size: Size, seed: Seed) -> impl Iterator<Item = u16> {
    let mut stream = seed.stream("room sizes", 0);
    std::iter::repeat_with(
        move || if size.min == size.max { size.min } else { stream.random_range(size.min..=size.max) },
    )
}

impl RoomPlan {
    pub fn size(&self) -> u16 {
        self.due.len() as u16
    }

    /// The number of edges: one per pair of peers.
    pub fn edges(&self) -> u64 {
        let size = self.due.len() as u64;
        size * (size - 1) / 2
    }

    pub fn place(&self, seat: Seat) -> Place {
        Place { room: self.index, seat, peer: PeerIndex(self.first.0 + u32::from(seat.0)) }
    }
}

#[cfg(test)]
mod tests;
