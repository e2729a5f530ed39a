//! Events that drivers report to metrics, each with its time and its peer.

use crate::vocabulary::failure::Failure;
use crate::vocabulary::ids::{Place, Seat};
use crate::vocabulary::message::{Candidate, FrameKind};
use crate::vocabulary::text::signal_digest::SignalDigest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One event, with the time of the input that caused it and the peer that observed it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The time at which the input was handled, or a frame written.
    pub at: Instant,
    /// The time at which the input was there to be handled: the kernel's receive stamp of a frame or datagram, the
    /// deadline of a timer. Never after `at`; the generator's share lies between the two.
    pub arrived: Instant,
    pub place: Place,
    pub kind: EventKind,
}

impl Event {
    /// An event that was handled the moment that its input arrived.
    pub fn new(at: Instant, place: Place, kind: EventKind) -> Self {
        Self { at, arrived: at, place, kind }
    }

    /// The same event, whose input arrived at `arrived`; a time after the event's own counts as its own.
    pub fn arrived(self, arrived: Instant) -> Self {
        Self { arrived: arrived.min(self.at), ..self }
    }
}

/// The event itself: of one peer, or of its edge to the peer at `other`, a seat of the same room. Variants that carry an
/// `Instant` mean nothing on another machine, and are not serialized.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EventKind {
    Peer(PeerEvent),
    Edge { other: Seat, event: EdgeEvent },
}

/// An event of one peer, its socket or its frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PeerEvent {
    /// The dial starts; the plan had it at `due`.
    #[serde(skip)]
    Began { due: Instant },
    /// The peer was due and is never started: the generator was too late.
    #[serde(skip)]
    Dropped { due: Instant },
    /// The connection is open.
    Upgraded,
    /// The HTTP requests before the connection, of which the dialect has some, took so long.
    Prepared { took: Duration },
    /// The last frame that announces this peer is on the wire.
    Joined,
    /// The peer fails, and every undecided edge of it.
    PeerFailed { failure: Failure },
    /// The peer left by plan. `silent`: without a goodbye. `early`: in the steady phase, not at the end of the run.
    Left { silent: bool, early: bool },
    /// A joined peer lost its signaling socket; its open channels stay open. It dials again if the profile says so.
    ServerLost { failure: Failure },
    /// A redial failed.
    RedialFailed { failure: Failure },
    /// A redial succeeded, and the peer joined again.
    Reconnected,
    /// A signaling frame was written to the socket. `to`: its addressee; `None` for the whole room.
    Said { kind: FrameKind, bytes: u32, to: Option<Seat> },
    /// A signaling frame was read from the socket.
    Frame { kind: FrameKind, bytes: u32, concern: Concern },
    /// The dialect could not use a frame or a value; once for each, with the first of its shape.
    Note {
        #[serde(serialize_with = "note_by_value", deserialize_with = "shared_note")]
        note: Arc<FrameNote>,
    },
    /// The text of a frame that was written; only for a probe.
    #[serde(skip)]
    Written { kind: FrameKind, to: Option<Seat>, text: Arc<str> },
    /// The text of a frame that was read; only for a probe. `rule`: the place of the rule that took it.
    #[serde(skip)]
    Read { kind: FrameKind, concern: Concern, text: Arc<str>, rule: Option<Arc<str>>, near: Option<Arc<NearestRule>> },
    /// A message arrived that the state of the pair does not expect.
    Surprise { other: Option<Seat> },
}

/// A frame or value that a dialect could not use. Notes of one shape are alike but for the values in their frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameNote {
    pub kind: FrameNoteKind,
    /// The keys of the frame and the types of its values.
    pub shape: String,
    /// The first frame of this shape, its SDP and its secrets cut.
    pub example: String,
    pub near: Option<NearestRule>,
}

/// The reason of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FrameNoteKind {
    /// No rule takes the frame, whatever peer or room it is for.
    Unmatched,
    /// A part of the negotiation had to be said, and the dialect has no frame that carries it.
    Unwritten,
    /// A value that a rule names came out null.
    NullValue,
    /// The server reports an error of one pair, or one that ends nothing.
    ServerError,
}

impl FrameNoteKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Unmatched => "unmatched",
            Self::Unwritten => "unwritten",
            Self::NullValue => "null_value",
            Self::ServerError => "server_error",
        }
    }
}

/// The rule of a dialect that comes nearest to a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearestRule {
    /// `mine.toml:31`.
    pub at: String,
    /// The message type of the rule.
    pub kind: FrameKind,
    /// The difference, such as `type: "offer" is not "offr"`; empty if the rule fits.
    pub why: String,
    /// The number of differences.
    pub differences: usize,
}

/// An event of one edge, as one of its two peers saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EdgeEvent {
    /// An offer, answer or candidate was passed to signaling (`said`), or received from it. Both have the same
    /// digest unless the server rewrote the content.
    Signal {
        said: bool,
        part: SignalPart,
        digest: SignalDigest,
        /// A candidate, as far as the dialect's frames carry it; boxed, since events are many.
        candidate: Option<Box<Candidate>>,
    },
    /// This side learned of the remote peer for the first time. `initiates`: the offer is this side's to make.
    Met {
        initiates: bool,
    },
    /// This side makes the offer of the pair; after glare again, and the last one counts.
    Offers,
    /// The remote answer is applied on this side.
    Answered,
    /// Time spent in our own code on making an offer or an answer.
    OwnWork {
        spent: Duration,
    },
    /// A datagram of the handshake was handled; the event's `arrived` tells since when it waited.
    Received,
    /// Both sides offered at the same time.
    Glare,
    IceUp,
    DtlsUp,
    Open,
    Failed {
        failure: Failure,
    },
    /// An open channel closed. `planned`: one of its two peers left by plan.
    Closed {
        planned: bool,
    },
    /// The remote peer's leave was noticed, by its goodbye or by the end of its channel.
    NoticedLeave,
    /// The server's message, or its list, says that the remote peer left.
    ToldLeave,
    /// A message was sent on the channel. `sequence` counts from 0 for each direction of an edge.
    #[serde(skip)]
    MessageSent {
        sequence: u32,
        due: Instant,
        bytes: u32,
    },
    /// A message was received from the channel; its sender wrote `due` and `began` into it.
    #[serde(skip)]
    MessageReceived {
        sequence: u32,
        due: Instant,
        began: Instant,
        bytes: u32,
    },
    /// A guest sent a message over its channel. Its content is not read: guests are not ours.
    GuestMessage {
        bytes: u32,
    },
    /// A message was due, and the channel's send queue was full.
    MessageDropped,
    /// The echo of this peer's ping arrived.
    #[serde(skip)]
    Echoed {
        due: Instant,
        began: Instant,
    },
}

impl EdgeEvent {
    /// The event on the edge to `other`.
    pub fn to(self, other: Seat) -> EventKind {
        EventKind::Edge { other, event: self }
    }
}

impl EventKind {
    /// The far end of the edge, or the peer that a frame is from or to.
    pub fn other(&self) -> Option<Seat> {
        match self {
            Self::Edge { other, .. } => Some(*other),
            Self::Peer(
                PeerEvent::Said { to: other, .. }
                | PeerEvent::Surprise { other }
                | PeerEvent::Frame { concern: Concern::Me { from: other } | Concern::Elsewhere { from: other }, .. },
            ) => *other,
            Self::Peer(_) => None,
        }
    }

    /// The failure that the event reports.
    pub(crate) fn failure_mut(&mut self) -> Option<&mut Failure> {
        match self {
            Self::Peer(
                PeerEvent::PeerFailed { failure }
                | PeerEvent::ServerLost { failure }
                | PeerEvent::RedialFailed { failure },
            )
            | Self::Edge { event: EdgeEvent::Failed { failure }, .. } => Some(failure),
            _ => None,
        }
    }

    /// The event belongs to a handshake: it is no channel message, no time of our own, no frame for others.
    pub fn is_handshake(&self) -> bool {
        !matches!(
            self,
            Self::Peer(
                PeerEvent::Frame { concern: Concern::Others, .. } | PeerEvent::Written { .. } | PeerEvent::Read { .. }
            ) | Self::Edge {
                event: EdgeEvent::OwnWork { .. }
                    | EdgeEvent::Received
                    | EdgeEvent::Echoed { .. }
                    | EdgeEvent::MessageSent { .. }
                    | EdgeEvent::MessageReceived { .. }
                    | EdgeEvent::MessageDropped
                    | EdgeEvent::GuestMessage { .. }
                    | EdgeEvent::Closed { .. }
                    | EdgeEvent::ToldLeave
                    | EdgeEvent::NoticedLeave,
                ..
            }
        )
    }
}

/// The parts of an SDP negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SignalPart {
    Offer,
    Answer,
    Candidate,
    /// The end of candidates; one that nobody said is a candidate that arrived without its text.
    End,
}

/// The addressee of a received frame. `Id` names the peer that sent it: by its seat, or by its id on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

fn note_by_value<S: Serializer>(note: &Arc<FrameNote>, serializer: S) -> Result<S::Ok, S::Error> {
    note.as_ref().serialize(serializer)
}

fn shared_note<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<FrameNote>, D::Error> {
    FrameNote::deserialize(deserializer).map(Arc::new)
}
