//! What peers say to each other through a signaling server, with no wire format.

use crate::vocabulary::failure::Failure;

/// Which of its dialect's message types a frame is: an index into the dialect's list of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameKind(pub u8);

impl FrameKind {
    /// Those of a dialect's message types that have one of these names.
    pub fn named(kinds: &[&str], names: &[&str]) -> Vec<Self> {
        let kinds = kinds.iter().enumerate().filter(|(_, name)| names.contains(name));
        kinds.map(|(index, _)| Self(index as u8)).collect()
    }
}

/// An ICE candidate as signaling carries it (RFC 8839 §5.1, W3C RTCIceCandidateInit).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// `candidate:…`
    pub candidate: String,
    pub mid: Option<String>,
    pub line: Option<u16>,
    pub ufrag: Option<String>,
}

/// What one of a pair tells the other. `Who` names a peer: by its id on the wire, or by its seat in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    Offer { sdp: String },
    Answer { sdp: String },
    Candidate(Candidate),
    EndOfCandidates,
}

/// What a conversation with the server tells its peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard<Who> {
    /// This peer has said that it joined (or the server acknowledged it, where the dialect has that).
    Joined,
    /// Somebody is in the room.
    Met {
        who: Who,
        /// The chosen trigger was heard: the edge starts now.
        start: bool,
        /// This side makes the offer.
        initiate: bool,
    },
    Left {
        who: Who,
    },
    /// A list that showed it shows it no more: it is gone, or only its socket is.
    Missed {
        who: Who,
    },
    Signal {
        from: Who,
        signal: Signal,
        /// When both sides have offered: this one gives its own offer up.
        polite: bool,
    },
    /// The server says no to this peer, for good.
    Refused(Failure),
    /// The server, or the other, says no to what this peer wants of the other; `detail` is their word for it.
    PairRefused {
        who: Who,
        detail: String,
    },
    /// A frame that fits no rule of the dialect, or fits at the wrong time.
    Nonsense,
}

/// What a peer wants said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say<Who> {
    Signal {
        to: Who,
        signal: Signal,
    },
    /// Goodbye to the room.
    Leave,
}

impl<Who> Heard<Who> {
    /// The peer that the message is about, if it is about one.
    pub fn who(&self) -> Option<&Who> {
        match self {
            Self::Met { who, .. } | Self::Left { who } | Self::Missed { who } | Self::PairRefused { who, .. } => {
                Some(who)
            }
            Self::Signal { from, .. } => Some(from),
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
            (Self::PairRefused { detail, .. }, Some(who)) => Heard::PairRefused { who, detail },
            (unknown, None) => return Err(unknown),
        })
    }
}
