//! The messages of the bus, in JSON. None holds a secret: agents read their own files and environment.

use crate::controller::{RunStatus, StopSignal};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// The plan as the controller offers it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanOffer {
    /// The number of shares.
    pub agents: u32,
    /// An agent that is silent for so long is lost.
    pub silence: Duration,
    /// The profile as run, in TOML; `${TOKEN}` stays as written.
    pub profile: String,
    pub dialect: String,
    /// The text of a dialect's file; absent for a built-in.
    pub dialect_text: Option<String>,
    /// The hash of the plan, which its seeds don't change.
    pub plan_sha256: String,
    /// The most traces to keep.
    pub traces: u16,
    /// The runs, one after the other.
    pub rounds: Vec<RoundOffer>,
}

/// One run of the plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoundOffer {
    pub seed: u64,
    /// The run's id on the wire.
    pub run_id: String,
}

/// The machine that an agent runs on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AgentMachine {
    pub host: String,
    /// CPU cores granted.
    pub cores: f64,
    /// The limit of open files.
    pub nofile: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SlotRequest {
    /// The slot wanted; `None` takes any.
    pub slot: Option<u32>,
    pub uuid: String,
    pub version: String,
    pub machine: AgentMachine,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum SlotReply {
    Claimed(ClaimedSlot),
    /// No slot is free yet.
    Wait(String),
    Refused(String),
}

/// A slot, and the number of the attempt to play it: an agent that was given up holds an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ClaimedSlot {
    pub slot: u32,
    pub attempt: u32,
}

/// The holder of a slot, in the key-value store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claim {
    pub uuid: String,
    pub attempt: u32,
}

/// The state of an agent, sent each second and when it changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Heartbeat {
    pub uuid: String,
    pub attempt: u32,
    pub state: AgentState,
    pub status: RunStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum AgentState {
    #[default]
    Joined,
    /// It can't play the plan.
    Refused(String),
    /// Ready for a round, with the plan's hash as it worked it out; the target is untouched.
    Prepared {
        round: u32,
        plan_sha256: String,
    },
    Playing {
        round: u32,
    },
    Drained {
        round: u32,
    },
    /// The part of a round is on the bus.
    Reported {
        round: u32,
    },
    Left,
}

/// The state of the run, sent each second and when it changes: an agent that misses one hears the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Order {
    Gather,
    /// Play the round from this time on, in microseconds since 1970 by the controller's clock; the slots' attempts beside it.
    Go {
        round: u32,
        at_us: i64,
        attempts: Vec<u32>,
    },
    Stop(StopSignal),
    Over(String),
}

/// The end of a part on the bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub attempt: u32,
    pub bytes: u64,
    pub pieces: u32,
    /// Of the whole part, in hex.
    pub sha256: String,
}

/// The reason why a run over the bus does not go on here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusError {
    /// The options name no bus that may be used, or a plan that does not fit on it.
    Usage(String),
    /// The bus can't be reached, or does not do what is needed.
    Broken(String),
    /// The controller refuses this agent, or the agent the plan.
    Refused(String),
    /// The run ended, or goes on without this agent.
    Over(String),
    Stopped(StopSignal),
}

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(why) | Self::Broken(why) | Self::Refused(why) | Self::Over(why) => f.write_str(why),
            Self::Stopped(signal) => write!(f, "stopped by {}", signal.name()),
        }
    }
}

impl std::error::Error for BusError {}
