//! Signaling messages between peers, independent of any wire format.

use crate::vocabulary::failure::Failure;
use serde::{Deserialize, Serialize};

/// A frame's message type: an index into its dialect's list of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FrameKind(pub u8);

impl FrameKind {
    /// The message types among `kinds`, a dialect's list, whose name is one of `names`.
    pub fn named(kinds: &[&str], names: &[&str]) -> Vec<Self> {
        let kinds = kinds.iter().enumerate().filter(|(_, name)| names.contains(name));
        kinds.map(|(index, _)| Self(index as u8)).collect()
    }
}

/// An ICE candidate as signaling carries it (RFC 8839 §5.1, W3C RTCIceCandidateInit).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// The peer's description or candidate is not fit for an engine; `why` is the failure's detail.
    Malformed {
        from: Who,
        why: &'static str,
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
    /// The peer that the message is about, if it is about one.
    pub fn who(&self) -> Option<&Who> {
        match self {
            Self::Met { who, .. } | Self::Left { who } | Self::Missed { who } | Self::PairRefused { who, .. } => {
                Some(who)
            }
            Self::Signal { from, .. } | Self::Malformed { from, .. } => Some(from),
            Self::Joined | Self::Refused(_) | Self::Nonsense => None,
        }
    }

    /// The same message about the peer that `seat` finds.
    ///
    /// # Errors
    /// The message as it was, where `seat` finds none.
    pub fn try_map<Seat>(self, seat: impl FnOnce(&Who) -> Option<Seat>) -> Result<Heard<Seat>, Self> {
        let found = self.who().and_then(seat);
        Ok(match (self, found) {
            (Self::Joined, _) => Heard::Joined,
            (Self::Refused(failure), _) => Heard::Refused(failure),
            (Self::Nonsense, _) => Heard::Nonsense,
            (Self::Met { start, initiate, .. }, Some(who)) => Heard::Met { who, start, initiate },
            (Self::Left { .. }, Some(who)) => Heard::Left { who },
            (Self::Missed { .. }, Some(who)) => Heard::Missed { who },
            (Self::Signal { signal, polite, .. }, Some(from)) => Heard::Signal { from, signal, polite },
            (Self::Malformed { why, .. }, Some(from)) => Heard::Malformed { from, why },
            (Self::PairRefused { detail, .. }, Some(who)) => Heard::PairRefused { who, detail },
            (unknown, None) => return Err(unknown),
        })
    }
}
