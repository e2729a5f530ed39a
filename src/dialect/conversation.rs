//! One peer's side of a dialect: the trait that drives it, its input and its output.

use crate::vocabulary::event::Concern;
use crate::vocabulary::message::{FrameKind, Heard, Say};
use crate::vocabulary::options::{Approval, Initiator, Trigger};
use crate::vocabulary::seed::Seed;
use std::time::{Duration, Instant};

/// One peer's talk with the server: told of frames and time, it says what to send and what it understood.
/// After `handle`, drain `poll` before the next `handle`.
pub trait Conversation {
    /// How to connect to the server at `base`, the target's URL.
    fn connect(&mut self, base: &str) -> Connect;
    fn handle(&mut self, now: Instant, input: Input<'_>);
    fn poll(&mut self) -> Option<Output>;
    /// When `Input::Wake` is wanted.
    fn wake_at(&self) -> Option<Instant>;
}

/// Who is talking: what the profile chose and the plan gave, as a dialect needs it.
#[derive(Clone, Debug)]
pub struct PeerIdentity {
    /// Its name in this run; its id on the wire too, unless the dialect says otherwise.
    pub id: String,
    pub name: String,
    pub room: String,
    /// The first of the room: it creates it.
    pub host: bool,
    pub trigger: Trigger,
    pub initiator: Initiator,
    pub settle: Duration,
    /// What the host does with those who ask to join; off: nobody asks.
    pub approval: Approval,
    /// An instant and the wall clock then, in ms since the Unix epoch: frames carry timestamps.
    pub epoch: (Instant, u64),
    /// Its position in the plan.
    pub index: u32,
    /// Its place in the room, from 0, and the room's size.
    pub seat: u16,
    pub size: u16,
    /// From `--tokens`; empty without.
    pub token: String,
    /// What the dialect's random values grow from.
    pub seed: Seed,
}

impl PeerIdentity {
    /// Milliseconds since the Unix epoch at `now`.
    pub(super) fn timestamp(&self, now: Instant) -> u64 {
        let (instant, millis) = self.epoch;
        millis + now.saturating_duration_since(instant).as_millis() as u64
    }
}

/// How one peer connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub subprotocol: Option<String>,
}

/// What a conversation is told.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The WebSocket is open.
    Open,
    /// A text frame came.
    Frame(&'a str),
    /// The peer wants something said.
    Say(Say<String>),
    /// Another of the room, by its id on the wire, has joined; `earlier`: before this peer did, and an offer is due.
    Present { id: &'a str, earlier: bool },
    /// Another of the room, known by this id, comes back with a new session: what was known of it is void.
    Back { id: &'a str },
    /// All who sit before this peer have joined, or never will.
    Turn,
    /// Another of the room shares a value, as JSON.
    Shared { name: &'a str, json: &'a str },
    /// `wake_at` has passed.
    Wake,
}

/// What a conversation wants done, or tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this text frame. `to`: its addressee; `None` is the whole room, or the server.
    Send { text: String, kind: FrameKind, to: Option<String> },
    /// For the peer.
    Heard(Heard<String>),
    /// For the books: what the frame just given was. Comes once a frame.
    Frame { kind: FrameKind, concern: Concern<String> },
    /// This peer's own id on the wire is known now.
    Known { id: String },
    /// For the others of the room, inside the process; `json` is the value.
    Share { name: String, json: String },
    /// An offer made for `one` was answered by `other`: their connections change places.
    Swap { one: String, other: String },
}
