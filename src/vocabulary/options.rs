//! Enumerated settings of a profile that several rooms share.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The message that starts an edge (docs/spec/protocol.md, "What makes a peer start").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    PeerReady,
    #[default]
    UserJoinedRoom,
    ParticipantJoined,
    RoomList,
}

impl Trigger {
    pub const ALL: [Self; 4] = [Self::PeerReady, Self::UserJoinedRoom, Self::ParticipantJoined, Self::RoomList];
}

/// The side of a pair that makes the offer (docs/spec/protocol.md, "Who offers").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initiator {
    #[default]
    LowerId,
    Existing,
    Newcomer,
}

/// The reply of a room's host to a request to join (docs/spec/protocol.md, "Channels").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// Peers join without a request.
    #[default]
    Off,
    Approve,
    Reject,
    /// The host receives the request and never answers.
    Ignore,
}

/// Start, deadline and approval of the handshakes in a room; the same for a run, a probe and a test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HandshakeSettings {
    pub trigger: Trigger,
    pub initiator: Initiator,
    /// The pause between the join and peer-ready.
    pub settle: Duration,
    /// `Off`: peers join without asking the room's host.
    pub approval: Approval,
    /// The deadline of the join, from the dial, and of each edge, from the later of its two dials.
    pub timeout: Duration,
    pub trickle: bool,
}

impl HandshakeSettings {
    /// Peers that join without asking, start at once and trickle, with this deadline.
    pub fn within(timeout: Duration) -> Self {
        Self {
            trigger: Trigger::default(),
            initiator: Initiator::default(),
            settle: Duration::ZERO,
            approval: Approval::Off,
            timeout,
            trickle: true,
        }
    }
}

/// The WebRTC stack that opens the channels (docs/engines.md).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineKind {
    /// The stack made for load, over one UDP socket per peer.
    #[default]
    Lean,
    /// One async `webrtc` connection per edge, which gathers candidates from STUN and TURN servers.
    Webrtc,
    /// Signaling only: no UDP.
    None,
}

impl EngineKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Lean => "lean",
            Self::Webrtc => "webrtc",
            Self::None => "none",
        }
    }
}

/// The scope of a DTLS certificate: one per worker (`Shared`), or one per peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certificates {
    #[default]
    Shared,
    PerPeer,
}

/// The reliability of a DataChannel (RFC 8832 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reliability {
    Reliable,
    MaxRetransmits(u16),
    /// Milliseconds.
    MaxLifetime(u16),
}
