//! The phases of an edge from the dial to the open channel, in order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A phase of an edge; `Connect`, `Room` and `Join` are also phases of a peer. Milestones of docs/spec/measurement.md
/// bound the phases; `Room` is never part of an edge's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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

    /// The phases that add up to an edge's `time_to_open`: milestone `i` to `i + 1` is `OF_AN_EDGE[i]`.
    pub const OF_AN_EDGE: [Self; 7] =
        [Self::Connect, Self::Join, Self::Discovery, Self::Negotiation, Self::Ice, Self::Dtls, Self::Channel];

    /// The phase's name in reports, gates and timers.
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

    /// True for phases that the target's speed decides; the peers' speed decides the others (docs/spec/measurement.md,
    /// "Metrics").
    pub fn belongs_to_target(self) -> bool {
        self <= Self::Negotiation
    }
}
