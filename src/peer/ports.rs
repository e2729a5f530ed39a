//! The input a peer takes and the output it gives.

use crate::vocabulary::event::What;
use crate::vocabulary::failure::Failure;
use crate::vocabulary::ids::Seat;
use crate::vocabulary::link::{Notice, Order};
use crate::vocabulary::message::{Heard, Say};
use std::time::Instant;

/// What a peer is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// It dials now; it was due at `due`.
    Begin {
        due: Instant,
    },
    /// Another of the room began: from the later of the two, the edge's time runs.
    Companion {
        seat: Seat,
    },
    /// Another guest sits at `seat` from now on.
    Succeeded {
        seat: Seat,
    },
    /// Another of the room that had left comes back, with a new session: its edge starts anew.
    Back {
        seat: Seat,
    },
    Upgraded,
    /// The socket could not be opened, or is gone.
    Lost(Failure),
    Heard(Heard<Seat>),
    Engine(Seat, Notice),
    /// Messages start to flow over the open channels.
    Talk,
    /// Messages stop.
    Hush,
    /// Say goodbye and go, as all do.
    Leave,
    /// Go while the others stay. `silent`: without a goodbye.
    Depart {
        silent: bool,
    },
    /// `wake_at` has passed.
    Wake,
}

/// What a peer wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    Dial,
    Say(Say<Seat>),
    Engine(Seat, Order),
    /// Send a message into an open channel, if its queue has room.
    Send(Parcel),
    /// A fact for the books.
    Note(What),
    /// Close the socket and every connection; the peer is done.
    Close,
}

/// A message for one channel, with what the books need to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parcel {
    pub to: Seat,
    pub payload: Vec<u8>,
    pub sequence: u32,
    pub due: Instant,
    /// An echo of the other's ping: it is nobody's new message.
    pub echo: bool,
}
