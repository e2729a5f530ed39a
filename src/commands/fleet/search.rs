//! Probes of a capacity search over the bus: each load is a round of the same agents.

use super::lead::{FleetLead, LeadRules, OfferTerms, lead_obstacle, too_few_rooms};
use super::merge::merged;
use crate::capacity::Vary;
use crate::capacity_run::PlayedProbe;
use crate::cli::CapacityArgs;
use crate::commands::Exit;
use crate::commands::terminal::write_stderr;
use crate::controller::{StopSignals, Watched};
use crate::dialect::Dialect;
use crate::fleet::MergedRun;
use crate::plan::Plan;
use crate::telemetry::MetricsFeed;
use std::time::Duration;

/// The agents of a search.
pub(in crate::commands) struct FleetSearch<'a> {
    lead: FleetLead<'a>,
    dialect: &'a Dialect,
    vary: Vary,
    /// Before each probe.
    wait_for_target: Duration,
    /// Of the last probe; from 1.
    number: u32,
}

impl<'a> FleetSearch<'a> {
    /// Opens the search on the bus; `None` without `--bus`. `least` is the plan of the lowest load; `metrics` is told the sums of
    /// all agents while they play.
    ///
    /// # Errors
    /// The arguments ask for what searches over the bus don't do, or it can't be used; stderr has it already.
    pub(in crate::commands) fn open(
        args: &'a CapacityArgs,
        (least, dialect, watched, metrics): (&Plan, &'a Dialect, Watched, Option<MetricsFeed>),
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
        let wait_for_target = args.load.wait_for_target;
        let rules = LeadRules { tolerate_loss: 0.0, gates: vec![], watched, metrics };
        let lead = FleetLead::open(&args.lead, rules, signals, tell)?;
        Ok(Some(Self { lead, dialect, vary: args.search.vary, wait_for_target, number: 0 }))
    }

    /// Plays the plan of one load. A target that was restarted is waited for as long as `after_restart`.
    ///
    /// # Errors
    /// It did not begin, or no part came; stderr has it already.
    pub(in crate::commands) fn play(
        &mut self,
        plan: &Plan,
        load: f64,
        after_restart: Option<Duration>,
    ) -> Result<PlayedProbe, Exit> {
        self.number += 1;
        let terms = OfferTerms {
            load: Some((self.vary, load)),
            number: Some(self.number),
            wait_for_target: self.wait_for_target.max(after_restart.unwrap_or_default()),
            ..OfferTerms::default()
        };
        let MergedRun { summary, stop, panics, .. } = merged(self.lead.play(plan, self.dialect, terms)?)?;
        Ok(PlayedProbe { summary, stop, panics })
    }

    /// Lets the agents go.
    pub(in crate::commands) fn close(self) {
        self.lead.close();
    }
}

fn obstacle(args: &CapacityArgs, least: &Plan) -> Option<String> {
    lead_obstacle(&least.profile, !args.access.repro_options().is_empty() || args.load.workers.is_some())
        .or_else(|| too_few_rooms(least, &args.lead))
}
