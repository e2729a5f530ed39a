//! The probes of a capacity search, played here or by agents, each shown to whoever reads the search's metrics.

use crate::capacity_run::PlayedProbe;
use crate::cli::CapacityArgs;
use crate::commands::Exit;
use crate::commands::fleet::search::FleetSearch;
use crate::commands::run::finish::judge_alone;
use crate::commands::run::run_job::{report_start_error, run_spec, show};
use crate::commands::run::telemetry::RunTelemetry;
use crate::controller::{self, Access, RunSpec, Show, StopSignals, Watched};
use crate::dialect::Dialect;
use crate::gates::Gate;
use crate::plan::Plan;
use crate::profile::ValiditySettings;
use crate::server::faults::FaultRule;
use std::time::Duration;

/// The part of a search that all of its probes share.
pub(super) struct ProbePlayer<'a> {
    pub args: &'a CapacityArgs,
    pub access: Access,
    pub dialect: &'a Dialect,
    pub gates: Vec<Gate>,
    pub faults: Vec<FaultRule>,
    pub watched: Watched,
    pub validity: ValiditySettings,
    pub signals: StopSignals,
    pub telemetry: Option<&'a RunTelemetry>,
    /// `None` plays them on this machine.
    pub fleet: Option<FleetSearch<'a>>,
}

impl ProbePlayer<'_> {
    /// Plays the plan of one load. A target that was restarted is waited for as long as `after_restart`.
    ///
    /// # Errors
    /// It could not be started; stderr has the reason already.
    pub(super) fn play(&mut self, plan: Plan, load: f64, after_restart: Option<Duration>) -> Result<PlayedProbe, Exit> {
        let played = match &mut self.fleet {
            Some(fleet) => fleet.play(&plan, load, after_restart),
            None => self.play_here(plan, after_restart),
        }?;
        if let Some(telemetry) = self.telemetry {
            let mut summary = played.summary.clone();
            judge_alone(&self.validity, &mut summary, played.stop, played.panics);
            telemetry.run_ended(&summary);
        }
        Ok(played)
    }

    fn play_here(&self, plan: Plan, after_restart: Option<Duration>) -> Result<PlayedProbe, Exit> {
        let (access, dialect, gates) = (self.access.clone(), self.dialect.clone(), self.gates.clone());
        let spec = run_spec(&self.args.load, access, probe_show(self.args), plan, dialect, gates, self.faults.clone());
        let spec = RunSpec {
            watched: self.watched.clone(),
            wait_for_target: spec.wait_for_target.max(after_restart.unwrap_or_default()),
            metrics: self.telemetry.map(RunTelemetry::feed),
            ..spec
        };
        let played = controller::run_until(spec, self.signals.clone()).map(PlayedProbe::from);
        played.map_err(|start_error| report_start_error(&start_error))
    }

    /// Lets the agents go, if there are any.
    pub(super) fn close(self) {
        self.fleet.into_iter().for_each(FleetSearch::close);
    }
}

/// Each probe prints a line of its own, so that without bars no further progress is needed.
fn probe_show(args: &CapacityArgs) -> Show {
    match show(args.quiet || args.no_progress, args.color) {
        Show::Lines => Show::Nothing,
        show => show,
    }
}
