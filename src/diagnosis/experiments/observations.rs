//! The probe's observations as data: handshakes, and the outcomes of its experiments.

use super::super::timeline::Timeline;
use super::super::words::Words;
use std::time::Duration;

/// The age from which a subscription is in force if it ever will be (docs/spec/protocol.md, "The causes").
pub const AGED: Duration = Duration::from_millis(1_500);

/// The input of a diagnosis; experiments that were not made are absent.
#[derive(Debug, Default)]
pub struct Observations {
    /// Handshakes, smallest room first.
    pub timelines: Vec<Timeline>,
    /// The dialect's message types.
    pub words: Words,
    /// The first frame of the server where a Socket.IO server would be, if the target takes no frame of the dialect.
    pub elsewhere: Option<String>,
    pub trials: Option<Experiments>,
    /// The handshake in which words were said again, for dialects without `trials`.
    pub repeat: Option<Timeline>,
    /// The same once more, with longer pauses, if that showed a cause.
    pub confirmed: Option<Timeline>,
    /// The handshake with a silent observer, whose seat is the one after the room's own.
    pub observed: Option<Timeline>,
    pub roster: Option<RosterTrial>,
    pub fanout: Option<Fanout>,
}

/// The experiments of the table in docs/spec/protocol.md, "The causes". An aged connection has been subscribed for over
/// 1.5 s, a fresh one has just connected.
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
    /// The server listed the room of the experiments; `None` if it lists no rooms.
    pub listed: Option<bool>,
}

/// The outcome of one message of each type, sent from one connection to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryCheck(pub Vec<CheckedDelivery>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedDelivery {
    pub word: CheckedMessage,
    pub outcome: TrialOutcome,
}

/// The messages of a delivery check, in the order in which they are sent.
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
    /// It arrived with another description than was sent.
    Altered,
    Lost,
}

/// The experiment in which a listed peer's socket closes without a goodbye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RosterTrial {
    /// The list showed the peer while it was connected.
    pub listed: bool,
    /// The list still shows the peer afterwards.
    pub lingers: bool,
}

/// Delivery times without further subscribers and with `observers` of them.
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

    /// Sent on the chat channel.
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

    /// Some message arrived on the chat channel, unaltered.
    pub fn chat_arrives(&self) -> bool {
        self.0.iter().any(|delivery| delivery.word.is_chat() && delivery.outcome == TrialOutcome::Arrived)
    }

    /// Some message arrived that was sent on another channel.
    pub fn others_arrive(&self) -> bool {
        self.0.iter().any(|delivery| !delivery.word.is_chat() && delivery.outcome != TrialOutcome::Lost)
    }

    pub fn signaling_arrives(&self) -> bool {
        self.0.iter().any(|delivery| delivery.word.is_signaling() && delivery.outcome != TrialOutcome::Lost)
    }

    /// The channel name under which the chat channel's messages arrive, if it is another one.
    pub fn chat_renamed(&self) -> Option<&str> {
        self.0.iter().filter(|delivery| delivery.word.is_chat()).find_map(|delivery| match &delivery.outcome {
            TrialOutcome::Renamed(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

impl Fanout {
    /// The fastest delivery without observers, and with them; noise can only add time.
    pub fn fastest(&self) -> (Duration, Duration) {
        let fastest = |times: &[Duration]| times.iter().min().copied().unwrap_or_default();
        (fastest(&self.alone), fastest(&self.observed))
    }

    /// Time that each further subscriber adds to a delivery.
    pub fn slope(&self) -> Duration {
        let (alone, observed) = self.fastest();
        observed.saturating_sub(alone) / self.observers.max(1)
    }

    /// The difference of the two means in standard errors (Welch's t): on a far network, variation could be
    /// mistaken for the subscribers' effect.
    pub fn standard_errors(&self) -> f64 {
        let ((alone, of_alone), (observed, of_observed)) = (mean(&self.alone), mean(&self.observed));
        let error = (of_alone + of_observed).sqrt();
        if error > 0.0 { (observed - alone) / error } else { f64::INFINITY }
    }
}

/// The mean in seconds, and the square of its standard error: infinite for fewer than two times.
fn mean(times: &[Duration]) -> (f64, f64) {
    let count = times.len() as f64;
    let mean = times.iter().map(Duration::as_secs_f64).sum::<f64>() / count.max(1.0);
    let squares = times.iter().map(|time| (time.as_secs_f64() - mean).powi(2)).sum::<f64>();
    (mean, if times.len() < 2 { f64::INFINITY } else { squares / (count - 1.0) / count })
}
