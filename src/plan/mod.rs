//! The plan: all rooms, arrivals and departures of a run, as a pure function of (profile, seed).

mod arrivals;
mod cost;
mod dealer;
mod departures;
mod fingerprint;
mod problems;
mod share;

pub use arrivals::Curve;
pub use cost::{Cost, MachineLimits};
pub use departures::{Departure, LeaveManner};
pub use share::{Share, ShareOf};

use crate::profile::Profile;
use crate::vocabulary::{PeerIndex, Place, RoomIndex, Seat, Seed};
use dealer::{Dealer, DealtRoom};
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
    /// Index of the room's settings in the profile's scenarios.
    pub scenario: usize,
    /// Peers of the same scenario in the rooms before.
    pub scenario_peers_before: u32,
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
        let mut dealer = Dealer::new(&profile.scenarios, seed);
        let mut first = 0;
        let mut rooms = Vec::with_capacity(profile.room_count as usize);
        for index in 0..profile.room_count {
            let DealtRoom { scenario, size, peers_before } = dealer.deal();
            let settings = &profile.scenarios[scenario];
            let due: Vec<_> = dues.by_ref().take(usize::from(size)).collect();
            rooms.push(RoomPlan {
                index: RoomIndex(index),
                scenario,
                scenario_peers_before: peers_before,
                id: settings.rooms.id.replace("{index}", &index.to_string()),
                first: PeerIndex(first),
                warmup: due.first().is_some_and(|&due| due < profile.phases.warmup),
                due,
                departures: departures::draw(settings.churn, profile.phases.steady, RoomIndex(index), size, seed),
            });
            first += u32::from(size);
        }
        drop(dues);
        Self { profile, seed, rooms }
    }

    pub fn peers(&self) -> u64 {
        self.peers_of_scenarios().iter().sum()
    }

    /// The peers of each scenario, in the profile's order.
    pub fn peers_of_scenarios(&self) -> Vec<u64> {
        let mut peers = vec![0; self.profile.scenarios.len()];
        for room in &self.rooms {
            peers[room.scenario] += u64::from(room.size());
        }
        peers
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
