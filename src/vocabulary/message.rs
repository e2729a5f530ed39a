//! Signaling messages between peers, independent of any wire format.

use crate::vocabulary::failure::Failure;

/// A frame's message type: an index into its dialect's list of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameKind(pub u8);

impl FrameKind {
    /// The message types among `kinds`, a dialect's list, whose name is one of `names`.
    pub fn named(kinds: &[&str], names: &[&str]) -> Vec<Self> {
        let kinds = kinds.iter().enumerate().filter(|(_, name)| names.contains(name));
        kinds.map(|(index, _)| Self(index as u8)).collect()
    }
}

/// An ICE candidate as signaling carries it (RFC 8839 §5.1, W3C RTCIceCandidateInit).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The candidate-attribute, `candidate:…`.
    pub candidate: String,
    pub mid: Option<String>,
    pub line: Option<u16>,
    pub ufrag: Option<String>,
}

/// A negotiation message from one peer of a pair to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    Offer { sdp: String },
    Answer { sdp: String },
    Candidate(Candidate),
    EndOfCandidates,
}

/// A message from the server to its peer. `Who` names a peer: by its id on the wire, or by its seat in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard<Who> {
    /// The join is complete: announced, or acknowledged where the dialect has an acknowledgement.
    Joined,
    /// Another peer is in the room.
    Met {
        who: Who,
        /// The frame is the profile's trigger: the edge starts now.
        start: bool,
        /// This side makes the offer.
        initiate: bool,
    },
    Left {
        who: Who,
    },
    /// A member list no longer shows the peer: it left, or only its socket closed.
    Missed {
        who: Who,
    },
    Signal {
        from: Who,
        signal: Signal,
        /// After glare, this side drops its own offer.
        polite: bool,
    },
    /// The server rejects this peer for good.
    Refused(Failure),
    /// The server or the remote peer rejects a message of this peer; `detail` is its error word.
    PairRefused {
        who: Who,
        detail: String,
    },
    /// A frame that matches no rule of the dialect, or matches at the wrong time.
    Nonsense,
}

/// A message that a peer sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say<Who> {
    Signal {
        to: Who,
        signal: Signal,
    },
    /// A goodbye to the room.
    Leave,
}

impl<Who> Heard<Who> {
    /// The same message with its peer replaced by `seat`'s result; `None` if that is `None`.
    pub fn try_map<Seat>(self, seat: impl FnOnce(&Who) -> Option<Seat>) -> Option<Heard<Seat>> {
        Some(match self {
            Self::Joined => Heard::Joined,
            Self::Met { who, start, initiate } => Heard::Met { who: seat(&who)?, start, initiate },
            Self::Left { who } => Heard::Left { who: seat(&who)? },
            Self::Missed { who } => Heard::Missed { who: seat(&who)? },
            Self::Signal { from, signal, polite } => Heard::Signal { from: seat(&from)?, signal, polite },
            Self::Refused(failure) => Heard::Refused(failure),
            Self::PairRefused { who, detail } => Heard::PairRefused { who: seat(&who)?, detail },
            Self::Nonsense => Heard::Nonsense,
        })
    }
}
