//! The state of a run, for another process that watches it.

use super::super::worker::status::WorkerStatuses;
use super::phases::RunPhase;
use crate::gates::{Gate, timers};
use crate::metrics::{LiveMetrics, Tally};
use crate::summary::{Clock, Histogram};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// A run as it stands, renewed each second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunStatus {
    pub phase: String,
    pub peers_joined: u64,
    pub edges_opened: u64,
    pub edges_failed: u64,
    /// The lag of the timers in the last second at the 99th percentile, on the worker that lagged most, in microseconds.
    pub lag_p99_us: u64,
    /// All that the watcher's gates read, from the start of the run on; `None` without such gates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveMetrics>,
}

/// The way to a process that watches a run, and judges gates on it.
#[derive(Clone, Debug)]
pub struct StatusFeed {
    pub sender: watch::Sender<RunStatus>,
    /// The run tells the figures that they read, and judges none of them.
    pub gates: Vec<Gate>,
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
            live: None,
        }
    }
}

impl StatusFeed {
    /// The timers that workers must copy; `None` if no gate is judged.
    pub(super) fn watched(&self) -> Option<Vec<(String, Clock)>> {
        (!self.gates.is_empty()).then(|| timers(&self.gates))
    }

    pub(super) fn send(&self, status: RunStatus, statuses: &WorkerStatuses) {
        let live = if self.gates.is_empty() { None } else { statuses.live() };
        self.sender.send_replace(RunStatus { live, ..status });
    }
}
