//! The profile: what a run is, valid by construction.

use crate::vocabulary::choice::{Certificates, EngineKind, Initiator, Reliability, Trigger};
use std::collections::BTreeMap;
use std::time::Duration;

/// A checked profile: inner code never checks again.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub name: String,
    pub description: String,
    pub target: Target,
    pub rooms: Rooms,
    pub arrivals: Vec<Stage>,
    pub phases: Phases,
    pub handshake: Handshake,
    pub messages: Messages,
    pub engine: EngineChoice,
    pub validity: Validity,
    pub gates: Vec<GateLine>,
}

/// Where the signaling server is. No `url` means the embedded reference server.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub url: Option<String>,
    pub dialect: String,
    pub headers: BTreeMap<String, String>,
    pub subprotocol: Option<String>,
    pub origin: Option<String>,
}

/// The rooms of a run; sizes count peers, from 2.
#[derive(Clone, Debug, PartialEq)]
pub struct Rooms {
    pub count: u32,
    pub size: Size,
    /// `{index}` stands for the room's index.
    pub id: String,
}

/// A room's size: fixed, or drawn uniformly for each room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub min: u16,
    pub max: u16,
}

/// One stretch of the arrival curve; stages follow each other, the last one serves all that are left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// Peers per second, evenly spaced. `lasts: None`: until all have arrived.
    Constant { rate: f64, lasts: Option<Duration> },
    /// Peers per second, changing linearly.
    Ramp { from: f64, to: f64, lasts: Duration },
    /// Exponential gaps with the given mean rate.
    Poisson { rate: f64, lasts: Option<Duration> },
    /// All at once.
    Burst,
}

/// How long the parts of a run last (measurement.md, "Load model").
#[derive(Clone, Debug, PartialEq)]
pub struct Phases {
    pub warmup: Duration,
    pub steady: Duration,
    pub drain: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Handshake {
    pub trigger: Trigger,
    pub initiator: Initiator,
    pub trickle: bool,
    pub settle: Duration,
    pub timeout: Duration,
}

/// Messages over open channels, per peer.
#[derive(Clone, Debug, PartialEq)]
pub struct Messages {
    pub pattern: Pattern,
    /// Messages per second that each peer sends on each of its channels.
    pub rate: f64,
    /// Bytes of a message, at least 16; uniform between the two.
    pub bytes_min: u32,
    pub bytes_max: u32,
    pub ordered: bool,
    pub reliability: Reliability,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    Broadcast,
    PingPong,
    None,
}

#[derive(Clone, Debug, PartialEq)]
pub struct EngineChoice {
    pub kind: EngineKind,
    pub certificates: Certificates,
}

/// What an INVALID run does to the exit code, and where the thresholds lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Validity {
    pub on_invalid: OnInvalid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnInvalid {
    Fail,
    Warn,
}

/// A gate as written, with where; its grammar is read by `gates`.
#[derive(Clone, Debug, PartialEq)]
pub struct GateLine {
    /// The metric, with `.began` where asked for.
    pub metric: String,
    pub expr: String,
    pub abort: bool,
    pub after: Duration,
    pub min_samples: u64,
    /// `file:line`, or `--gate`.
    pub at: String,
}
