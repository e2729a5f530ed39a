//! The inputs of a `VirtualPeer`, and the frames among its outputs.

use crate::peer::{self, PeerCommand};
use crate::vocabulary::{EngineEvent, Failure, FrameKind, Seat};
use std::time::Instant;

/// An event that moves a virtual peer.
#[derive(Debug)]
pub enum Input<'a> {
    Begin {
        due: Instant,
    },
    Command(PeerCommand),
    Upgraded,
    Lost(Failure),
    Frame(&'a str),
    Engine(Seat, EngineEvent),
    /// The room's `IdExchange` has changed.
    IdExchange,
    Wake,
}

/// The peer's own outputs, its signaling as frames.
pub type Output = peer::Output<OutgoingFrame>;

/// A signaling frame to write; `to` is `None` for the whole room or the server.
#[derive(Debug, PartialEq)]
pub struct OutgoingFrame {
    pub text: String,
    pub kind: FrameKind,
    pub to: Option<Seat>,
}
