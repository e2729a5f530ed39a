//! Builds the Summary from the recorder, the generator's health and the controller's facts.

use crate::metrics::fold::guests::GuestCounts;
use crate::metrics::fold::series;
use crate::metrics::fold::time_buckets::TimeRows;
use crate::metrics::fold::timers::TimerId;
use crate::metrics::fold::totals::Totals;
use crate::metrics::health::HealthFigures;
use crate::metrics::offered::offered_load;
use crate::metrics::output::live::{LiveFigures, LiveMetrics};
use crate::metrics::output::run_figures::RunFigures;
use crate::metrics::output::run_wide::RunWideFigures;
use crate::metrics::tally::Tally;
use crate::metrics::validity::{Strain, judge};
use crate::profile::Thresholds;
use crate::summary::{
    Build, Clock, Counts, Histogram, Machine, OfferedLoad, Outcome, PhaseSpan, Rates, Readings, Run, SCHEMA,
    ScenarioFigures, Summary, TargetRoute, Validity, wall_time::to_rfc3339,
};
use crate::vocabulary::{EngineKind, format::micros};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// The facts of a run that only the controller knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunFacts {
    pub build: Build,
    pub name: String,
    pub id: String,
    pub seed: u64,
    pub started_at: SystemTime,
    /// Measured on the monotonic clock.
    pub duration: Duration,
    pub plan_sha256: String,
    pub dialect: String,
    pub engine: EngineKind,
    /// Without any secret.
    pub target: String,
    pub way: TargetRoute,
    pub interrupted: bool,
    /// No worker and no interval of its data was lost.
    pub complete: bool,
    /// A signal, a gate or the failure brake, if one ended the run.
    pub stopped_by: Option<String>,
    pub machine: Machine,
    pub phases: Vec<PhaseSpan>,
    /// The dialect's message types, in the order of their `Kind`.
    pub kinds: Vec<String>,
    pub thresholds: Thresholds,
    /// The peers' requests carry a `traceparent` of their own.
    pub traced: bool,
    /// The user's own words about the run.
    pub tags: BTreeMap<String, String>,
    /// The names by which the figures are split, in the order of the plan; empty without `[[scenarios]]`.
    pub scenarios: Vec<String>,
}

/// The summary of a run without its outcome: `commands` judges the gates on it and then sets
/// `gates`, `result` and `exit_code`, which say `error` until then.
pub fn summarize(figures: &RunFigures, health: &HealthFigures, facts: RunFacts) -> Summary {
    let (validity, offered) = doubts(figures, health, &facts.thresholds);
    let measured = Summary {
        validity,
        offered,
        health: health.summary(&figures.run_wide),
        series: series::rows(figures.whole_series(), health.generator.clone()),
        ..of_figures(figures, &facts.kinds, &facts.scenarios)
    };
    described(measured, facts)
}

/// The summary of a run in progress: without timers, series and all that is concluded at the end. Its validity is that of
/// the generator's strain so far.
pub fn summarize_live(live: &LiveMetrics, health: &HealthFigures, facts: RunFacts) -> Summary {
    let tally = live.tally;
    let strain = Strain {
        time_to_open_p50_us: live
            .whole()
            .samples("time_to_open", Clock::Due)
            .map_or(0, |samples| samples.quantile_us(0.5)),
        exhausted: live.failures.generator_limits().map(|(count, detail)| (count, detail.to_owned())),
        ..strain_of_tally(&tally, health)
    };
    let of_scenario =
        |(name, live): &(String, LiveFigures)| (name.clone(), of_counts(live.counts().clone(), rates_so_far(live)));
    let measured = Summary {
        schema: SCHEMA,
        validity: judge(&strain, &facts.thresholds),
        health: health.summary(&RunWideFigures { tally, ..RunWideFigures::default() }),
        rates: rates_so_far(live.whole()),
        scenarios: live.scenarios().iter().map(of_scenario).collect(),
        amplification: live.counts().signaling.amplification(),
        signaling_bytes_per_edge: live.counts().signaling_bytes_per_edge(),
        counts: live.counts().clone(),
        failures: live.failures.rows(|room| room.to_string()),
        ..Summary::default()
    };
    described(measured, facts)
}

/// The figures of one scenario that follow from its counts.
fn of_counts(counts: Counts, rates: Rates) -> ScenarioFigures {
    ScenarioFigures {
        rates,
        amplification: counts.signaling.amplification(),
        signaling_bytes_per_edge: counts.signaling_bytes_per_edge(),
        counts,
        ..ScenarioFigures::default()
    }
}

fn rates_so_far(live: &LiveFigures) -> Rates {
    let rate = |name| live.rate(name).map(|(rate, _)| rate);
    Rates {
        edges_failed: rate("edges_failed"),
        peers_failed: rate("peers_failed"),
        messages_lost: rate("messages_lost"),
        mesh_complete: rate("mesh_complete"),
    }
}

/// The measured summary with the run's facts. The controller adds the target's process, diagnosis, findings and traces.
fn described(measured: Summary, facts: RunFacts) -> Summary {
    Summary {
        meshload: facts.build,
        tags: facts.tags,
        phases: facts.phases,
        run: Run {
            name: facts.name,
            id: facts.id,
            seed: facts.seed,
            started_at: to_rfc3339(facts.started_at),
            duration_us: micros(facts.duration),
            plan_sha256: facts.plan_sha256,
            dialect: facts.dialect,
            engine: facts.engine.name().into(),
            target: facts.target,
            way: Some(facts.way).filter(|way| *way != TargetRoute::default()),
            interrupted: facts.interrupted,
            complete: facts.complete,
            stopped_by: facts.stopped_by,
            // The caller adds the profile.
            profile: None,
            machine: facts.machine,
        },
        ..measured
    }
}

/// The summary of figures alone, without the generator's health and the run's circumstances. `kinds`: the dialect's message
/// types, in the order of their `Kind`; `scenarios`: the names by which the figures are split, in the order of the plan.
pub fn of_figures(figures: &RunFigures, kinds: &[String], scenarios: &[String]) -> Summary {
    let [totals, warmup_totals] = [0, 1].map(|half| figures.half(half, kinds.len()));
    let counts = counts_of(&totals, &figures.guests_of_half(0), kinds);
    let warmup = counts_of(&warmup_totals, &figures.guests_of_half(1), kinds);
    let label = |room| figures.label(room);
    Summary {
        schema: SCHEMA,
        result: Outcome::default(),
        exit_code: 1,
        rates: rates_of(&counts),
        amplification: counts.signaling.amplification(),
        signaling_bytes_per_edge: counts.signaling_bytes_per_edge(),
        counts,
        scenarios: of_scenarios(figures, kinds, scenarios),
        counts_warmup: (warmup.rooms.planned > 0).then_some(warmup),
        timers: totals.timers.distributions(kinds),
        timers_warmup: warmup_totals.timers.distributions(kinds),
        shares: totals.shares(),
        mean_edge: totals.mean_edge(),
        mean_edge_own: totals.mean_edge_own(),
        failures: totals.failures.rows(label),
        slowest: totals.slowest.rows(label),
        outages: figures.run_wide.outages.rows(),
        worst_rooms: figures.worst_rooms.iter().map(|room| room.mesh.clone()).collect(),
        unmatched: figures.run_wide.frame_notes.rows(),
        ..Summary::default()
    }
}

/// The doubts about the figures of a run, or of one share alone: an agent's strain concerns its rooms, and must not hide
/// among others'.
pub fn doubts(figures: &RunFigures, health: &HealthFigures, thresholds: &Thresholds) -> (Validity, OfferedLoad) {
    let strain = strain_of(figures, health);
    let offered = offered_load(&strain, &figures.whole_series(), &figures.run_wide.handling, thresholds);
    (judge(&strain, thresholds), offered)
}

fn counts_of(totals: &Totals, guests: &GuestCounts, kinds: &[String]) -> Counts {
    Counts { guest_edges: guests.by_name(), ..totals.counts(kinds) }
}

/// The figures of each scenario's measured rooms, by name.
fn of_scenarios(figures: &RunFigures, kinds: &[String], names: &[String]) -> BTreeMap<String, ScenarioFigures> {
    let of = |(index, name): (usize, &String)| {
        let totals = figures.totals.get(2 * index).cloned().unwrap_or_else(|| Totals::new(kinds.len()));
        let guests = figures.guests.get(2 * index).copied().unwrap_or_default();
        let counts = counts_of(&totals, &guests, kinds);
        let series = figures.series.get(index).cloned().unwrap_or_default();
        let rates = rates_of(&counts);
        let figures = ScenarioFigures {
            timers: totals.timers.distributions(kinds),
            shares: totals.shares(),
            mean_edge: totals.mean_edge(),
            failures: totals.failures.rows(|room| figures.label(room)),
            series: series::rows(series, TimeRows::default()),
            ..of_counts(counts, rates)
        };
        (name.clone(), figures)
    };
    names.iter().enumerate().map(of).collect()
}

fn rates_of(counts: &Counts) -> Rates {
    let share = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64);
    let (peers, edges, messages) = (&counts.peers, &counts.edges, &counts.messages);
    let (peers_planned, edges_planned) = (peers.planned + peers.rejoins, edges.planned + edges.rejoins);
    Rates {
        edges_failed: share(edges.failed + edges.dropped, edges_planned),
        peers_failed: share(peers.failed + peers.dropped, peers_planned),
        messages_lost: share(messages.lost, messages.sent),
        mesh_complete: share(edges.opened, edges_planned),
    }
}

fn strain_of(figures: &RunFigures, health: &HealthFigures) -> Strain {
    let tally = figures.run_wide.tally;
    let mut to_open = Histogram::default();
    figures.totals.iter().for_each(|totals| to_open.merge(totals.timers.of(TimerId::TimeToOpen)));
    let own = figures.totals.iter().filter_map(|totals| totals.failures.generator_limits());
    let exhausted = own.map(|(count, detail)| (count, detail.to_owned())).reduce(|a, b| (a.0 + b.0, a.1));
    Strain { time_to_open_p50_us: to_open.quantile_us(0.5), exhausted, ..strain_of_tally(&tally, health) }
}

fn strain_of_tally(tally: &Tally, health: &HealthFigures) -> Strain {
    Strain {
        peers_planned: tally.peers_planned,
        peers_dropped: tally.peers_dropped,
        messages_due: tally.messages_sent + tally.messages_dropped,
        messages_dropped: tally.messages_dropped,
        ..health.strain()
    }
}
