//! The load of the generator itself during a run.

use crate::summary::distribution::Distribution;
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
