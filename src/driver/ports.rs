//! What happens to a peer, and what it wants done: the two sides of `Actor`.

use crate::peer::OutgoingMessage;
use crate::vocabulary::engine::{EngineCommand, EngineEvent};
use crate::vocabulary::event::What;
use crate::vocabulary::failure::Failure;
use crate::vocabulary::ids::Seat;
use crate::vocabulary::message::FrameKind;
use std::time::Instant;

/// What happens to a peer.
#[derive(Debug)]
pub enum Input<'a> {
    Begin {
        due: Instant,
    },
    Companion {
        seat: Seat,
    },
    /// Another of the room that had left comes back.
    Back {
        seat: Seat,
    },
    Upgraded,
    Lost(Failure),
    Frame(&'a str),
    Engine(Seat, EngineEvent),
    Talk,
    Hush,
    Leave,
    /// As `Leave`, while the others stay.
    Depart {
        silent: bool,
    },
    /// The room's board has something new.
    Board,
    Wake,
}

/// What a peer wants done in the world.
#[derive(Debug, PartialEq)]
pub enum Output {
    Dial,
    Frame { text: String, kind: FrameKind, to: Option<Seat> },
    Engine(Seat, EngineCommand),
    Send(OutgoingMessage),
    Note(What),
    Close,
}
