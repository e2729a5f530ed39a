//! The parts that a virtual peer is assembled from, the same for a run, the probe and the tests.

use super::id_exchange::IdExchange;
use crate::dialect::{Dialect, PeerIdentity, PreparedValues};
use crate::peer::{Config, ReconnectBackoff, TrafficConfig};
use crate::vocabulary::{HandshakeSettings, Naming, Place, Seat, Seed};
use serde_json::Value;
use std::time::Instant;

/// One peer of one room, before it begins; `build` makes the peer.
pub struct PeerSpec {
    pub place: Place,
    /// The number of peers in the room, including this one, without guests.
    pub room_size: u16,
    /// The number of guests that the room admits.
    pub guests: u16,
    pub naming: Naming,
    /// The display name.
    pub name: String,
    /// The room's id on the wire.
    pub room: String,
    pub dialect: Dialect,
    pub handshake: HandshakeSettings,
    /// An instant and its wall-clock time in ms since the Unix epoch.
    pub epoch: (Instant, u64),
    /// The peer's token from `--tokens`; empty without one.
    pub token: String,
    /// The peer's row of `--data`, by column; null without one.
    pub data: Value,
    /// The seed of the dialect's random values.
    pub seed: Seed,
    pub traffic: TrafficConfig,
    /// The pauses before further dials; `None` for a peer that does not reconnect.
    pub backoff: Option<ReconnectBackoff>,
    /// The room's id exchange, for dialects that need it (`Dialect::needs_id_exchange`).
    pub exchange: Option<IdExchange>,
}

impl PeerSpec {
    pub(super) fn identity(&self) -> PeerIdentity {
        PeerIdentity {
            id: self.naming.peer(self.place.peer),
            name: self.name.clone(),
            room: self.room.clone(),
            host: self.place.seat == Seat(0),
            trigger: self.handshake.trigger,
            initiator: self.handshake.initiator,
            settle: self.handshake.settle,
            approval: self.handshake.approval,
            epoch: self.epoch,
            index: self.place.peer.0,
            seat: self.place.seat.0,
            size: self.room_size,
            naming: self.naming.clone(),
            guests: self.guests,
            token: self.token.clone(),
            data: self.data.clone(),
            seed: self.seed,
            prepared: PreparedValues::default(),
        }
    }

    pub(super) fn config(&self) -> Config {
        Config {
            seat: self.place.seat,
            room_size: self.room_size,
            timeout: self.handshake.timeout,
            trickle: self.handshake.trickle,
            traffic: self.traffic.clone(),
        }
    }
}
