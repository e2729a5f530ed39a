//! Judges gates while the run goes on, on the latest copies of the workers' timers.

use super::super::worker::LIVE_EVERY;
use super::super::worker::status::WorkerStatuses;
use crate::gates::{Gate, LiveStatus, judge, live_status, timers, tripped};
use crate::summary::{Clock, GateResult};
use std::time::{Duration, Instant};

/// Judges the gates once a `LIVE_EVERY`, and keeps the last result.
pub(super) struct GateWatch {
    gates: Vec<Gate>,
    checked_at: Option<Instant>,
    /// Those of the last check, in the gates' order.
    results: Vec<GateResult>,
}

impl GateWatch {
    /// `is_shown`: progress shows the gates. Without, only gates marked `abort` are watched.
    pub(super) fn new(gates: Vec<Gate>, is_shown: bool) -> Self {
        let gates = gates.into_iter().filter(|gate| is_shown || gate.abort).collect();
        Self { gates, checked_at: None, results: vec![] }
    }

    /// The timers that workers must copy; `None` if no gate is watched.
    pub(super) fn watched(&self) -> Option<Vec<(String, Clock)>> {
        (!self.gates.is_empty()).then(|| timers(&self.gates))
    }

    /// Judges the gates if it is time to. Returns the gate that ends a run of age `elapsed`, if one does.
    pub(super) fn check(&mut self, now: Instant, elapsed: Duration, statuses: &WorkerStatuses) -> Option<GateResult> {
        let is_early = self.checked_at.is_some_and(|at| now.saturating_duration_since(at) < LIVE_EVERY);
        if self.gates.is_empty() || is_early {
            return None;
        }
        let live = statuses.live()?;
        self.checked_at = Some(now);
        self.results = judge(&self.gates, &live);
        tripped(&self.gates, elapsed, &self.results).cloned()
    }

    /// The gates' status at the last check; `None` before the first.
    pub(super) fn live_status(&self) -> Option<LiveStatus> {
        (!self.results.is_empty()).then(|| live_status(&self.gates, &self.results))
    }
}
