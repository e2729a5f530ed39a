//! One peer's side of a dialect: the trait that drives it, its input and its output.

use super::language::codec::Wire;
use crate::vocabulary::{
    Approval, Concern, Failure, FrameKind, FrameNote, Heard, Initiator, Naming, NearestRule, Say, Seed, Trigger,
};
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The protocol state of one peer: takes frames and the time, yields frames to send and what the received ones mean.
/// Drain `poll` after each `handle`.
pub trait Conversation {
    /// The WebSocket request for the server at `base`, the target's URL.
    fn connect(&mut self, base: &str) -> Connect;
    fn handle(&mut self, now: Instant, input: Input<'_>);
    fn poll(&mut self) -> Option<Output>;
    /// The time at which `Input::Wake` is due.
    fn wake_at(&self) -> Option<Instant>;
    /// The HTTP requests before the connection; `None` if there are none.
    fn preparation(&self) -> Option<Box<dyn Prepare>>;
    /// The step of an unfinished join, what it waits for, and what came instead; `None` once joined.
    fn waits_for(&self) -> Option<String>;
    /// The likely reason if the server closes the connection now; `None` if nothing tells of one.
    fn closed_because(&self) -> Option<&'static str>;
    /// The fields of candidates that the frames have places for.
    fn carried(&self) -> CarriedFields;
}

/// The fields of candidates that a dialect's frames carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarriedFields {
    pub mid: bool,
    pub line: bool,
    /// The end of candidates has a frame.
    pub end: bool,
}

/// The peer that a conversation speaks for: the values that a dialect needs from profile and plan.
#[derive(Clone, Debug)]
pub struct PeerIdentity {
    /// The peer's id in this run, and its id on the wire unless the dialect sets another.
    pub id: String,
    pub name: String,
    pub room: String,
    /// The first peer of the room, which creates it.
    pub host: bool,
    pub trigger: Trigger,
    pub initiator: Initiator,
    pub settle: Duration,
    /// The host's answer to join requests; with `Off` no peer asks.
    pub approval: Approval,
    /// An instant and its wall-clock time in ms since the Unix epoch, for timestamps in frames.
    pub epoch: (Instant, u64),
    /// The peer's position in the plan.
    pub index: u32,
    /// The peer's position in the room, from 0.
    pub seat: u16,
    /// The number of peers planned for the room.
    pub size: u16,
    /// The ids of this run's peers.
    pub naming: Naming,
    /// The number of peers of other programs that the room admits.
    pub guests: u16,
    /// The peer's token from `--tokens`; empty without one.
    pub token: String,
    /// The peer's row of `--data`, by column; null without one.
    pub data: Value,
    /// The seed of the dialect's random values.
    pub seed: Seed,
    /// The values of the answers of `[[before]]`, once they have come; shared by all sessions of the peer.
    pub prepared: PreparedValues,
}

impl PeerIdentity {
    /// Milliseconds since the Unix epoch at `now`.
    pub(super) fn timestamp(&self, now: Instant) -> u64 {
        let (instant, millis) = self.epoch;
        millis + now.saturating_duration_since(instant).as_millis() as u64
    }
}

/// The HTTP requests of one peer before its connection: take `request`, give its `answer`, until there is none.
pub trait Prepare {
    /// The next request for the server at `base`, the target's URL; `None` once all are answered.
    fn request(&mut self, base: &str) -> Option<HttpRequest>;
    /// Takes the values of an answer.
    ///
    /// # Errors
    /// The failure of the peer: the status is an error, or the answer is not the expected one.
    fn answer(&mut self, base: &str, answer: &HttpAnswer) -> Result<(), Failure>;
    /// The request for the connection, with the cookies of the answers.
    fn connect(&mut self, base: &str) -> Connect;
}

/// Values of a peer's variables that outlast its sessions; set once.
#[derive(Clone, Debug, Default)]
pub struct PreparedValues(Arc<OnceLock<Vec<(usize, Value)>>>);

impl PreparedValues {
    /// The values by the slots of their variables; `None` until the requests are answered.
    pub(super) fn get(&self) -> Option<&Vec<(usize, Value)>> {
        self.0.get()
    }

    /// Sets the values, unless they are set.
    pub(super) fn set(&self, values: Vec<(usize, Value)>) {
        self.0.get_or_init(|| values);
    }
}

/// One HTTP request. Its body, if any, is JSON, or text as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
    pub timeout: Duration,
}

/// The answer to a request.
#[derive(Clone, Debug, Default)]
pub struct HttpAnswer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// The WebSocket request of one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub subprotocol: Option<String>,
    pub wire: Wire,
}

/// One input of a conversation.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The WebSocket is open.
    Open,
    /// A text frame arrived.
    Frame(&'a str),
    /// The peer sends a message.
    Say(Say<String>),
    /// Another peer of the room, `id` on the wire, has joined; this peer offers to an `earlier` one.
    Present { id: &'a str, earlier: bool },
    /// The peer with this id reconnects with a new session; everything known of it is dropped.
    Back { id: &'a str },
    /// A peer of the room has this id on the wire.
    Named { id: &'a str },
    /// The edge to this guest has ended, so another may take its place.
    Gone { id: &'a str },
    /// Every peer with a lower seat has joined or never will.
    Turn,
    /// Another peer of the room shares a value, as JSON.
    Shared { name: &'a str, json: &'a str },
    /// `wake_at` has passed.
    Wake,
}

/// One output of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// A text frame to send; `to` is `None` for the whole room or the server.
    Send { text: String, kind: FrameKind, to: Option<String> },
    /// A received message for the peer.
    Heard(Heard<String>),
    /// The classification of the frame just handled, or of each record in it, for the metrics; first output of each.
    Frame { kind: FrameKind, bytes: u32, concern: Concern<String> },
    /// A frame or value that the dialect could not use.
    Note(Arc<FrameNote>),
    /// The text of a frame to send, for an experiment that asks for it.
    Written { text: Arc<str>, kind: FrameKind, to: Option<String> },
    /// The text of the frame just handled, likewise; `rule` is the place of the rule that took it.
    Read {
        text: Arc<str>,
        kind: FrameKind,
        concern: Concern<String>,
        rule: Option<Arc<str>>,
        near: Option<Arc<NearestRule>>,
    },
    /// The peer's own id on the wire, now known.
    Known { id: String },
    /// A value for the room's other peers, passed inside the process as JSON.
    Share { name: String, json: String },
    /// Peer `other` answered the offer made for `one`; their connections are exchanged.
    Swap { one: String, other: String },
}
