//! Wire text ⇄ words: one conversation of one peer with one server, sans-IO.

mod dashboard;
mod look;

pub use dashboard::KINDS as DASHBOARD_KINDS;

use crate::vocabulary::choice::{Initiator, Trigger};
use crate::vocabulary::message::{Heard, Kind, Say};
use std::time::{Duration, Instant};

/// A signaling protocol. Conversations are begun from it, one a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// protocol.md.
    Dashboard,
}

impl Dialect {
    /// Every built-in, by the name that `--dialect` takes.
    pub const NAMES: &'static [&'static str] = &["dashboard"];

    /// The built-in of that name.
    pub fn named(name: &str) -> Option<Self> {
        (name == "dashboard").then_some(Self::Dashboard)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
        }
    }

    /// The names of its message types; a `Kind` is an index into them.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Dashboard => dashboard::KINDS,
        }
    }

    /// Starts a conversation for `me`. Nothing is said before `Input::Open`.
    pub fn converse(self, me: Me) -> Box<dyn Conversation> {
        match self {
            Self::Dashboard => Box::new(dashboard::Dashboard::new(me)),
        }
    }
}

/// Who is talking: what the profile chose and the plan gave, as a dialect needs it.
#[derive(Clone, Debug)]
pub struct Me {
    pub id: String,
    pub name: String,
    pub room: String,
    /// The first of the room: it creates it.
    pub host: bool,
    pub trigger: Trigger,
    pub initiator: Initiator,
    pub settle: Duration,
    /// An instant and the wall clock then, in ms since the Unix epoch: frames carry timestamps.
    pub epoch: (Instant, u64),
}

impl Me {
    /// Milliseconds since the Unix epoch at `now`.
    fn timestamp(&self, now: Instant) -> u64 {
        let (instant, millis) = self.epoch;
        millis + now.saturating_duration_since(instant).as_millis() as u64
    }
}

/// What a conversation is told.
pub enum Input<'a> {
    /// The WebSocket is open.
    Open,
    /// A text frame came.
    Frame(&'a str),
    /// The peer wants something said.
    Say(Say<String>),
    /// `wake_at` has passed.
    Wake,
}

/// What a conversation wants done, or tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this text frame. `to`: its addressee; `None` is the whole room, or the server.
    Send { text: String, kind: Kind, to: Option<String> },
    /// For the peer.
    Heard(Heard<String>),
    /// For the books: what the frame just given was. Comes once a frame.
    Frame { kind: Kind, concern: Concern },
}

/// Whom a frame was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concern {
    /// This peer; from another peer, or from the server.
    Me { from: Option<String> },
    /// Another peer, another room, or nobody in particular.
    Others,
    /// The right type on another channel than its own: evidence, and nothing more.
    Elsewhere { from: Option<String> },
}

/// One peer's talk with the server: told of frames and time, it says what to send and what it understood.
/// After `handle`, drain `poll` before the next `handle`.
pub trait Conversation {
    fn handle(&mut self, now: Instant, input: Input<'_>);
    fn poll(&mut self) -> Option<Output>;
    /// When `Input::Wake` is wanted.
    fn wake_at(&self) -> Option<Instant>;
}
