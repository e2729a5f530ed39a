//! The run that a part belongs to: all that a merge needs besides figures.

use super::bus::ClockOffset;
use crate::controller::Stop;
use crate::gates::Gate;
use crate::plan::{Plan, ShareOf};
use crate::profile::ValiditySettings;
use serde::{Deserialize, Serialize};

/// The run that a part belongs to, and the machine that measured it. Holds no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PartContext {
    pub share: ShareOf,
    /// The whole plan's work, by which the merge tells what is missing.
    pub planned: PlannedWork,
    /// The name of the machine, as the kernel has it.
    pub host: String,
    /// Its clock less the controller's; `None` without a bus.
    pub clock: Option<ClockOffset>,
    pub gates: Vec<Gate>,
    pub validity: ValiditySettings,
    /// The profile as run, in TOML; `${TOKEN}` stays as written.
    pub profile: String,
    /// The text of a dialect's file; absent for a built-in, which its name identifies.
    pub dialect_text: Option<String>,
    /// The most traces to show.
    pub traces: usize,
    /// The `meshload probe` command that examines the same target.
    pub probe: String,
    pub stop: Option<Stop>,
    /// Peers whose code panicked.
    pub panics: u64,
}

/// Numbers of a plan's rooms, peers and edges, warm-up included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedWork {
    pub rooms: u64,
    pub peers: u64,
    pub edges: u64,
}

impl PlannedWork {
    pub fn of(plan: &Plan) -> Self {
        Self { rooms: plan.rooms.len() as u64, peers: plan.peers(), edges: plan.edges() }
    }
}
