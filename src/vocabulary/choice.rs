//! The choices a profile makes about a handshake, as types that floors share.

use serde::{Deserialize, Serialize};

/// Which message starts an edge (protocol.md, "What makes a peer start").
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

/// Which side of a pair makes the offer (protocol.md, "Who offers").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initiator {
    #[default]
    LowerId,
    Existing,
    Newcomer,
}

/// What the host of a room does with a request to join (protocol.md, "Channels").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// Nobody asks.
    #[default]
    Off,
    Approve,
    Reject,
    /// It hears the request, and never answers.
    Ignore,
}

/// What opens the channels (architecture.md, "Decisions already measured").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineKind {
    /// The sans-IO `rtc` core over one UDP socket a peer.
    #[default]
    Rtc,
    /// The stack made for load, over one UDP socket a peer.
    Lean,
    /// One async `webrtc` connection an edge, with real gathering.
    Webrtc,
    /// Signaling only: no UDP.
    None,
}

/// One DTLS certificate a worker, or one a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certificates {
    #[default]
    Shared,
    PerPeer,
}

/// What a DataChannel promises (RFC 8832 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reliability {
    Reliable,
    MaxRetransmits(u16),
    /// Milliseconds.
    MaxLifetime(u16),
}
