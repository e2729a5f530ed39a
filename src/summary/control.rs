//! The control run, without a network server: the least time that each figure can take on this machine.

use crate::summary::distribution::Timer;
use crate::summary::verdict::Verdict;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The result of the same plan, shortened, with signaling passed in memory and the engine of the profile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    pub peers: u64,
    pub edges: u64,
    pub opened: u64,
    pub duration_us: u64,
    /// The validity of the control run itself.
    pub verdict: Verdict,
    /// Timers by the names that the run uses.
    pub timers: BTreeMap<String, Timer>,
}
