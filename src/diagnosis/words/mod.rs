//! The message types of a dialect that a diagnosis asks for, and their names.

pub(super) mod join_request;

use crate::dialect::Dialect;
use crate::vocabulary::{FrameKind, SignalPart};
use join_request::JoinRequestWords;

/// The message types of one dialect. Announcements are told apart by the channel that they are sent on; of a dialect
/// without channels they all count as those of the room.
#[derive(Clone, Debug, Default)]
pub struct Words {
    dialect: String,
    names: Vec<String>,
    pub(in crate::diagnosis) rooms: Vec<FrameKind>,
    pub(in crate::diagnosis) chat: Vec<FrameKind>,
    /// The messages by which a peer joins, in order.
    pub(in crate::diagnosis) join: Vec<FrameKind>,
    pub(in crate::diagnosis) join_requests: JoinRequestWords,
    signals: [String; 4],
}

/// A channel that announcements are sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diagnosis) enum AnnouncementChannel {
    Rooms,
    Chat,
}

impl Words {
    pub fn of(dialect: &Dialect) -> Self {
        let by_name = Self::by_name(&dialect.kinds());
        let signals = [SignalPart::Offer, SignalPart::Answer, SignalPart::Candidate, SignalPart::End];
        Self {
            dialect: dialect.name().to_owned(),
            rooms: if by_name.chat.is_empty() { dialect.announcements() } else { by_name.rooms },
            join: dialect.join_kinds(),
            signals: signals.map(|part| dialect.signal_name(part).to_owned()),
            ..by_name
        }
    }

    /// Finds the types by name among a dialect's message types.
    pub(in crate::diagnosis) fn by_name(kinds: &[&str]) -> Self {
        Self {
            dialect: String::new(),
            rooms: FrameKind::named(kinds, &["user-joined-room"]),
            chat: FrameKind::named(kinds, &["participant-joined", "peer-ready"]),
            join: vec![],
            join_requests: JoinRequestWords::of(kinds),
            signals: ["webrtc-offer", "webrtc-answer", "webrtc-ice", "end"].map(str::to_owned),
            names: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        }
    }

    /// The types that the server relays to a whole room.
    pub fn announcements(&self) -> Vec<FrameKind> {
        self.rooms.iter().chain(&self.chat).copied().collect()
    }

    pub(in crate::diagnosis) fn announces(&self, kind: FrameKind) -> bool {
        self.rooms.contains(&kind) || self.chat.contains(&kind)
    }

    /// Announcements are told apart by the channel that they are sent on.
    pub(in crate::diagnosis) fn has_channels(&self) -> bool {
        !self.chat.is_empty()
    }

    /// The dialect's name.
    pub(in crate::diagnosis) fn dialect(&self) -> &str {
        &self.dialect
    }

    pub(in crate::diagnosis) fn on(&self, channel: AnnouncementChannel) -> &[FrameKind] {
        match channel {
            AnnouncementChannel::Rooms => &self.rooms,
            AnnouncementChannel::Chat => &self.chat,
        }
    }

    /// The dialect's name of a message type.
    pub fn name(&self, kind: FrameKind) -> &str {
        self.names.get(usize::from(kind.0)).map_or("unknown", String::as_str)
    }

    /// The dialect's names of all message types.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The dialect's name of a part of the negotiation.
    pub(in crate::diagnosis) fn signal(&self, part: SignalPart) -> &str {
        &self.signals[part as usize]
    }

    /// The messages of a join: `subscribe` and `announce`.
    pub fn join_in_words(&self) -> String {
        let mut names: Vec<String> = self.join.iter().map(|kind| format!("`{}`", self.name(*kind))).collect();
        names.dedup();
        names.join(" and ")
    }
}
