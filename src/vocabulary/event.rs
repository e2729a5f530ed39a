//! Everything that flows from drivers to metrics: one dated fact each.

use crate::vocabulary::failure::Failure;
use crate::vocabulary::ids::{Place, Seat};
use crate::vocabulary::message::FrameKind;
use std::time::{Duration, Instant};

/// A fact, stamped with the time of the input that caused it and the peer that saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub at: Instant,
    pub place: Place,
    pub what: What,
}

/// Facts of one peer. `other` is the seat, in the same room, at the far end of an edge.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The dial starts; it was due at `due`.
    Began {
        due: Instant,
    },
    /// It was due, and was never started: the generator was too late.
    Dropped {
        due: Instant,
    },
    /// The WebSocket is open.
    Upgraded,
    /// This peer has said that it joined, and the words are on the wire.
    Joined,
    /// The peer can't go on; every edge of it that is undecided fails with it.
    PeerFailed {
        failure: Failure,
    },
    /// The peer left by plan. `silent`: without a goodbye. `early`: while the others stay, not at the end of the run.
    Left {
        silent: bool,
        early: bool,
    },

    /// A peer that had joined has lost its socket, and will dial again; its open channels live on.
    ServerLost {
        failure: Failure,
    },
    /// A dial of such a peer came to nothing.
    RedialFailed {
        failure: Failure,
    },
    /// Such a peer has joined again.
    Reconnected,

    /// A signaling frame was written to the socket. `to`: an addressee, or the whole room.
    Said {
        kind: FrameKind,
        bytes: u32,
        to: Option<Seat>,
    },
    /// A signaling frame was read from the socket.
    Frame {
        kind: FrameKind,
        bytes: u32,
        concern: Concern,
    },

    /// A part of the negotiation was handed to signaling for the other (`said`), or came from it. What is said
    /// and what is heard have the same digest, unless somebody rewrote it on the way.
    Signal {
        other: Seat,
        said: bool,
        part: SignalPart,
        digest: u64,
    },

    /// This side has heard of the other for the first time.
    Met {
        other: Seat,
    },
    /// This side makes the offer of the pair (again after glare: the last one counts).
    Offers {
        other: Seat,
    },
    /// The other's answer is applied here.
    Answered {
        other: Seat,
    },
    /// Time our own code spent making an offer or an answer.
    OwnWork {
        other: Seat,
        spent: Duration,
    },
    /// Both sides offered at once.
    Glare {
        other: Seat,
    },
    /// A message that the state of the pair has no use for.
    Surprise {
        other: Option<Seat>,
    },
    IceUp {
        other: Seat,
    },
    DtlsUp {
        other: Seat,
    },
    Open {
        other: Seat,
    },
    EdgeFailed {
        other: Seat,
        failure: Failure,
    },
    /// An open channel closed; `planned`: one of the two left by plan.
    ChannelClosed {
        other: Seat,
        planned: bool,
    },
    /// The other's goodbye, or the end of its channel, was noticed.
    NoticedLeave {
        other: Seat,
    },

    /// A message went into the channel. `sequence` counts from 0 for each direction of an edge.
    MessageSent {
        other: Seat,
        sequence: u32,
        due: Instant,
        bytes: u32,
    },
    /// A message came out of the channel: it was due and began when its sender says so.
    MessageReceived {
        other: Seat,
        sequence: u32,
        due: Instant,
        began: Instant,
        bytes: u32,
    },
    /// A guest said something over its channel. Nothing in it is read: a guest says what it likes.
    GuestMessage {
        other: Seat,
        bytes: u32,
    },
    /// A message was due, and the channel's queue had no room for it.
    MessageDropped {
        other: Seat,
    },
    /// An echo of this peer's ping came back.
    Echoed {
        other: Seat,
        due: Instant,
        began: Instant,
    },
}

impl What {
    /// The far end of what concerns a pair, or the peer that a frame is from or to.
    pub fn other(&self) -> Option<Seat> {
        match self {
            Self::Began { .. }
            | Self::Dropped { .. }
            | Self::Upgraded
            | Self::Joined
            | Self::ServerLost { .. }
            | Self::RedialFailed { .. }
            | Self::Reconnected
            | Self::PeerFailed { .. }
            | Self::Left { .. }
            | Self::Frame { concern: Concern::Others, .. } => None,
            Self::Said { to: other, .. }
            | Self::Surprise { other }
            | Self::Frame { concern: Concern::Me { from: other } | Concern::Elsewhere { from: other }, .. } => *other,
            Self::Signal { other, .. }
            | Self::GuestMessage { other, .. }
            | Self::Met { other }
            | Self::Offers { other }
            | Self::Answered { other }
            | Self::OwnWork { other, .. }
            | Self::Glare { other }
            | Self::IceUp { other }
            | Self::DtlsUp { other }
            | Self::Open { other }
            | Self::EdgeFailed { other, .. }
            | Self::ChannelClosed { other, .. }
            | Self::NoticedLeave { other }
            | Self::MessageSent { other, .. }
            | Self::MessageReceived { other, .. }
            | Self::MessageDropped { other }
            | Self::Echoed { other, .. } => Some(*other),
        }
    }

    /// Belongs to how an edge comes about: no message, no own work, nothing that is said to others.
    pub fn is_of_a_handshake(&self) -> bool {
        !matches!(
            self,
            Self::Frame { concern: Concern::Others, .. }
                | Self::OwnWork { .. }
                | Self::Echoed { .. }
                | Self::MessageSent { .. }
                | Self::MessageReceived { .. }
                | Self::MessageDropped { .. }
                | Self::GuestMessage { .. }
                | Self::ChannelClosed { .. }
                | Self::NoticedLeave { .. }
        )
    }
}

/// What a negotiation is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignalPart {
    Offer,
    Answer,
    Candidate,
}

/// The addressee of a received frame. `Id` names the peer that sent it: by its seat, or by its id on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern<Id = Seat> {
    /// This peer. `from`: the sender if it is a peer of this room; none for a frame of the server.
    Me { from: Option<Id> },
    /// Another peer, another room, or no peer in particular: amplification.
    Others,
    /// The right message on another channel than the one it belongs on.
    Elsewhere { from: Option<Id> },
}

impl<Id> Concern<Id> {
    /// The same with the sender that `find` finds.
    pub fn map<Found>(self, find: impl FnOnce(Id) -> Option<Found>) -> Concern<Found> {
        match self {
            Self::Me { from } => Concern::Me { from: from.and_then(find) },
            Self::Others => Concern::Others,
            Self::Elsewhere { from } => Concern::Elsewhere { from: from.and_then(find) },
        }
    }
}
