//! A controller on the bus: offers one plan after the other to the same agents, and takes their parts.

use super::bus::{ended, run_name, settings};
use crate::capacity::Vary;
use crate::cli::{AccessArgs, LeadArgs};
use crate::commands::Exit;
use crate::commands::run::run_job::run_id;
use crate::commands::terminal::write_stderr;
use crate::controller::{Access, StopSignals, TargetObserver, Watched};
use crate::dialect::Dialect;
use crate::fleet::{Coordinator, FleetRules, Part, PlanOffer};
use crate::gates::Gate;
use crate::plan::Plan;
use crate::profile::{Profile, to_toml};
use crate::report::{MetricsSnapshot, SnapshotScope};
use crate::signaling::{Connector, TargetPolicy};
use crate::summary::Summary;
use crate::telemetry::MetricsFeed;
use crate::vocabulary::format::plural;
use std::time::Duration;

/// The controller of the agents that `LeadArgs` ask for.
pub(in crate::commands) struct FleetLead<'a> {
    args: &'a LeadArgs,
    coordinator: Coordinator<'a>,
    /// Of the last plan that was offered; from 1.
    round: u32,
    /// The reason why the last plan was not played.
    failed: Option<String>,
    /// Parts of the target that this machine looks at.
    watched: Watched,
    /// Told the sums of all agents while they play.
    metrics: Option<MetricsFeed>,
}

/// Rules of a run on several machines that the options of its command give.
pub(in crate::commands) struct LeadRules {
    /// The share of the edges that may be lost before the run is stopped, from 0 to 1.
    pub tolerate_loss: f64,
    /// The gates that end the run by the figures of all agents together.
    pub gates: Vec<Gate>,
    /// Parts of the target that the controller's machine looks at.
    pub watched: Watched,
    /// Told the sums of all agents while they play.
    pub metrics: Option<MetricsFeed>,
}

/// The parts of an offer besides its plan.
#[derive(Clone, Copy, Default)]
pub(in crate::commands) struct OfferTerms {
    /// The setting that a capacity search varies, and its value.
    pub load: Option<(Vary, f64)>,
    /// The number of the run among repeats or loads, from 1; `None` for the only one.
    pub number: Option<u32>,
    /// The most traces that each share keeps.
    pub traces: u16,
    /// The limit of each agent's file of all events, in bytes.
    pub events_bytes_max: Option<u64>,
    /// Each agent plays a control run first.
    pub control: bool,
    /// The most time to wait for the target.
    pub wait_for_target: Duration,
    /// The agents may go after it.
    pub is_last: bool,
}

impl<'a> FleetLead<'a> {
    /// Opens the run on the bus, and tells its name.
    ///
    /// # Errors
    /// The bus can't be used, or the run's name is none or taken; stderr has it already.
    pub(in crate::commands) fn open(
        args: &'a LeadArgs,
        rules: LeadRules,
        signals: &StopSignals,
        tell: &'a dyn Fn(String),
    ) -> Result<Self, Exit> {
        let LeadRules { tolerate_loss, gates, watched, metrics } = rules;
        let run = run_name(args.run.as_deref())?;
        let rules = FleetRules { silence: args.lost_after, gather_max: args.join_timeout, tolerate_loss, gates };
        let bus = settings(args.bus.as_deref().unwrap_or_default(), &args.tls);
        let coordinator =
            Coordinator::open(&bus, &run, agents(args), rules, signals, tell).map_err(|why| ended(&why))?;
        // Shown even if quiet: without it no agent can join.
        write_stderr([format!("run: {run}; on each machine: meshload agent --bus URL --run {run}")]);
        Ok(Self { args, coordinator, round: 0, failed: None, watched, metrics })
    }

    /// Plays a plan as it is offered.
    ///
    /// # Errors
    /// It did not begin, or no part came; stderr has it already.
    pub(in crate::commands) fn play(
        &mut self,
        plan: &Plan,
        dialect: &Dialect,
        OfferTerms { load, number, traces, events_bytes_max, control, wait_for_target, is_last }: OfferTerms,
    ) -> Result<Vec<Part>, Exit> {
        self.round += 1;
        let agents = agents(self.args);
        let offer = PlanOffer {
            round: self.round,
            is_last,
            number,
            agents,
            silence: self.args.lost_after,
            profile: to_toml(&plan.profile).to_owned(),
            load,
            dialect: dialect.name().to_owned(),
            dialect_text: dialect.file_text().map(str::to_owned),
            seed: plan.seed.0,
            plan_sha256: plan.sha256(dialect.file_text()),
            run_id: run_id(),
            traces,
            events_bytes_max,
            control,
            wait_for_target,
        };
        let edges = (0..agents as usize).map(|slot| plan.share(slot, agents as usize).edges()).collect();
        let (watched, mut observer) = (&self.watched, Ok(None));
        let mut began = |start| observer = TargetObserver::start(watched, start);
        let (metrics, mut snapshot) = (&self.metrics, agents_snapshot(plan, &offer));
        let mut sums = |tally| {
            snapshot.tally = tally;
            metrics.iter().for_each(|feed| feed.publish(snapshot.clone()));
        };
        let played = self.coordinator.play(&offer, edges, &mut began, &mut sums);
        self.failed = played.as_ref().err().map(ToString::to_string);
        let mut parts = played.map_err(|error| ended(&error))?;
        if parts.is_empty() {
            write_stderr(["no agent reported, so that there is nothing to show; part.mesh may be on their machines"]);
            return Err(Exit::Incomplete);
        }
        let lasted = parts.iter().map(|part| part.played.facts.duration).max().unwrap_or_default();
        let observer = observer.inspect_err(|error| write_stderr([format!("the target is not watched: {error}")]));
        if let Some(seen) = observer.ok().flatten().and_then(|observer| observer.finish(lasted)) {
            // One that was named is meant, not the one that an agent found beside itself.
            parts.iter_mut().for_each(|part| part.played.target_process = None);
            parts[0].played.target_process = Some(seen);
        }
        Ok(parts)
    }

    /// Lets the agents go.
    pub(in crate::commands) fn close(self) {
        let why: String = self.failed.iter().map(|why| format!(": {why}")).collect();
        self.coordinator.close(&format!("the run is over{why}"));
    }
}

/// The run that agents play, for the sums that they will tell.
fn agents_snapshot(plan: &Plan, offer: &PlanOffer) -> MetricsSnapshot {
    let Profile { name, engine, tags, target, .. } = &plan.profile;
    let mut summary = Summary { tags: tags.clone(), ..Summary::default() };
    summary.meshload.version = env!("CARGO_PKG_VERSION").to_owned();
    (summary.run.id, summary.run.name, summary.run.seed) = (offer.run_id.clone(), name.clone(), offer.seed);
    (summary.run.dialect, summary.run.engine) = (offer.dialect.clone(), engine.kind.name().to_owned());
    summary.run.target = target.url_shown.clone().unwrap_or_default();
    MetricsSnapshot { summary, scope: SnapshotScope::Agents, ..MetricsSnapshot::default() }
}

pub(in crate::commands) fn agents(args: &LeadArgs) -> u32 {
    args.agents.unwrap_or(1)
}

/// Access to the target's metrics: tokens, rows and the rest of the target's own are the agents'.
pub(in crate::commands) fn lead_access(args: &AccessArgs) -> Access {
    let target_policy = TargetPolicy { allowed_hosts: args.allow_target.clone(), ..TargetPolicy::default() };
    Access { route: Connector { target_policy, ..Connector::default() }, ..Access::default() }
}

/// One sentence if agents can't load the target of `profile`; `own` are the options given that are each machine's own.
pub(in crate::commands) fn lead_obstacle(profile: &Profile, own: bool) -> Option<String> {
    if profile.target.url.is_none() {
        return Some("--bus: name the --target that all agents load; an embedded server serves one process".to_owned());
    }
    own.then(|| {
        let own = "--tokens, --data, --ca, --cert, --key, --insecure, --connect-to, --no-proxy and --workers";
        format!("--bus: {own} are each machine's own; give them to `meshload agent`")
    })
}

/// One sentence if the plan has fewer rooms than agents.
pub(in crate::commands) fn too_few_rooms(plan: &Plan, args: &LeadArgs) -> Option<String> {
    let (rooms, agents) = (plan.rooms.len() as u64, agents(args));
    let has_too_few = rooms < u64::from(agents);
    has_too_few.then(|| format!("--agents {agents}: the plan has {}, and a room is never split", plural(rooms, "room")))
}
