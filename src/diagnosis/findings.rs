//! What the probe found out, as data: handshakes, and the outcomes of its experiments.

use super::story::Story;
use crate::vocabulary::failure::Failure;
use std::time::Duration;

/// Everything a diagnosis may rest on. What was not tried is absent.
#[derive(Debug, Default)]
pub struct Findings {
    /// No connection came about, or the first was turned away.
    pub refused: Option<Failure>,
    /// Handshakes, smallest room first.
    pub stories: Vec<Story>,
    pub trials: Option<Trials>,
    pub roster: Option<Roster>,
    pub fanout: Option<Fanout>,
}

/// The experiments of protocol.md's table. Aged: connected and subscribed for over 1.5 s; fresh: just connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trials {
    pub aged: Volley,
    /// Aged to aged, after the receiver subscribed again.
    pub again: Option<Volley>,
    pub fresh_sender: Option<Volley>,
    pub fresh_receiver: Option<Volley>,
    pub ping_aged: bool,
    /// A ping right after the connect.
    pub ping_fresh: Option<bool>,
    /// The server listed the room of the experiments; none if it lists no rooms.
    pub listed: Option<bool>,
}

/// One of every message, from one connection to another, and what came of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volley(pub Vec<Shot>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    pub word: Word,
    pub outcome: Outcome,
}

/// What is said in a volley, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    Joined,
    MemberJoined,
    Ready,
    Request,
    FirstOffer,
    SecondOffer,
    Answer,
    Candidate,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Arrived,
    /// It arrived under another channel's name.
    Renamed(String),
    /// Its description is not the one that was said.
    Altered,
    Lost,
}

/// A peer was made, and its socket closed without a goodbye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roster {
    /// The list showed it while it was there.
    pub listed: bool,
    /// The list still shows it.
    pub lingers: bool,
}

/// The fastest of several deliveries, with few subscribers and with many more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fanout {
    pub observers: u32,
    pub alone: Duration,
    pub observed: Duration,
}

impl Word {
    pub const ALL: [Self; 8] = [
        Self::Joined,
        Self::MemberJoined,
        Self::Ready,
        Self::Request,
        Self::FirstOffer,
        Self::SecondOffer,
        Self::Answer,
        Self::Candidate,
    ];

    /// The message type on the wire.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Joined => "user-joined-room",
            Self::MemberJoined => "participant-joined",
            Self::Ready => "peer-ready",
            Self::Request => "join-request",
            Self::FirstOffer | Self::SecondOffer => "webrtc-offer",
            Self::Answer => "webrtc-answer",
            Self::Candidate => "webrtc-ice",
        }
    }

    /// Said on the chat channel, as peer-ready is.
    pub fn is_chat(self) -> bool {
        matches!(self, Self::MemberJoined | Self::Ready)
    }

    pub fn is_signaling(self) -> bool {
        self >= Self::FirstOffer
    }
}

impl Volley {
    pub fn outcome(&self, word: Word) -> &Outcome {
        self.0.iter().find(|shot| shot.word == word).map_or(&Outcome::Lost, |shot| &shot.outcome)
    }

    pub fn lost(&self, word: Word) -> bool {
        *self.outcome(word) == Outcome::Lost
    }

    /// Something said on the chat channel arrived as it should.
    pub fn chat_arrives(&self) -> bool {
        self.0.iter().any(|shot| shot.word.is_chat() && shot.outcome == Outcome::Arrived)
    }

    /// Something said on any other channel arrived.
    pub fn others_arrive(&self) -> bool {
        self.0.iter().any(|shot| !shot.word.is_chat() && shot.outcome != Outcome::Lost)
    }

    pub fn signaling_arrives(&self) -> bool {
        self.0.iter().any(|shot| shot.word.is_signaling() && shot.outcome != Outcome::Lost)
    }

    /// The name under which chat arrives, where it is not its own.
    pub fn chat_renamed(&self) -> Option<&str> {
        self.0.iter().filter(|shot| shot.word.is_chat()).find_map(|shot| match &shot.outcome {
            Outcome::Renamed(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

impl Fanout {
    /// What each further subscriber adds to a delivery.
    pub fn slope(&self) -> Duration {
        self.observed.saturating_sub(self.alone) / self.observers.max(1)
    }
}
