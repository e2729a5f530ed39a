//! Publishes the figures of a run in progress when a reader of them asks: for a scrape, an OTLP export, a view of the run.

use super::super::worker::status::WorkerStatuses;
use crate::gates::{Gate, judge};
use crate::metrics::{HealthFigures, LiveMetrics, RunFacts, summarize_live};
use crate::report::{MetricsSamples, MetricsSnapshot, SnapshotScope};
use crate::summary::{PhaseSpan, SparseHistogram};
use crate::telemetry::MetricsFeed;
use std::time::{Duration, Instant};

/// The most time that workers have to answer; the others' figures are published with the late one's before.
const ANSWER_MAX: Duration = Duration::from_millis(300);

pub(super) struct MetricsPublisher {
    feed: MetricsFeed,
    /// As they were before the run.
    facts: RunFacts,
    gates: Vec<Gate>,
    scope: SnapshotScope,
    /// The time at which the workers were asked, until they have answered.
    asked_at: Option<Instant>,
    /// A run is shown from its start, also to a reader that asked during the one before.
    has_begun: bool,
}

impl MetricsPublisher {
    pub(super) fn new(feed: MetricsFeed, facts: RunFacts, gates: Vec<Gate>, scope: SnapshotScope) -> Self {
        Self { feed, facts, gates, scope, asked_at: None, has_begun: false }
    }

    /// Asks the workers for their figures if a reader wants them. Returns them once, when all have answered.
    pub(super) fn step(&mut self, now: Instant, statuses: &WorkerStatuses) -> Option<LiveMetrics> {
        if self.asked_at.is_none() && (self.feed.take_asked() || !self.has_begun) {
            statuses.ask();
            (self.asked_at, self.has_begun) = (Some(now), true);
        }
        let is_late = now.saturating_duration_since(self.asked_at?) > ANSWER_MAX;
        if !is_late && !statuses.have_answered() {
            return None;
        }
        self.asked_at = None;
        statuses.answers()
    }

    /// Publishes the run as it is `elapsed` after its start.
    pub(super) fn publish(
        &self,
        live: &LiveMetrics,
        health: &HealthFigures,
        phases: Vec<PhaseSpan>,
        elapsed: Duration,
    ) {
        let facts = RunFacts { duration: elapsed, phases, ..self.facts.clone() };
        let mut summary = summarize_live(live, health, facts);
        summary.gates = judge(&self.gates, live);
        let kinds = &self.facts.kinds;
        // From zero on, for the same reason as the timers.
        for kind in kinds {
            summary.counts.signaling.by_type.entry(kind.clone()).or_default();
        }
        let scenarios = live.scenarios().iter();
        let samples = MetricsSamples {
            timers: live.whole().timers(kinds),
            scenarios: scenarios.map(|(name, figures)| (name.clone(), figures.timers(kinds))).collect(),
            lag: SparseHistogram::of(health.lag()),
            ..MetricsSamples::default()
        };
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
