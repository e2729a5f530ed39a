//! A run from its plan to its Summary: finds its target and its servers, and plays it.

use super::embedded::EmbeddedServer;
use super::endpoint::{Access, Endpoints};
use super::ice_servers::gathering;
use super::outcome::{FinishedRun, StartError, Stop};
use super::prepared_run::{Capture, PreparedRun, play};
use super::probe_command::probe_line;
use super::progress::Show;
use super::signals::StopSignals;
use super::target::reach_target;
use crate::dialect::Dialect;
use crate::gates::Gate;
use crate::metrics::Thresholds;
use crate::plan::Plan;
use crate::server;
use std::time::Duration;

/// What to run, and how.
pub struct RunSpec {
    pub plan: Plan,
    pub run_id: String,
    pub dialect: Dialect,
    /// The target's URL; the embedded server, if none.
    pub url: Option<String>,
    /// The target as reports may show it.
    pub url_shown: Option<String>,
    pub embedded: server::Config,
    pub access: Access,
    pub wait_for_target: Duration,
    pub workers: usize,
    pub show: Show,
    pub thresholds: Thresholds,
    /// Watched while the run goes on: those marked `abort` can end it. Judging the whole run is the caller's.
    pub gates: Vec<Gate>,
    pub keep: Capture,
}

impl RunSpec {
    /// Plays `plan` against an embedded server on one worker, shows nothing, watches no gate and keeps only figures.
    pub fn new(plan: Plan, run_id: String, dialect: Dialect) -> Self {
        Self {
            plan,
            run_id,
            dialect,
            url: None,
            url_shown: None,
            embedded: server::Config::default(),
            access: Access::default(),
            wait_for_target: Duration::ZERO,
            workers: 1,
            show: Show::Nothing,
            thresholds: Thresholds::default(),
            gates: vec![],
            keep: Capture::default(),
        }
    }
}

/// Runs to the end of the plan, or until the failure brake: no signal stops it.
///
/// # Errors
/// As `run_until`.
pub fn run(order: RunSpec) -> Result<FinishedRun, StartError> {
    run_until(order, StopSignals::none())
}

/// Runs to the end of the plan, or until a signal or the failure brake.
///
/// # Errors
/// The run could not be started; once it is, every failure is a figure in the Summary.
pub fn run_until(order: RunSpec, signals: StopSignals) -> Result<FinishedRun, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(conduct(order, signals));
    // A name that is still being resolved is waited for by nobody.
    runtime.shutdown_background();
    done
}

async fn conduct(order: RunSpec, mut signals: StopSignals) -> Result<FinishedRun, StartError> {
    let embedded = order.url.is_none().then(|| EmbeddedServer::start(order.embedded.clone())).transpose()?;
    let url = match (&order.url, &embedded) {
        (Some(url), _) => url.clone(),
        (None, Some(server)) => server.url(),
        (None, None) => return Err(StartError::Url("there is no target".to_owned())),
    };
    let target = order.url_shown.clone().unwrap_or_else(|| format!("{url} (embedded)"));
    let gathering = gathering(&order.plan.profile.engine, &order.access.route.target_policy).await?;
    let again = order.access.again.clone();
    let endpoints = Endpoints::new(order.plan.profile.target.clone(), url, &order.run_id, order.access);
    let stopped_early = tokio::select! {
        reached = reach_target(&endpoints, &order.dialect, order.wait_for_target) => reached.map(|()| None)?,
        signal = signals.first() => Some(Stop::Signal(signal)),
    };

    let probe = probe_line(&order.plan.profile, endpoints.reach(), &again);
    let session = PreparedRun {
        plan: order.plan,
        run_id: order.run_id,
        dialect: order.dialect,
        endpoints: Some(endpoints),
        gathering,
        target,
        workers: order.workers,
        show: order.show,
        thresholds: order.thresholds,
        gates: order.gates,
        keep: order.keep,
        probe,
    };
    play(session, &mut signals, stopped_early).await
}
