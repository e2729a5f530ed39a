//! Publishes the figures of a run in progress, for a scrape endpoint and an OTLP exporter.

use super::super::worker::status::WorkerStatuses;
use crate::metrics::{HealthFigures, RunFacts, summarize_live};
use crate::report::{MetricsSamples, MetricsSnapshot, SnapshotScope};
use crate::summary::{GateResult, PhaseSpan, SparseHistogram};
use crate::telemetry::MetricsFeed;
use std::time::Duration;

pub(super) struct MetricsPublisher {
    feed: MetricsFeed,
    /// As they were before the run.
    facts: RunFacts,
    scope: SnapshotScope,
}

impl MetricsPublisher {
    pub(super) fn new(feed: MetricsFeed, facts: RunFacts, scope: SnapshotScope) -> Self {
        Self { feed, facts, scope }
    }

    /// Publishes the run as it is `elapsed` after its start; nothing until a worker has published its timers.
    pub(super) fn publish(
        &self,
        statuses: &WorkerStatuses,
        health: &HealthFigures,
        gates: &[GateResult],
        phases: Vec<PhaseSpan>,
        elapsed: Duration,
    ) {
        let Some(live) = statuses.live() else { return };
        let facts = RunFacts { duration: elapsed, phases, ..self.facts.clone() };
        let mut summary = summarize_live(&live, health, facts);
        summary.gates = gates.to_vec();
        let samples =
            MetricsSamples { timers: live.timers(), lag: SparseHistogram::of(health.lag()), ..Default::default() };
        self.feed.publish(MetricsSnapshot {
            summary,
            samples,
            tally: live.tally(),
            rooms: live.rooms(),
            scope: self.scope,
            has_ended: false,
        });
    }
}
