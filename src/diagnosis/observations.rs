//! What the probe found out, as data: handshakes, and the outcomes of its experiments.

use super::join_request::JoinRequestWords;
use super::timeline::Timeline;
use crate::vocabulary::failure::Failure;
use std::time::Duration;

/// The age from which a subscription is in force if it ever will be (protocol.md).
pub const AGED: Duration = Duration::from_millis(1_500);

/// Everything a diagnosis may rest on. What was not tried is absent.
#[derive(Debug, Default)]
pub struct Observations {
    /// No connection came about, or the first was turned away.
    pub refused: Option<Failure>,
    /// Handshakes, smallest room first.
    pub timelines: Vec<Timeline>,
    /// The words that tell of requests in them.
    pub asking: JoinRequestWords,
    pub trials: Option<Experiments>,
    pub roster: Option<RosterTrial>,
    pub fanout: Option<Fanout>,
}

/// The experiments of protocol.md's table. Aged: connected and subscribed for over 1.5 s; fresh: just connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Experiments {
    pub aged: DeliveryCheck,
    /// Aged to aged, after the receiver subscribed again.
    pub again: Option<DeliveryCheck>,
    pub fresh_sender: Option<DeliveryCheck>,
    pub fresh_receiver: Option<DeliveryCheck>,
    pub ping_aged: bool,
    /// A ping right after the connect.
    pub ping_fresh: Option<bool>,
    /// The server listed the room of the experiments; none if it lists no rooms.
    pub listed: Option<bool>,
}

/// One of every message, from one connection to another, and what came of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryCheck(pub Vec<CheckedDelivery>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedDelivery {
    pub word: CheckedMessage,
    pub outcome: TrialOutcome,
}

/// What is said in a volley, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckedMessage {
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
pub enum TrialOutcome {
    Arrived,
    /// It arrived under another channel's name.
    Renamed(String),
    /// Its description is not the one that was said.
    Altered,
    Lost,
}

/// A peer was made, and its socket closed without a goodbye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RosterTrial {
    /// The list showed it while it was there.
    pub listed: bool,
    /// The list still shows it.
    pub lingers: bool,
}

/// How long several deliveries took, with few subscribers and with many more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fanout {
    pub observers: u32,
    pub alone: Vec<Duration>,
    pub observed: Vec<Duration>,
}

impl CheckedMessage {
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

impl DeliveryCheck {
    pub fn outcome(&self, word: CheckedMessage) -> &TrialOutcome {
        self.0.iter().find(|delivery| delivery.word == word).map_or(&TrialOutcome::Lost, |delivery| &delivery.outcome)
    }

    pub fn lost(&self, word: CheckedMessage) -> bool {
        *self.outcome(word) == TrialOutcome::Lost
    }

    /// Something said on the chat channel arrived as it should.
    pub fn chat_arrives(&self) -> bool {
        self.0.iter().any(|delivery| delivery.word.is_chat() && delivery.outcome == TrialOutcome::Arrived)
    }

    /// Something said on any other channel arrived.
    pub fn others_arrive(&self) -> bool {
        self.0.iter().any(|delivery| !delivery.word.is_chat() && delivery.outcome != TrialOutcome::Lost)
    }

    pub fn signaling_arrives(&self) -> bool {
        self.0.iter().any(|delivery| delivery.word.is_signaling() && delivery.outcome != TrialOutcome::Lost)
    }

    /// The name under which chat arrives, where it is not its own.
    pub fn chat_renamed(&self) -> Option<&str> {
        self.0.iter().filter(|delivery| delivery.word.is_chat()).find_map(|delivery| match &delivery.outcome {
            TrialOutcome::Renamed(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

impl Fanout {
    /// The fastest delivery with few, and with many: noise only ever adds.
    pub fn fastest(&self) -> (Duration, Duration) {
        let fastest = |times: &[Duration]| times.iter().min().copied().unwrap_or_default();
        (fastest(&self.alone), fastest(&self.observed))
    }

    /// What each further subscriber adds to a delivery.
    pub fn slope(&self) -> Duration {
        let (alone, observed) = self.fastest();
        observed.saturating_sub(alone) / self.observers.max(1)
    }

    /// By how many standard errors the two means differ: on a far network the way's own variation could be
    /// mistaken for what subscribers add (Welch's t).
    pub fn standard_errors(&self) -> f64 {
        let ((alone, of_alone), (observed, of_observed)) = (mean(&self.alone), mean(&self.observed));
        let error = (of_alone + of_observed).sqrt();
        if error > 0.0 { (observed - alone) / error } else { f64::INFINITY }
    }
}

/// The mean in seconds, and the square of its standard error; endless from fewer than two.
fn mean(times: &[Duration]) -> (f64, f64) {
    let count = times.len() as f64;
    let mean = times.iter().map(Duration::as_secs_f64).sum::<f64>() / count.max(1.0);
    let squares = times.iter().map(|time| (time.as_secs_f64() - mean).powi(2)).sum::<f64>();
    (mean, if times.len() < 2 { f64::INFINITY } else { squares / (count - 1.0) / count })
}
