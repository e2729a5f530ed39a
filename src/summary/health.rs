//! How the generator itself fared.

use crate::summary::distribution::Distribution;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// How late a timer of ours fired, over all workers.
    pub lag_us: Distribution,
    /// Cores that the process used, on average.
    pub cpu_cores: f64,
    pub rss_bytes_max: u64,
    pub fds_max: u64,
    /// Peers that were started noticeably after they were due.
    pub late: u64,
    /// Peers that were never started.
    pub dropped: u64,
    /// CPU time of the process for each edge that opened.
    pub us_per_edge: u64,
    /// The share of the run in which the cores granted were nearly used up, from 0 to 1.
    #[serde(default)]
    pub busy_share: f64,
    /// The share of the run spent runnable and waiting for a CPU, from 0 to 1.
    #[serde(default)]
    pub waiting_share: f64,
    /// The most peers of one worker that were due at once and had not begun.
    #[serde(default)]
    pub arrivals_waiting_max: u64,
    /// The most signaling frames of one peer that were not on the wire yet.
    #[serde(default)]
    pub frames_waiting_max: u64,
}
