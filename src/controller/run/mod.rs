//! Starts a run: checks that the target may be loaded, waits for it, resolves ICE servers, plays the plan.

pub(super) mod calibration;
pub(super) mod control;
mod gate_watch;
mod metrics_publisher;
pub(super) mod phases;
pub(super) mod prepared_run;
pub(super) mod status;
mod supervisor;
pub(super) mod target_process;

use super::embedded::EmbeddedServer;
use super::ice_servers::gathering;
use super::outcome::{FinishedRun, StartError, Stop};
use super::report::probe_command::probe_line;
use super::report::progress::Show;
use super::secrets::redactor;
use super::signals::StopSignals;
use super::target::endpoint::{Access, Endpoints};
use super::target::reach_target;
use super::target::watched::Watched;
use crate::dialect::Dialect;
use crate::gates::Gate;
use crate::plan::{Plan, ShareOf};
use crate::server;
use crate::telemetry::MetricsFeed;
use crate::vocabulary::Redactor;
use prepared_run::{Capture, LEAD, PreparedRun, play};
use status::StatusFeed;
use std::time::{Duration, SystemTime};
use target_process::TargetRecorder;
use tokio::task::LocalSet;

/// The time before a start in common at which a share prepares for it: several on one machine do so at once.
const AWAKE_BEFORE: Duration = LEAD.saturating_mul(5);

/// A plan and all that decides how it is run.
pub struct RunSpec {
    pub plan: Plan,
    pub run_id: String,
    pub dialect: Dialect,
    /// Passes signaling in memory, to no server: a control run.
    pub in_memory: bool,
    /// The target's URL; `None` starts the embedded server.
    pub url: Option<String>,
    /// The target as reports show it, without secrets.
    pub url_shown: Option<String>,
    /// The embedded server's configuration.
    pub embedded: server::Config,
    pub access: Access,
    /// Parts of the target to look at, besides the process behind its socket.
    pub watched: Watched,
    /// The most time to wait until the target accepts a WebSocket.
    pub wait_for_target: Duration,
    /// Threads; at least 1, at most one a room.
    pub workers: usize,
    /// The share of the plan that this process plays.
    pub share: ShareOf,
    /// The start of the run; `None` starts as soon as all is ready.
    pub start_at: Option<SystemTime>,
    pub show: Show,
    /// Told the state of the run each second.
    pub status: Option<StatusFeed>,
    /// Told the run's metrics each second.
    pub metrics: Option<MetricsFeed>,
    /// Judged while the run goes on: those marked `abort` can end it. The caller judges the whole run.
    pub gates: Vec<Gate>,
    pub keep: Capture,
}

impl RunSpec {
    /// Runs `plan` against an embedded server on one worker: no progress, no gate, no traces.
    pub fn new(plan: Plan, run_id: String, dialect: Dialect) -> Self {
        Self {
            plan,
            run_id,
            dialect,
            in_memory: false,
            url: None,
            url_shown: None,
            embedded: server::Config::default(),
            access: Access::default(),
            watched: Watched::default(),
            wait_for_target: Duration::ZERO,
            workers: 1,
            share: ShareOf::WHOLE,
            start_at: None,
            show: Show::Nothing,
            status: None,
            metrics: None,
            gates: vec![],
            keep: Capture::default(),
        }
    }
}

/// Runs to the end of the plan or until the failure brake; signals do not stop it.
///
/// # Errors
/// As for `run_until`.
pub fn run(spec: RunSpec) -> Result<FinishedRun, StartError> {
    run_until(spec, StopSignals::none())
}

/// Runs to the end of the plan, or until a signal, a gate marked `abort`, or the failure brake.
///
/// # Errors
/// The run can't start, or this machine has no thread left for it. Failures of the target are figures of the `Summary`.
pub fn run_until(spec: RunSpec, signals: StopSignals) -> Result<FinishedRun, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = LocalSet::new().block_on(&runtime, start(spec, signals));
    // Does not wait for a host name that is still being resolved.
    runtime.shutdown_background();
    done
}

async fn start(spec: RunSpec, mut signals: StopSignals) -> Result<FinishedRun, StartError> {
    let needs_server = spec.url.is_none() && !spec.in_memory;
    let embedded = needs_server.then(|| EmbeddedServer::start(spec.embedded.clone())).transpose()?;
    let gathering = gathering(&spec.plan.profile.engine, &spec.access.route.target_policy).await?;
    let target = if spec.in_memory {
        RunTarget::memory()
    } else {
        RunTarget::reach(&spec, embedded.as_ref(), &mut signals).await?
    };
    let mut stopped_early = target.stopped;
    // Workers start, and this process is measured, shortly before the run, not while its time is awaited.
    let wait = spec.start_at.and_then(|at| at.duration_since(SystemTime::now() + AWAKE_BEFORE).ok());
    if let (None, Some(wait)) = (stopped_early, wait) {
        stopped_early = tokio::time::timeout(wait, signals.first()).await.ok().map(Stop::from);
    }
    let prepared = PreparedRun {
        plan: spec.plan,
        run_id: spec.run_id,
        dialect: spec.dialect,
        redactor: target.redactor,
        endpoints: target.endpoints,
        target_process: target.process,
        gathering,
        target: target.shown,
        workers: spec.workers,
        share: spec.share,
        start_at: spec.start_at,
        show: spec.show,
        status: spec.status,
        metrics: spec.metrics,
        gates: spec.gates,
        keep: spec.keep,
        probe: target.probe,
    };
    play(prepared, &mut signals, stopped_early).await
}

/// The target of a run, and all that is known of it before.
struct RunTarget {
    /// Those of each scenario; none passes signaling in memory.
    endpoints: Vec<Endpoints>,
    /// As reports show it.
    shown: String,
    redactor: Redactor,
    process: Option<TargetRecorder>,
    /// The `meshload probe` command that examines it.
    probe: String,
    /// The signal that came while it was waited for.
    stopped: Option<Stop>,
}

impl RunTarget {
    fn memory() -> Self {
        Self {
            endpoints: vec![],
            shown: "memory".to_owned(),
            redactor: Redactor::default(),
            process: None,
            probe: String::new(),
            stopped: None,
        }
    }

    /// Checks that the target may be loaded, waits for it, and looks for its processes.
    ///
    /// # Errors
    /// The policy refuses the target, or its URL does not parse.
    async fn reach(
        spec: &RunSpec,
        embedded: Option<&EmbeddedServer>,
        signals: &mut StopSignals,
    ) -> Result<Self, StartError> {
        let url = match (&spec.url, embedded) {
            (Some(url), _) => url.clone(),
            (None, Some(server)) => server.url(),
            (None, None) => return Err(StartError::Url("there is no target".to_owned())),
        };
        let shown = spec.url_shown.clone().unwrap_or_else(|| format!("{url} (embedded)"));
        let profile = &spec.plan.profile;
        let endpoints = Endpoints::new(profile.target.clone(), url, &spec.run_id, spec.access.clone());
        let endpoints = endpoints.traced(spec.plan.seed, &spec.run_id);
        let stopped = tokio::select! {
            biased;
            signal = signals.first() => Some(signal.into()),
            reached = reach_target(&endpoints, &spec.dialect, spec.wait_for_target) => reached.map(|()| None)?,
        };
        let addresses = match endpoints.any(&spec.dialect).ok().filter(|_| embedded.is_none()) {
            Some(endpoint) => endpoint.addresses().await,
            None => vec![],
        };
        let scenarios = profile.scenarios.iter().enumerate();
        Ok(Self {
            process: TargetRecorder::start(&spec.watched, addresses),
            probe: probe_line(profile, endpoints.target_policy(), &spec.access.options),
            redactor: redactor(profile, &spec.access),
            shown,
            stopped,
            endpoints: scenarios.map(|(index, scenario)| endpoints.of_scenario(index, &scenario.target)).collect(),
        })
    }
}
