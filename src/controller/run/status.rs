//! The state of a run, for another process that watches it.

use super::phases::RunPhase;
use crate::metrics::Tally;
use crate::summary::Histogram;
use serde::{Deserialize, Serialize};

/// A run as it stands, renewed each second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunStatus {
    pub phase: String,
    pub peers_joined: u64,
    pub edges_opened: u64,
    pub edges_failed: u64,
    /// The lag of the timers in the last second at the 99th percentile, on the worker that lagged most, in microseconds.
    pub lag_p99_us: u64,
}

impl RunStatus {
    pub(super) fn new(phase: RunPhase, tally: &Tally, lags: &[Histogram]) -> Self {
        let lag = lags.iter().filter(|lag| !lag.is_empty()).map(|lag| lag.quantile_us(0.99)).max();
        Self {
            phase: phase.name().to_owned(),
            peers_joined: tally.peers_joined,
            edges_opened: tally.edges_opened,
            edges_failed: tally.edges_failed,
            lag_p99_us: lag.unwrap_or(0),
        }
    }
}
