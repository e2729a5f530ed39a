//! The profile: what a run is, valid by construction.

mod arrivals;
mod behaviour;
pub mod builtin;
mod churn;
mod document;
mod environment;
mod gates;
mod ice;
mod language;
mod messages;
mod overrides;
mod read;
mod reconnect;
mod rooms;
mod secret;
mod section;
mod target;
mod units;
mod written;

pub use environment::{Environment, expand};
pub use ice::{IceServer, IceTransportPolicy, Login};
pub use overrides::{Knob, Override};
pub use read::{Source, read, read_with};
pub use secret::Secret;
pub use section::Checks;
pub use target::DIALECTS;
pub use units::{duration, rate, share, size};

pub use crate::vocabulary::document::TEXT_BYTES_MAX;
pub use crate::vocabulary::problem::{Problem, nearest};

use crate::vocabulary::choice::{Approval, Certificates, EngineKind, Initiator, Reliability, Trigger};
use std::collections::BTreeMap;
use std::time::Duration;

/// The profile as run, defaults and overrides included: reads back to the same profile. `${NAME}` stays as
/// written, and a credential that stood in the text gives way to such a reference.
pub fn to_toml(profile: &Profile) -> &str {
    &profile.written
}

/// A checked profile: inner code never checks again.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub name: String,
    pub description: String,
    pub target: Target,
    /// None: a peer that has lost its signaling socket goes on without one.
    pub reconnect: Option<Reconnect>,
    pub rooms: Rooms,
    pub arrivals: Vec<Stage>,
    pub phases: Phases,
    pub handshake: Handshake,
    pub messages: Messages,
    pub churn: Churn,
    pub engine: EngineChoice,
    pub validity: Validity,
    pub gates: Vec<GateLine>,
    pub faults: Vec<FaultLine>,
    written: String,
}

/// Where the signaling server is. No `url` means the embedded reference server.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// `ws` or `wss`, with `{peer.id}`, `{peer.index}`, `{room.id}` and `{token}` still to be filled in.
    pub url: Option<Secret>,
    /// The URL as reports show it: without userinfo and query.
    pub url_shown: Option<String>,
    pub dialect: String,
    /// `file:line`, or the option.
    pub dialect_at: String,
    pub headers: BTreeMap<String, Secret>,
    pub subprotocol: Option<Secret>,
    pub origin: Option<String>,
}

/// The pause before a dial that follows a loss is drawn from nothing to `first`, and that bound doubles up to `cap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    pub first: Duration,
    pub cap: Duration,
}

/// The rooms of a run; sizes count peers, from 2.
#[derive(Clone, Debug, PartialEq)]
pub struct Rooms {
    pub count: u32,
    pub size: Size,
    /// `{index}` stands for the room's index.
    pub id: String,
    /// Peers that are not ours, admitted to each room.
    pub guests: u16,
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
    /// Off: peers join without asking the room's host.
    pub approval: Approval,
    /// `file:line`, or the option: whether a dialect has words for it is found out after the profile is read.
    pub approval_at: String,
}

/// Messages over open channels, per peer.
#[derive(Clone, Debug, PartialEq)]
pub struct Messages {
    pub pattern: Pattern,
    pub start: Start,
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

/// When the messages of a room start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// When every edge of the room is decided.
    Room,
    /// In all rooms at once, when every edge of the run is decided: with the steady phase.
    Barrier,
}

/// Peers that leave in the steady phase, and come back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Churn {
    /// The share of the peers that leave in a second.
    pub leave: f64,
    /// Who left comes back, as a new arrival.
    pub rejoin: bool,
    /// Hosts leave as others do.
    pub host_leaves: bool,
    /// Of the leavers, the share that goes without a goodbye.
    pub silent: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct EngineChoice {
    pub kind: EngineKind,
    pub certificates: Certificates,
    /// Only the engine webrtc has any.
    pub ice_servers: Vec<IceServer>,
    pub ice_transport_policy: IceTransportPolicy,
}

/// What INVALID and SUSPECT runs do to the exit code, and from where on a run is one (measurement.md, the table of
/// verdicts). Shares are from 0 to 1; what is suspect is never past what is invalid.
#[derive(Clone, Debug, PartialEq)]
pub struct Validity {
    pub on_invalid: OnInvalid,
    pub on_suspect: OnSuspect,
    pub lag_suspect: Duration,
    /// Of the p50 of `time_to_open`, where that is more than `lag_suspect`.
    pub lag_suspect_share: f64,
    pub lag_invalid: Duration,
    pub busy_suspect: f64,
    pub waiting_suspect: f64,
    pub waiting_invalid: f64,
    pub dropped_suspect: f64,
    pub dropped_invalid: f64,
    pub clock_jump_invalid: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnInvalid {
    Fail,
    Warn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnSuspect {
    Pass,
    Fail,
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

/// A fault of the embedded server as written: a preset's name, or a rule in the language of `server::faults`.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultLine {
    pub rule: String,
    /// `file:line`, or the option.
    pub at: String,
}

#[cfg(test)]
mod tests;
