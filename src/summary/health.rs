//! The load of the generator itself during a run, and whether it offered the target what was planned.

use crate::summary::distribution::Distribution;
use crate::summary::verdict::Doubt;
use derive_more::AddAssign;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// The delay of a timer of the generator, over all workers.
    pub lag_us: Distribution,
    /// CPU cores that the process used, on average.
    pub cpu_cores: f64,
    pub rss_bytes_max: u64,
    pub fds_max: u64,
    /// Peers started late.
    pub late: u64,
    /// Peers never started, because the generator was too late.
    pub dropped: u64,
    /// CPU time of the process per opened edge, in microseconds.
    pub us_per_edge: u64,
    /// The share of the run in which nearly all granted CPU time was used, from 0 to 1.
    #[serde(default)]
    pub busy_share: f64,
    /// The share of the run in which a worker was runnable and waited for a CPU, from 0 to 1.
    #[serde(default)]
    pub waiting_share: f64,
    /// The most peers of one worker that were due and had not begun.
    #[serde(default)]
    pub arrivals_waiting_max: u64,
    /// The most signaling frames of one peer that waited for its socket.
    #[serde(default)]
    pub frames_waiting_max: u64,
}

/// The load as it was offered. A load that was not offered makes a pass doubtful: the target had it easier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OfferedLoad {
    /// True if nothing in `doubts` speaks against it.
    pub offered: bool,
    pub arrivals: Punctuality,
    pub messages: Punctuality,
    /// The second of the run in which the largest share of arrivals and messages began late; absent if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_second: Option<u64>,
    /// Frames, handshake datagrams and messages that were handled.
    pub handled: u64,
    /// The time from their arrival to their handling, at the 95th percentile.
    pub handled_p95_us: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
}

/// Things that were due, and those of them that began more than 10 ms later, or never.
#[derive(AddAssign, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Punctuality {
    pub due: u64,
    pub late: u64,
}

impl Punctuality {
    /// Counts one thing that began `late_us` after it was due.
    pub fn count(&mut self, late_us: u64) {
        self.due += 1;
        self.late += u64::from(late_us > LATE_US);
    }

    /// True if no more than `percent` began late; one that is late is no evidence.
    pub fn is_within(&self, percent: u64) -> bool {
        self.late <= (self.due * percent / 100).max(1)
    }
}

/// 1 % of a second.
const LATE_US: u64 = 10_000;
