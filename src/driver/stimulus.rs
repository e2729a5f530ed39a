//! What happens to a peer, and what it wants done: the two sides of `Actor`.

use crate::peer::Parcel;
use crate::vocabulary::event::What;
use crate::vocabulary::failure::Failure;
use crate::vocabulary::ids::Seat;
use crate::vocabulary::link::{Notice, Order};
use crate::vocabulary::message::Kind;
use std::time::Instant;

/// What happens to a peer.
#[derive(Debug)]
pub enum Stimulus<'a> {
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
    Engine(Seat, Notice),
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
pub enum Effect {
    Dial,
    Frame { text: String, kind: Kind, to: Option<Seat> },
    Engine(Seat, Order),
    Send(Parcel),
    Note(What),
    Close,
}
