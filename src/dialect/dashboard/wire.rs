//! The frames of the dashboard protocol as text: what each type is called, rides on, and looks like.

use crate::vocabulary::message::{Candidate, Kind};
use serde::{Deserialize, Serialize};

pub const ROOMS: &str = "webrtc-dashboard-rooms";
pub const CHAT: &str = "webrtc-dashboard-chat";
pub const ACCESS: &str = "webrtc-dashboard-access";
pub const SIGNALING: &str = "webrtc-signaling";

/// Channels a peer subscribes to, in this order.
pub const CHANNELS: [&str; 4] = [ROOMS, CHAT, ACCESS, SIGNALING];

/// The names of all message types (protocol.md, "Frames"); a `Kind` is an index into them.
pub const KINDS: &[&str] = &[
    "room-created",
    "user-joined-room",
    "user-left-room",
    "room-removed",
    "room-list-request",
    "server-room-list",
    "participant-joined",
    "participant-left",
    "peer-ready",
    "join-request",
    "join-approved",
    "join-rejected",
    "webrtc-offer",
    "webrtc-answer",
    "webrtc-ice",
    "client_count",
    "pong",
    "echo",
    "subscribe",
    "unsubscribe",
    "ping",
    "unknown",
];

pub const ROOM_CREATED: Kind = Kind(0);
pub const USER_JOINED_ROOM: Kind = Kind(1);
pub const USER_LEFT_ROOM: Kind = Kind(2);
pub const SERVER_ROOM_LIST: Kind = Kind(5);
pub const PARTICIPANT_JOINED: Kind = Kind(6);
pub const PARTICIPANT_LEFT: Kind = Kind(7);
pub const PEER_READY: Kind = Kind(8);
pub const JOIN_REJECTED: Kind = Kind(11);
pub const OFFER: Kind = Kind(12);
pub const ANSWER: Kind = Kind(13);
pub const ICE: Kind = Kind(14);
pub const SUBSCRIBE: Kind = Kind(18);
pub const UNKNOWN: Kind = Kind(21);

/// The type of that name.
pub fn kind(name: &str) -> Kind {
    KINDS.iter().position(|known| *known == name).map_or(UNKNOWN, |index| Kind(index as u8))
}

/// The channel that a type belongs on; server frames without one have none.
pub fn channel_of(kind: Kind) -> Option<&'static str> {
    match kind.0 {
        0..=5 => Some(ROOMS),
        6..=8 => Some(CHAT),
        9..=11 => Some(ACCESS),
        12..=14 => Some(SIGNALING),
        _ => None,
    }
}

/// What a client sends: one envelope for everything but (un)subscribing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<'a, Data: Serialize> {
    pub r#type: &'static str,
    pub channel: &'static str,
    pub sender: &'a str,
    pub timestamp: u64,
    pub data: Data,
}

#[derive(Serialize)]
pub struct Subscribe {
    pub r#type: &'static str,
    pub channel: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomCreated<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub description: &'a str,
    pub host: &'a str,
    pub host_id: &'a str,
    pub created_at: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserJoined<'a> {
    pub room_id: &'a str,
    pub user_id: &'a str,
    pub user_name: &'a str,
    pub existing_participants: Vec<Participant>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User<'a> {
    pub room_id: &'a str,
    pub user_id: &'a str,
    pub user_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Member<'a> {
    pub room_id: &'a str,
    pub participant: MemberBody<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberBody<'a> {
    pub id: &'a str,
    pub name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_at: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Signal<'a> {
    pub room_id: &'a str,
    pub from_user_id: &'a str,
    pub to_user_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<Description<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Description<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<WireCandidate>,
}

#[derive(Serialize)]
pub struct Description<'a> {
    pub r#type: &'static str,
    pub sdp: &'a str,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireCandidate {
    pub candidate: String,
    #[serde(default)]
    pub sdp_mid: Option<String>,
    #[serde(default, rename = "sdpMLineIndex")]
    pub sdp_m_line_index: Option<u16>,
    #[serde(default)]
    pub username_fragment: Option<String>,
}

impl From<Candidate> for WireCandidate {
    fn from(candidate: Candidate) -> Self {
        Self {
            candidate: candidate.candidate,
            sdp_mid: candidate.mid,
            sdp_m_line_index: candidate.line,
            username_fragment: candidate.ufrag,
        }
    }
}

impl From<WireCandidate> for Candidate {
    fn from(wire: WireCandidate) -> Self {
        Self {
            candidate: wire.candidate,
            mid: wire.sdp_mid,
            line: wire.sdp_m_line_index,
            ufrag: wire.username_fragment,
        }
    }
}

/// What comes in: every field that any type has, all optional.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Incoming {
    pub r#type: String,
    #[serde(default)]
    pub channel: Option<String>,
    #[serde(default)]
    pub sender: Option<String>,
    #[serde(default)]
    pub data: Body,
    /// The server's own join-rejected has its fields outside of `data`.
    #[serde(default)]
    pub room_id: Option<String>,
    #[serde(default)]
    pub user_id: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Body {
    pub room_id: Option<String>,
    pub user_id: Option<String>,
    pub from_user_id: Option<String>,
    pub to_user_id: Option<String>,
    pub participant: Option<Participant>,
    pub existing_participants: Option<Vec<Participant>>,
    pub offer: Option<Sdp>,
    pub answer: Option<Sdp>,
    pub candidate: Option<WireCandidate>,
    pub reason: Option<String>,
    /// room-created names its room so.
    pub id: Option<String>,
}

impl Body {
    /// The user who says a message of that type, where the type names one.
    pub fn author(&self, kind: Kind) -> Option<&str> {
        match kind {
            USER_JOINED_ROOM | USER_LEFT_ROOM | PEER_READY => self.user_id.as_deref(),
            PARTICIPANT_JOINED | PARTICIPANT_LEFT => {
                self.participant.as_ref().map(|participant| participant.id.as_str())
            }
            OFFER | ANSWER | ICE => self.from_user_id.as_deref(),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    pub id: String,
    #[serde(default)]
    pub name: String,
}

#[derive(Deserialize)]
pub struct Sdp {
    pub sdp: String,
}

/// One entry of server-room-list.
#[derive(Deserialize)]
pub struct Room {
    pub id: String,
    #[serde(default)]
    pub participants: Vec<Participant>,
}

#[derive(Deserialize)]
pub struct RoomList {
    #[serde(default)]
    pub rooms: Vec<Room>,
}

/// Frames are plain data with string keys, so writing one can't fail.
pub fn text(frame: &impl Serialize) -> String {
    serde_json::to_string(frame).expect("plain data with string keys")
}
