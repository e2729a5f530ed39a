//! The phases of an edge, from the dial to the open channel, in order.

use serde::{Deserialize, Serialize};

/// Where on its way an edge (or a peer: `Connect`, `Room`, `Join`) is, or stopped.
/// The limits are the milestones of measurement.md; `Room` belongs to a peer, never to an edge's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    Connect,
    Room,
    Join,
    Discovery,
    Negotiation,
    Ice,
    Dtls,
    Channel,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 8] = [
        Self::Connect,
        Self::Room,
        Self::Join,
        Self::Discovery,
        Self::Negotiation,
        Self::Ice,
        Self::Dtls,
        Self::Channel,
    ];

    /// The phases that add up to an edge's time_to_open: milestone `i` to `i + 1` is `OF_AN_EDGE[i]`.
    pub const OF_AN_EDGE: [Self; 7] =
        [Self::Connect, Self::Join, Self::Discovery, Self::Negotiation, Self::Ice, Self::Dtls, Self::Channel];

    /// The word used in profiles, reports, gates and timers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Room => "room",
            Self::Join => "join",
            Self::Discovery => "discovery",
            Self::Negotiation => "negotiation",
            Self::Ice => "ice",
            Self::Dtls => "dtls",
            Self::Channel => "channel",
        }
    }

    /// Whether the target pays for this phase; the peers pay for the others (measurement.md).
    pub fn is_targets(self) -> bool {
        self <= Self::Negotiation
    }
}
