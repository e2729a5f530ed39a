//! What a run takes when nobody is in the way: the floor beside each figure.

use crate::summary::distribution::Timer;
use crate::summary::verdict::Verdict;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The same plan, shortened, with signaling passed in memory and the engine as profiled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    pub peers: u64,
    pub edges: u64,
    pub opened: u64,
    pub duration_us: u64,
    /// Of the control run itself.
    pub verdict: Verdict,
    /// Named as those of the run.
    pub timers: BTreeMap<String, Timer>,
}
