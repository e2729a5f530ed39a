//! Probes of a capacity search over the bus: each load is a round of the same agents.

use super::lead::{FleetLead, LeadRules, OfferTerms, lead_obstacle, too_few_rooms};
use crate::capacity::Vary;
use crate::capacity_run::PlayedProbe;
use crate::cli::CapacityArgs;
use crate::commands::Exit;
use crate::commands::terminal::write_stderr;
use crate::controller::StopSignals;
use crate::dialect::Dialect;
use crate::fleet::{self, MergedRun};
use crate::plan::Plan;
use std::time::Instant;

/// The agents of a search.
pub(in crate::commands) struct FleetSearch<'a> {
    lead: FleetLead<'a>,
    dialect: &'a Dialect,
    vary: Vary,
}

impl<'a> FleetSearch<'a> {
    /// Opens the search on the bus; `None` without `--bus`. `least` is the plan of the lowest load.
    ///
    /// # Errors
    /// The arguments ask for what searches over the bus don't do, or it can't be used; stderr has it already.
    pub(in crate::commands) fn open(
        args: &'a CapacityArgs,
        (least, dialect): (&Plan, &'a Dialect),
        signals: &StopSignals,
        tell: &'a dyn Fn(String),
    ) -> Result<Option<Self>, Exit> {
        if args.lead.bus.is_none() {
            return Ok(None);
        }
        if let Some(why) = obstacle(args, least) {
            write_stderr([why]);
            return Err(Exit::Usage);
        }
        // A gate ends a probe at its end: an order to stop is for the whole search.
        let rules = LeadRules { tolerate_loss: 0.0, gates: vec![] };
        Ok(Some(Self { lead: FleetLead::open(&args.lead, rules, signals, tell)?, dialect, vary: args.search.vary }))
    }

    /// Plays the plan of one load.
    ///
    /// # Errors
    /// It did not begin, or no part came; stderr has it already.
    pub(in crate::commands) fn play(&mut self, plan: &Plan, load: f64) -> Result<PlayedProbe, Exit> {
        let terms = OfferTerms { load: Some((self.vary, load)), traces: 0, is_last: false };
        let parts = self.lead.play(plan, self.dialect, terms)?;
        let merged = fleet::merge(parts, Instant::now()).map_err(|error| {
            write_stderr([error]);
            Exit::Usage
        })?;
        let MergedRun { summary, stop, panics, .. } = merged;
        Ok(PlayedProbe { summary, stop, panics })
    }

    /// Lets the agents go.
    pub(in crate::commands) fn close(self) {
        self.lead.close();
    }
}

fn obstacle(args: &CapacityArgs, least: &Plan) -> Option<String> {
    let watches = &args.watch;
    let not_here = [
        (watches.target_pid.is_some() || watches.target_metrics.is_some(), "--target-pid and --target-metrics"),
        (args.restart_cmd.is_some(), "--restart-cmd"),
        (!args.load.wait_for_target.is_zero(), "--wait-for-target"),
    ];
    if let Some((_, option)) = not_here.iter().find(|(is_given, _)| *is_given) {
        return Some(format!("{option}: not with --bus; it is for searches on one machine"));
    }
    lead_obstacle(&least.profile, !args.access.repro_options().is_empty() || args.load.workers.is_some())
        .or_else(|| too_few_rooms(least, &args.lead))
}
