//! Watches the gates while the run goes on, on what the workers last told.

use super::worker::LIVE_EVERY;
use super::worker_status::WorkerStatuses;
use crate::gates::{Gate, LiveStatus, live_status, timers, tripped};
use crate::summary::distribution::Clock;
use crate::summary::verdict::GateResult;
use std::time::{Duration, Instant};

/// Looks twice a second, and keeps what it saw.
pub struct GateWatch {
    gates: Vec<Gate>,
    looked_at: Option<Instant>,
    standing: Option<LiveStatus>,
}

impl GateWatch {
    /// `is_shown`: somebody looks at how gates stand; without, only those that can end the run are watched.
    pub fn new(gates: Vec<Gate>, is_shown: bool) -> Self {
        let gates = gates.into_iter().filter(|gate| is_shown || gate.abort).collect();
        Self { gates, looked_at: None, standing: None }
    }

    /// What workers are to copy for it; `None` if nothing is watched.
    pub fn watched(&self) -> Option<Vec<(String, Clock)>> {
        (!self.gates.is_empty()).then(|| timers(&self.gates))
    }

    /// The gate that ends a run which has lasted for `elapsed`, if one does.
    pub fn look(&mut self, now: Instant, elapsed: Duration, statuses: &WorkerStatuses) -> Option<GateResult> {
        let is_early = self.looked_at.is_some_and(|at| now.saturating_duration_since(at) < LIVE_EVERY);
        if self.gates.is_empty() || is_early {
            return None;
        }
        let live = statuses.live()?;
        self.looked_at = Some(now);
        self.standing = Some(live_status(&self.gates, &live));
        tripped(&self.gates, elapsed, &live)
    }

    /// As it was at the last look.
    pub fn standing(&self) -> Option<&LiveStatus> {
        self.standing.as_ref()
    }
}
