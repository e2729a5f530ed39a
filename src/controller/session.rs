//! A run that has its target, or signaling in memory: from the first arrival to its Summary.

use super::causes;
use super::chronicle::{Chronicle, Scribe, Words};
use super::context::RunContext;
use super::endpoint::Endpoints;
use super::machine::machine;
use super::outcome::{Done, Stop, Trouble};
use super::progress::Show;
use super::pulse::Pulses;
use super::signals::Signals;
use super::supervisor::WatchOver;
use super::umpire::Umpire;
use super::worker::Harvest;
use crate::dialect::Dialect;
use crate::engine::Gathering;
use crate::gates::Gate;
use crate::metrics::{Facts, Recorder, Thresholds, summarize};
use crate::plan::Plan;
use crate::summary::run::Build;
use crate::summary::trace::Events;
use crate::vocabulary::ids::Naming;
use rand::Rng;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// From the workers' start to the run's time zero: runtimes and certificates are made in it.
const LEAD: Duration = Duration::from_millis(100);

/// Bytes of the pool that payloads are cut from; more than a message of the largest size.
const POOL_BYTES: usize = 64 * 1024;

/// What is kept besides figures.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// Whole handshakes, of edges that failed or were slow.
    pub traces: usize,
    /// Every fact, in a file of at most so many bytes.
    pub events_bytes_max: Option<u64>,
}

/// What is played, and how.
pub(super) struct Session {
    pub plan: Plan,
    pub run_id: String,
    pub dialect: Dialect,
    /// None passes signaling in memory.
    pub endpoints: Option<Endpoints>,
    pub gathering: Gathering,
    /// As reports may show it.
    pub target: String,
    pub workers: usize,
    pub show: Show,
    pub thresholds: Thresholds,
    /// Watched while the run goes on.
    pub gates: Vec<Gate>,
    pub keep: Keep,
    /// The command that looks closer at what failed.
    pub probe: String,
}

/// From the first arrival to the last departure; `stopped_early` has been told before there was one.
pub(super) async fn play(
    session: Session,
    signals: &mut Signals,
    stopped_early: Option<Stop>,
) -> Result<Done, Trouble> {
    let Session { plan, run_id, dialect, endpoints, gathering, target, workers, show, thresholds, gates, keep, probe } =
        session;
    let umpire = Umpire::new(gates, show != Show::Nothing);
    let workers = workers.clamp(1, plan.rooms.len().max(1));
    let (start, started_at) = (Instant::now() + LEAD, SystemTime::now() + LEAD);
    let scribe =
        keep.events_bytes_max.map(|bytes_max| scribe(&plan, &run_id, &dialect, start, bytes_max)).transpose()?;
    let common = Arc::new(RunContext {
        endpoints,
        gathering,
        dialect,
        naming: Naming::new(run_id.clone(), plan.peers() as u32),
        start,
        start_unix_ms: started_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64,
        pool: pool(&plan),
        pulses: Pulses::new(workers),
        watched: umpire.watched(),
        sample: causes::sample(&plan, keep.traces),
        inbox: scribe.as_ref().map(Scribe::inbox),
        plan,
    });
    let way = common.endpoints.as_ref().map(Endpoints::way).unwrap_or_default();
    let mut watch_over = WatchOver::start(common.clone(), workers, show, umpire, started_at)?;
    let stop = match stopped_early {
        Some(stop) => Some(stop),
        None => watch_over.until_the_end(signals).await,
    };
    let (harvests, health) = watch_over.harvest().await;
    let ended = Instant::now();

    let complete = harvests.len() == workers;
    let panics = harvests.iter().map(|harvest| harvest.panics).sum();
    let kinds = common.dialect.kinds();
    let books = one_book(&common, harvests);
    let facts = Facts {
        build: Build { version: env!("CARGO_PKG_VERSION").to_owned(), git: env!("MESHLOAD_GIT").to_owned() },
        name: common.plan.profile.name.clone(),
        id: run_id,
        seed: common.plan.seed.0,
        started_at,
        duration: ended.saturating_duration_since(start),
        plan_sha256: common.plan.sha256(common.dialect.file_text()),
        dialect: common.dialect.name().to_owned(),
        engine: common.plan.profile.engine.kind,
        target,
        way,
        interrupted: matches!(stop, Some(Stop::Signal(_))),
        complete,
        stopped_by: stop.map(|stop| watch_over.stopped_by(stop)),
        machine: machine(),
        phases: watch_over.phases(ended),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        thresholds,
    };
    let mut summary = summarize(&books, &health, facts);
    causes::explain(&mut summary, &books, &common, keep.traces, &probe);
    let chronicle = scribe.map(Scribe::finish).transpose()?;
    summary.events = chronicle.as_ref().map(|Chronicle { written, cut, refused, .. }| Events {
        written: *written,
        cut: *cut,
        refused: *refused,
    });
    Ok(Done { summary, stop, panics, events: chronicle.map(|chronicle| chronicle.bytes) })
}

/// The thread that writes every fact down.
fn scribe(plan: &Plan, run_id: &str, dialect: &Dialect, start: Instant, bytes_max: u64) -> io::Result<Scribe> {
    let kinds = dialect.kinds().iter().map(|kind| (*kind).to_owned()).collect();
    let rooms = plan.rooms.iter().map(|room| (room.index.0, format!("{run_id}-{}", room.id))).collect();
    Scribe::start(Words { start, kinds, rooms }, bytes_max)
}

/// What the workers booked, together.
fn one_book(common: &RunContext, harvests: Vec<Harvest>) -> Recorder {
    let (timeout, kinds) = (common.plan.profile.handshake.timeout, common.dialect.kinds().len());
    let mut books = Recorder::new(&[], common.start, timeout, kinds);
    for harvest in harvests {
        books.merge(harvest.recorder);
    }
    books
}

fn pool(plan: &Plan) -> Arc<[u8]> {
    let mut pool = vec![0; POOL_BYTES + plan.profile.messages.bytes_max as usize];
    plan.seed.stream("payload", 0).fill_bytes(&mut pool);
    pool.into()
}
