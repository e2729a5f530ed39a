//! What a peer asks of its engine about one edge, and what the engine tells it.

use crate::vocabulary::failure::Reason;
use crate::vocabulary::message::Candidate;
use std::borrow::Cow;
use std::time::Duration;

/// Asked of the engine; the far end of the edge is named beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineCommand {
    /// Make a connection with a DataChannel, and its offer.
    Offer,
    /// Make a connection from the other's offer, and its answer.
    Accept { sdp: String },
    /// Apply the other's answer to the offer made here.
    Apply { sdp: String },
    /// Add a candidate of the other's; its description is applied already.
    Admit(Candidate),
    /// Forget the connection at once. What it would still have said is dropped.
    Drop,
}

/// Told by the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineEvent {
    Offer {
        sdp: String,
    },
    Answer {
        sdp: String,
    },
    Candidate(Candidate),
    /// No more candidates will come.
    Gathered,
    /// The other's answer is in force.
    Applied,
    /// Making or applying a description took so long of our own, beyond the order itself. Told before what it led to.
    Worked {
        spent: Duration,
    },
    IceUp,
    DtlsUp,
    /// The DataChannel is open on this side.
    Open,
    /// A whole message came out of the channel.
    Message(Vec<u8>),
    /// The open channel is gone.
    Closed,
    Failed {
        reason: Reason,
        detail: Cow<'static, str>,
    },
}
