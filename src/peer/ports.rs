//! The inputs and outputs of a peer.

use crate::vocabulary::{EngineCommand, EngineEvent, EventKind, Failure, Heard, Say, Seat};
use std::time::Instant;

/// A command to a peer from the run that it takes part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerCommand {
    /// Another peer of the room began: the time of the edge runs from the later of the two.
    Companion { seat: Seat },
    /// A peer of the room that had left comes back with a new session: the edge to it starts anew.
    Back { seat: Seat },
    /// Messages start to flow over the open channels.
    StartTraffic,
    /// Messages stop.
    StopTraffic,
    /// Send a leave and end, as all peers do at the end of the run.
    Leave,
    /// Leave while the others stay; `silent` sends no leave to server or peers, like a killed tab.
    Depart { silent: bool },
    /// Leave while the others stay, like a lost network: no leave, and the signaling socket stays open without a word.
    Vanish,
}

/// An event that moves a peer.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The peer dials now; it was due at `due`.
    Begin {
        due: Instant,
    },
    Command(PeerCommand),
    /// Another guest sits at `seat` from now on.
    GuestReplaced {
        seat: Seat,
    },
    Upgraded,
    /// The socket could not be opened, or is gone.
    Lost(Failure),
    Heard(Heard<Seat>),
    Engine(Seat, EngineEvent),
    /// `wake_at` has passed.
    Wake,
}

/// An action that a peer wants done. `S` is the form of its signaling: a `Say`, or the frame that a dialect made of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Output<S = Say<Seat>> {
    Dial,
    Say(S),
    Engine(Seat, EngineCommand),
    /// Send a message into an open channel, if its queue has room.
    Send(OutgoingMessage),
    /// An event for the recorder.
    Event(EventKind),
    /// Close the socket and every connection; the peer is done.
    Close,
}

/// A message for one channel, with the figures that the recorder needs.
#[derive(Clone, Debug, PartialEq)]
pub struct OutgoingMessage {
    pub to: Seat,
    pub payload: Vec<u8>,
    pub sequence: u32,
    pub due: Instant,
    /// The message echoes a ping, and is not counted as sent.
    pub echo: bool,
}
