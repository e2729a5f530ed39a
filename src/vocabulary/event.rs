//! Events that drivers report to metrics, each with its time and its peer.

use crate::vocabulary::failure::Failure;
use crate::vocabulary::ids::{Place, Seat};
use crate::vocabulary::message::FrameKind;
use std::time::{Duration, Instant};

/// One event, with the time of the input that caused it and the peer that observed it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub at: Instant,
    pub place: Place,
    pub what: What,
}

/// The kinds of events. `other` is the remote peer of an edge, by its seat in the same room.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The dial starts; the plan had it at `due`.
    Began {
        due: Instant,
    },
    /// The peer was due and is never started: the generator was too late.
    Dropped {
        due: Instant,
    },
    /// The WebSocket is open.
    Upgraded,
    /// The last frame that announces this peer is on the wire.
    Joined,
    /// The peer fails, and every undecided edge of it.
    PeerFailed {
        failure: Failure,
    },
    /// The peer left by plan. `silent`: without a goodbye. `early`: in the steady phase, not at the end of the run.
    Left {
        silent: bool,
        early: bool,
    },

    /// A joined peer lost its signaling socket and will redial; its open channels stay open.
    ServerLost {
        failure: Failure,
    },
    /// A redial failed.
    RedialFailed {
        failure: Failure,
    },
    /// A redial succeeded, and the peer joined again.
    Reconnected,

    /// A signaling frame was written to the socket. `to`: its addressee; `None` for the whole room.
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

    /// An offer, answer or candidate was passed to signaling (`said`), or received from it. Both have the same
    /// digest unless the server rewrote the content.
    Signal {
        other: Seat,
        said: bool,
        part: SignalPart,
        digest: u64,
    },

    /// This side learned of the remote peer for the first time.
    Met {
        other: Seat,
    },
    /// This side makes the offer of the pair; after glare again, and the last one counts.
    Offers {
        other: Seat,
    },
    /// The remote answer is applied on this side.
    Answered {
        other: Seat,
    },
    /// Time spent in our own code on making an offer or an answer.
    OwnWork {
        other: Seat,
        spent: Duration,
    },
    /// Both sides offered at the same time.
    Glare {
        other: Seat,
    },
    /// A message arrived that the state of the pair does not expect.
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
    /// An open channel closed. `planned`: one of its two peers left by plan.
    ChannelClosed {
        other: Seat,
        planned: bool,
    },
    /// The remote peer's leave was noticed, by its goodbye or by the end of its channel.
    NoticedLeave {
        other: Seat,
    },

    /// A message was sent on the channel. `sequence` counts from 0 for each direction of an edge.
    MessageSent {
        other: Seat,
        sequence: u32,
        due: Instant,
        bytes: u32,
    },
    /// A message was received from the channel; its sender wrote `due` and `began` into it.
    MessageReceived {
        other: Seat,
        sequence: u32,
        due: Instant,
        began: Instant,
        bytes: u32,
    },
    /// A guest sent a message over its channel. Its content is not read: guests are not ours.
    GuestMessage {
        other: Seat,
        bytes: u32,
    },
    /// A message was due, and the channel's send queue was full.
    MessageDropped {
        other: Seat,
    },
    /// The echo of this peer's ping arrived.
    Echoed {
        other: Seat,
        due: Instant,
        began: Instant,
    },
}

impl What {
    /// The remote peer of an edge's event, or the sender or addressee of a frame.
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

    /// True for events that a trace of a handshake shows: no DataChannel messages, own work, closes or frames for others.
    pub fn is_handshake(&self) -> bool {
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

/// The parts of an SDP negotiation.
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
    /// The same concern with its sender mapped by `find`; a sender that it does not find becomes `None`.
    pub fn map<Found>(self, find: impl FnOnce(Id) -> Option<Found>) -> Concern<Found> {
        match self {
            Self::Me { from } => Concern::Me { from: from.and_then(find) },
            Self::Others => Concern::Others,
            Self::Elsewhere { from } => Concern::Elsewhere { from: from.and_then(find) },
        }
    }
}
