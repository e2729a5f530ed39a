//! Builds the Summary from the recorder, the generator's health and the controller's facts.

use crate::metrics::fold::series;
use crate::metrics::fold::timers::TimerId;
use crate::metrics::health::HealthRecorder;
use crate::metrics::offered::offered_load;
use crate::metrics::output::meshes;
use crate::metrics::record::recorder::Recorder;
use crate::metrics::validity::{Strain, judge};
use crate::profile::Thresholds;
use crate::summary::{
    Build, Counts, Health, Machine, Messages, Outcome, PhaseSpan, Rates, Run, SCHEMA, Summary, TargetRoute,
    wall_time::to_rfc3339,
};
use crate::vocabulary::{EngineKind, format::micros};
use std::time::{Duration, SystemTime};

/// The facts of a run that only the controller knows.
#[derive(Clone, Debug)]
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
}

/// The summary of a run without its outcome: `commands` judges the gates on it and then sets
/// `gates`, `result` and `exit_code`, which say `error` until then.
pub fn summarize(recorder: &Recorder, health: &HealthRecorder, facts: RunFacts) -> Summary {
    let [measured, warmup] = [0, 1].map(|half| counts_of(recorder, half, &facts));
    let totals = &recorder.all_totals[0];
    let label = |room| recorder.label(room);
    let timers = totals.timers.distributions(&facts.kinds);
    let counts = measured;
    let strain = strain_of(recorder, health);
    Summary {
        schema: SCHEMA,
        result: Outcome::default(),
        exit_code: 1,
        rates: rates_of(&counts),
        amplification: counts.signaling.amplification(),
        signaling_bytes_per_edge: counts.signaling_bytes_per_edge(),
        counts,
        counts_warmup: recorder.rooms.iter().any(|room| room.warmup).then_some(warmup),
        timers,
        timers_warmup: recorder.all_totals[1].timers.distributions(&facts.kinds),
        shares: totals.shares(),
        mean_edge: totals.mean_edge(),
        mean_edge_own: totals.mean_edge_own(),
        failures: totals.failures.rows(label),
        gates: vec![],
        validity: judge(&strain, &facts.thresholds),
        offered: offered_load(&strain, &recorder.series, &recorder.handling, &facts.thresholds),
        health: Health { arrival_clocks: recorder.arrival_clocks, ..health.summary(recorder.tally()) },
        series: series::rows(&recorder.series, health.generator()),
        slowest: totals.slowest.rows(label),
        outages: recorder.outages.rows(),
        control: None,
        worst_rooms: meshes::worst(recorder),
        // The controller adds the target's process, diagnosis, findings and traces.
        target_process: None,
        diagnosis: None,
        findings: vec![],
        unmatched: recorder.frame_notes.rows(),
        traces: vec![],
        events: None,
        meshload: facts.build,
        phases: facts.phases,
        run: Run {
            name: facts.name,
            id: facts.id,
            seed: facts.seed,
            started_at: to_rfc3339(facts.started_at),
            duration_us: micros(facts.duration),
            plan_sha256: facts.plan_sha256,
            dialect: facts.dialect,
            engine: engine_name(facts.engine).into(),
            target: facts.target,
            way: Some(facts.way).filter(|way| *way != TargetRoute::default()),
            interrupted: facts.interrupted,
            complete: facts.complete,
            stopped_by: facts.stopped_by,
            // The caller adds the profile.
            profile: None,
            machine: facts.machine,
        },
    }
}

/// The counts of one half, with the undecided edges and the messages still in their edges' delivery windows.
fn counts_of(recorder: &Recorder, half: usize, facts: &RunFacts) -> Counts {
    let mut counts = recorder.all_totals[half].counts(&facts.kinds);
    let mut messages = Messages::default();
    let ours = recorder.rooms.iter().filter(|room| usize::from(room.warmup) == half);
    for edge in ours.flat_map(|room| &recorder.edges[room.edges_at..room.edges_at + room.edges()]) {
        counts.edges.one_sided += u64::from(edge.is_undecided() && edge.is_one_sided());
        // An interrupted run closes its channels by plan, only sooner.
        let by_plan = edge.is_closed_by_plan() || facts.interrupted;
        for window in edge.windows {
            counts.edges.surprises += window.settle(by_plan, &mut messages);
        }
    }
    counts.messages += messages;
    counts.guest_edges = recorder.guests.counts_by_name(half);
    counts
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

fn strain_of(recorder: &Recorder, health: &HealthRecorder) -> Strain {
    let tally = recorder.tally();
    let mut to_open = recorder.all_totals[0].timers.of(TimerId::TimeToOpen).clone();
    to_open.merge(recorder.all_totals[1].timers.of(TimerId::TimeToOpen));
    let own = recorder.all_totals.iter().filter_map(|totals| totals.failures.generator_limits());
    let exhausted = own.map(|(count, detail)| (count, detail.to_owned())).reduce(|a, b| (a.0 + b.0, a.1));
    Strain {
        time_to_open_p50_us: to_open.quantile_us(0.5),
        peers_planned: tally.peers_planned,
        peers_dropped: tally.peers_dropped,
        messages_due: tally.messages_sent + tally.messages_dropped,
        messages_dropped: tally.messages_dropped,
        exhausted,
        ..health.strain()
    }
}

fn engine_name(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::Lean => "lean",
        EngineKind::Webrtc => "webrtc",
        EngineKind::None => "none",
    }
}
