//! A run whose target is known (a URL, or a server in memory): plays it, and makes its `Summary`.

use super::super::context::{RunContext, kinds_of};
use super::super::outcome::{FinishedRun, StartError, Stop};
use super::super::report::attribution;
use super::super::report::conclude::{PlayedShare, RunConclusion, conclude};
use super::super::report::event_log::{EventLog, Formatter, Writer};
use super::super::report::progress::Show;
use super::super::signals::StopSignals;
use super::super::target::endpoint::Endpoints;
use super::super::worker::WorkerResult;
use super::super::worker::status::WorkerStatuses;
use super::gate_watch::GateWatch;
use super::metrics_publisher::MetricsPublisher;
use super::status::StatusFeed;
use super::supervisor::Supervisor;
use super::target_process::TargetRecorder;
use crate::dialect::Dialect;
use crate::engine::Gathering;
use crate::gates::Gate;
use crate::metrics::{RoomDetail, RunFacts, RunFigures};
use crate::os::machine;
use crate::plan::{Plan, Share, ShareOf};
use crate::report::SnapshotScope;
use crate::summary::{Build, Events};
use crate::telemetry::MetricsFeed;
use crate::vocabulary::{Naming, Redactor};
use rand::Rng;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time from the workers' start to the first arrival, in which they make runtimes and certificates.
pub(super) const LEAD: Duration = Duration::from_millis(100);

/// Bytes of random payload besides the largest message, so that payloads of that size differ too.
const POOL_BYTES: usize = 64 * 1024;

/// Edges up to which a view of the run is told the state of each, and not only how many of a room are open.
const EDGES_SHOWN_MAX: u64 = 4_096;

/// Data that a run keeps besides its figures.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    /// The most traces to keep, of edges that failed or were slow.
    pub traces: usize,
    /// Size limit of the file of all events, in bytes, before the last batch; `None` writes no file.
    pub events_bytes_max: Option<u64>,
}

/// A run without open questions: target and servers are resolved.
pub(super) struct PreparedRun {
    pub plan: Plan,
    pub run_id: String,
    pub dialect: Dialect,
    pub redactor: Redactor,
    /// Those of each scenario; none passes signaling in memory.
    pub endpoints: Vec<Endpoints>,
    /// Watches the target's processes, if they are on this machine.
    pub target_process: Option<TargetRecorder>,
    pub gathering: Gathering,
    /// The target as reports show it.
    pub target: String,
    pub workers: usize,
    pub share: ShareOf,
    pub start_at: Option<SystemTime>,
    pub show: Show,
    pub status: Option<StatusFeed>,
    pub metrics: Option<MetricsFeed>,
    /// Judged while the run goes on.
    pub gates: Vec<Gate>,
    pub keep: Capture,
    /// The `meshload probe` command that examines the same target.
    pub probe: String,
}

/// Plays a run from the first arrival until all peers have left. With `stopped_early` no peer arrives: the run ended
/// while it waited for its target.
///
/// # Errors
/// The system has no thread for a worker or the event log, or the event log is lost.
pub(super) async fn play(
    run: PreparedRun,
    signals: &mut StopSignals,
    stopped_early: Option<Stop>,
) -> Result<FinishedRun, StartError> {
    let gates = run.gates.clone();
    let gate_watch = GateWatch::new(run.gates, run.show != Show::Nothing);
    let share = run.plan.share(run.share.index as usize, run.share.of as usize);
    let workers = run.workers.clamp(1, share.rooms.len().max(1));
    let (start, started_at) = starts(run.start_at);
    let writer = run
        .keep
        .events_bytes_max
        .map(|bytes_max| writer(&run.plan, &run.run_id, &run.dialect, start, bytes_max))
        .transpose()?;
    let common = Arc::new(RunContext {
        endpoints: run.endpoints,
        gathering: run.gathering,
        dialect: run.dialect.clone(),
        redactor: Arc::new(run.redactor),
        naming: Naming::new(run.run_id.clone(), run.plan.peers() as u32),
        start,
        start_unix_ms: started_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64,
        pool: pool(&run.plan),
        statuses: WorkerStatuses::new(workers),
        watched: gate_watch.watched().or_else(|| run.status.as_ref().and_then(StatusFeed::watched)),
        rooms_shown: rooms_shown(&share, run.metrics.as_ref()),
        sample: attribution::sample(&run.plan, run.keep.traces),
        events: writer.as_ref().map(Writer::sink),
        out_of_memory: false.into(),
        share,
        plan: run.plan,
    });
    let planned = planned_facts(&common, run.target);
    let mut supervisor = Supervisor::start(common.clone(), workers, run.show, gate_watch, started_at)?;
    supervisor.target_process = run.target_process;
    let scope = scope(run.share, run.status.as_ref());
    let shown = RunFacts { started_at, ..planned.clone() };
    supervisor.metrics = run.metrics.map(|feed| MetricsPublisher::new(feed, shown, gates.clone(), scope));
    supervisor.status = run.status;
    let stop = match stopped_early {
        Some(stop) => Some(stop),
        None => supervisor.until_the_end(signals).await,
    };
    let (results, health) = supervisor.result().await;
    let ended = Instant::now();
    let target_process = supervisor.target_process.take();

    let complete = results.len() == workers;
    let panics = results.iter().map(|result| result.panics).sum();
    let interrupted = matches!(stop, Some(Stop::Signal(_)));
    let figures = merged(results, interrupted);
    let facts = RunFacts {
        started_at,
        duration: ended.saturating_duration_since(start),
        interrupted,
        complete,
        stopped_by: stop.map(|stop| supervisor.stopped_by(stop)),
        phases: supervisor.phases(ended),
        ..planned
    };
    let played = PlayedShare {
        facts,
        figures,
        health,
        target_process: target_process.map(|process| process.finish(ended.saturating_duration_since(start))),
    };
    let conclusion =
        RunConclusion { dialect: &common.dialect, gates: &gates, traces: run.keep.traces, probe: &run.probe };
    let mut summary = conclude(&conclusion, &played, start, |_| {});
    let event_log = writer.map(Writer::finish).transpose()?;
    summary.events = event_log.as_ref().map(events);
    let events = event_log.map(|event_log| event_log.bytes);
    Ok(FinishedRun { summary, stop, played, probe: run.probe, panics, events })
}

/// Time zero of the run, by both clocks: soon, or at a time that all shares of the run have in common.
fn starts(at: Option<SystemTime>) -> (Instant, SystemTime) {
    let (now, wall) = (Instant::now(), SystemTime::now());
    let wait = at.map_or(LEAD, |at| at.duration_since(wall).unwrap_or_default().max(LEAD));
    (now + wait, wall + wait)
}

/// The facts that are known before the run.
fn planned_facts(common: &RunContext, target: String) -> RunFacts {
    RunFacts {
        build: Build { version: env!("CARGO_PKG_VERSION").to_owned(), git: env!("MESHLOAD_GIT").to_owned() },
        name: common.plan.profile.name.clone(),
        id: common.naming.prefix().to_owned(),
        seed: common.plan.seed.0,
        started_at: UNIX_EPOCH,
        duration: Duration::ZERO,
        plan_sha256: common.plan.sha256(common.dialect.file_text()),
        dialect: common.dialect.name().to_owned(),
        engine: common.plan.profile.engine.kind,
        target,
        way: common.way(),
        interrupted: false,
        complete: true,
        stopped_by: None,
        machine: machine(),
        phases: vec![],
        kinds: kinds_of(&common.dialect),
        thresholds: common.plan.profile.validity.thresholds,
        traced: !common.endpoints.is_empty() && common.plan.profile.target.traceparent,
        tags: common.plan.profile.tags.clone(),
        scenarios: common.plan.profile.scenario_names(),
    }
}

/// The part of the run that this process shows; a process with a watcher plays a share, if all of the run.
fn scope(share: ShareOf, watcher: Option<&StatusFeed>) -> SnapshotScope {
    let is_share = share != ShareOf::WHOLE || watcher.is_some();
    if is_share { SnapshotScope::Slot(share.index) } else { SnapshotScope::Run }
}

/// The state of the rooms that a view of the run can show: of each edge while there are few.
fn rooms_shown(share: &Share, metrics: Option<&MetricsFeed>) -> RoomDetail {
    match metrics {
        Some(feed) if feed.wants_rooms() && share.edges() <= EDGES_SHOWN_MAX => RoomDetail::Edges,
        Some(feed) if feed.wants_rooms() => RoomDetail::Counts,
        _ => RoomDetail::Nothing,
    }
}

fn events(EventLog { written, cut, refused, .. }: &EventLog) -> Events {
    Events { written: *written, cut: *cut, refused: *refused }
}

/// Starts the thread that writes `--events`.
fn writer(plan: &Plan, run_id: &str, dialect: &Dialect, start: Instant, bytes_max: u64) -> io::Result<Writer> {
    let kinds = kinds_of(dialect);
    let rooms = plan.rooms.iter().map(|room| (room.index.0, format!("{run_id}-{}", room.id))).collect();
    Writer::start(Formatter { start, kinds, rooms }, bytes_max)
}

/// Settles the workers' recorders, and adds them up.
fn merged(results: Vec<WorkerResult>, interrupted: bool) -> RunFigures {
    let mut figures = RunFigures::none();
    for result in results {
        figures.merge(result.recorder.into_figures(interrupted));
    }
    figures
}

fn pool(plan: &Plan) -> Arc<[u8]> {
    let largest = plan.profile.scenarios.iter().map(|scenario| scenario.messages.bytes_max).max().unwrap_or(0);
    let mut pool = vec![0; POOL_BYTES + largest as usize];
    plan.seed.stream("payload", 0).fill_bytes(&mut pool);
    pool.into()
}
