//! The parts that a virtual peer is assembled from, the same for a run, the probe and the tests.

use super::id_exchange::IdExchange;
use crate::dialect::{Dialect, PeerIdentity};
use crate::peer::{Config, ReconnectBackoff, TrafficConfig};
use crate::vocabulary::ids::{Naming, Place, Seat};
use crate::vocabulary::options::{Approval, Initiator, Trigger};
use crate::vocabulary::seed::Seed;
use std::time::{Duration, Instant};

/// One peer of one room, before it begins; `build` makes the peer.
pub struct PeerSpec {
    pub place: Place,
    /// Peers of the room, this one included, guests not.
    pub room_size: u16,
    /// Guests that the room admits.
    pub guests: u16,
    pub naming: Naming,
    /// The name that people read.
    pub name: String,
    /// The room's id on the wire.
    pub room: String,
    pub dialect: Dialect,
    pub trigger: Trigger,
    pub initiator: Initiator,
    pub settle: Duration,
    pub approval: Approval,
    /// Per peer from its dial, per edge from when the later of the two began.
    pub timeout: Duration,
    pub trickle: bool,
    /// An instant, and the wall clock then in ms since the Unix epoch.
    pub epoch: (Instant, u64),
    /// From `--tokens`; empty without.
    pub token: String,
    /// The seed of the dialect's random values.
    pub seed: Seed,
    pub traffic: TrafficConfig,
    /// The pauses before further dials; none for a peer that gives up when it has lost its server.
    pub backoff: Option<ReconnectBackoff>,
    /// The room's ids, for dialects whose ids a server gives, or that have no rooms.
    pub exchange: Option<IdExchange>,
}

impl PeerSpec {
    pub(super) fn identity(&self) -> PeerIdentity {
        PeerIdentity {
            id: self.naming.peer(self.place.peer),
            name: self.name.clone(),
            room: self.room.clone(),
            host: self.place.seat == Seat(0),
            trigger: self.trigger,
            initiator: self.initiator,
            settle: self.settle,
            approval: self.approval,
            epoch: self.epoch,
            index: self.place.peer.0,
            seat: self.place.seat.0,
            size: self.room_size,
            token: self.token.clone(),
            seed: self.seed,
        }
    }

    pub(super) fn config(&self) -> Config {
        Config {
            seat: self.place.seat,
            room_size: self.room_size,
            timeout: self.timeout,
            trickle: self.trickle,
            traffic: self.traffic.clone(),
        }
    }
}
