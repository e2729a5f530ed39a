//! The messages of the bus, in JSON. None holds a secret: agents read their own files and environment.

use crate::capacity::Vary;
use crate::controller::{RunStatus, StopSignal};
use crate::fleet::format::COUNT_MAX;
use crate::fleet::numbers::all_at_most;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A plan as the controller offers it: one round of the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanOffer {
    /// From 1.
    pub round: u32,
    /// No other round follows.
    pub is_last: bool,
    /// The number of its run among repeats or loads, from 1; `None` for the only one.
    pub number: Option<u32>,
    /// The number of shares.
    pub agents: u32,
    /// An agent that is silent for so long is lost.
    pub silence: Duration,
    /// The profile as run, in TOML; `${TOKEN}` stays as written.
    pub profile: String,
    /// The setting of the profile that a capacity search varies, and its value in this round.
    pub load: Option<(Vary, f64)>,
    pub dialect: String,
    /// The text of a dialect's file; absent for a built-in.
    pub dialect_text: Option<String>,
    pub seed: u64,
    /// The hash of the plan, which its seed doesn't change.
    pub plan_sha256: String,
    /// The run's id on the wire.
    pub run_id: String,
    /// The most traces to keep.
    pub traces: u16,
    /// The limit of an agent's file of all events, in bytes; `None` writes no file.
    pub events_bytes_max: Option<u64>,
    /// Each agent plays its control run before it is ready.
    pub control: bool,
    /// The most time to wait until the target accepts a WebSocket, once all agents are ready.
    pub wait_for_target: Duration,
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

impl ClaimedSlot {
    /// True if a later attempt has the slot, by the attempts that count for each slot.
    pub(super) fn is_displaced(self, attempts: &[u32]) -> bool {
        attempts.get(self.slot as usize).is_some_and(|latest| *latest > self.attempt)
    }
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

impl Heartbeat {
    /// True if all its numbers are such as a run's, so that sums of a thousand stay within 64 bits.
    pub(super) fn is_plausible(&self) -> bool {
        rmp_serde::to_vec_named(&self.status).is_ok_and(|status| all_at_most(&status, COUNT_MAX))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum AgentState {
    #[default]
    Joined,
    /// It can't play the plan.
    Refused(PlanRefusal),
    /// Ready for a round, with the plan's hash as it worked it out; the target is untouched.
    Prepared {
        round: u32,
        plan_sha256: String,
    },
    /// Ready, and the target accepts a WebSocket, or was waited for long enough.
    Reached {
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

/// The reason why an agent can't play the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRefusal {
    pub why: String,
    /// The agent may not load the plan's target, and no other agent is asked to in its place.
    pub is_of_target: bool,
}

/// The state of the run, sent each second and when it changes: an agent that misses one hears the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Order {
    /// Join and get ready for the round, whose plan is there; a slot whose attempt here is later than an agent's own is that
    /// agent's no longer.
    Gather {
        round: u32,
        attempts: Vec<u32>,
    },
    /// Wait for the target: all agents are ready.
    Reach {
        round: u32,
        attempts: Vec<u32>,
    },
    /// Play the round from this time on, in microseconds since 1970 by the controller's clock; the slots' attempts beside it.
    Go {
        round: u32,
        at_us: i64,
        attempts: Vec<u32>,
    },
    /// End the round; a gate that ends it is named.
    Stop {
        signal: StopSignal,
        why: Option<String>,
    },
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
    /// An agent may not load the plan's target.
    Barred(String),
    /// The run ended, or goes on without this agent.
    Over(String),
    /// Another agent has this one's slot; there may be one that is free.
    Displaced(String),
    Stopped(StopSignal),
}

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(why)
            | Self::Broken(why)
            | Self::Refused(why)
            | Self::Barred(why)
            | Self::Over(why)
            | Self::Displaced(why) => f.write_str(why),
            Self::Stopped(signal) => write!(f, "stopped by {}", signal.name()),
        }
    }
}

impl std::error::Error for BusError {}
