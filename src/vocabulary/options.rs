//! Enumerated settings of a profile that several rooms share.

use serde::{Deserialize, Serialize};

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
