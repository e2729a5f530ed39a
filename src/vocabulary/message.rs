//! What peers say to each other through a signaling server, with no wire format.

use crate::vocabulary::failure::Failure;

/// Which of its dialect's message types a frame is: an index into the dialect's list of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u8);

/// An ICE candidate as signaling carries it (RFC 8839 §5.1, W3C RTCIceCandidateInit).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// `candidate:…`
    pub candidate: String,
    pub mid: Option<String>,
    pub line: Option<u16>,
    pub ufrag: Option<String>,
}

/// What a conversation with the server tells its peer. Ids are those on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// This peer has said that it joined (or the server acknowledged it, where the dialect has that).
    Joined,
    /// Somebody is in the room. `start`: the chosen trigger was heard, so the edge starts now;
    /// `initiate`: this side makes the offer.
    Met {
        id: String,
        start: bool,
        initiate: bool,
    },
    Left {
        id: String,
    },
    Offer {
        from: String,
        sdp: String,
    },
    Answer {
        from: String,
        sdp: String,
    },
    Candidate {
        from: String,
        candidate: Candidate,
    },
    EndOfCandidates {
        from: String,
    },
    /// The server says no to this peer, for good.
    Refused(Failure),
}

/// What a peer wants said to another of its room, or to all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say {
    Offer {
        to: String,
        sdp: String,
    },
    Answer {
        to: String,
        sdp: String,
    },
    Candidate {
        to: String,
        candidate: Candidate,
    },
    EndOfCandidates {
        to: String,
    },
    /// Goodbye to the room.
    Leave,
}
