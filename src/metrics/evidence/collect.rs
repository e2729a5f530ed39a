//! Collects the evidence of a whole run from its figures.

use crate::metrics::fold::totals::Totals;
use crate::metrics::output::run_figures::RunFigures;
use crate::summary::{DialectFacts, RunEvidence, TimedSecond};

impl RunFigures {
    /// The facts that findings rest on.
    pub fn evidence(&self, dialect: DialectFacts) -> RunEvidence {
        let (connections, losses, refusal) = self.run_wide.connections.rows();
        let received = (0..dialect.kinds.len()).map(|kind| {
            let sum = |of: fn(&Totals, usize) -> u64| self.totals.iter().map(|totals| of(totals, kind)).sum();
            (sum(|totals, kind| totals.traffic[kind].received), sum(|totals, kind| totals.concerned_by_kind[kind]))
        });
        RunEvidence {
            losses,
            connections,
            refusal,
            split_rooms: self.met.split.iter().map(|(_, groups)| groups.clone()).collect(),
            rooms: self.met.rooms,
            whole_room_max: self.met.whole_room_max,
            signals: self.run_wide.trace_check.signals.clone(),
            announcements: self.run_wide.trace_check.announcements.clone(),
            leaves: self.run_wide.leaves,
            seconds: self
                .whole_series()
                .iter()
                .map(|(second, _, row)| TimedSecond { second, frames: row.frames, timers: row.timers })
                .collect(),
            received: received.collect(),
            dialect,
        }
    }
}
