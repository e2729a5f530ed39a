//! Commands from a peer to its WebRTC engine and the events that come back, for one edge each.

use crate::vocabulary::failure::Reason;
use crate::vocabulary::message::Candidate;
use std::borrow::Cow;
use std::time::{Duration, Instant};

/// A command to the engine; the caller names the remote peer of the edge beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineCommand {
    /// Creates a connection with a DataChannel, and its offer.
    Offer,
    /// Creates a connection from the remote offer, and its answer.
    Accept { sdp: String },
    /// Applies the remote answer to the local offer.
    Apply { sdp: String },
    /// Adds a remote candidate; the remote description is applied already.
    Admit(Candidate),
    /// Discards the connection at once, with every event that it has not reported yet.
    Drop,
}

/// An event of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineEvent {
    Offer {
        sdp: String,
    },
    Answer {
        sdp: String,
    },
    Candidate(Candidate),
    /// Gathering is complete: no more local candidates follow.
    Gathered,
    /// The remote answer is applied.
    Applied,
    /// Time spent in our own code on making or applying a description. Precedes the event that it led to.
    Worked {
        spent: Duration,
    },
    /// A datagram of a connection that is not open yet was handled at `at`; `Engine::stamp` tells its arrival.
    Received {
        at: Instant,
    },
    IceUp,
    DtlsUp,
    /// The DataChannel is open on this side.
    Open,
    /// A complete message arrived on the channel.
    Message(Vec<u8>),
    /// The open channel closed.
    Closed,
    Failed {
        reason: Reason,
        detail: Cow<'static, str>,
    },
}

impl EngineEvent {
    /// True for an event that only a datagram leads to.
    pub fn is_datagram(&self) -> bool {
        matches!(self, Self::Received { .. } | Self::Message(_))
    }
}
