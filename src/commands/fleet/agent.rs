//! `meshload agent`: joins a run on the bus, plays its share, leaves its part here and hands it to the controller.

use super::bus::{ended, run_name, settings};
use crate::cli::{AgentArgs, LoadArgs};
use crate::commands::Exit;
use crate::commands::inputs;
use crate::commands::inputs::access::access;
use crate::commands::inputs::gates;
use crate::commands::report::report_dir::ReportDir;
use crate::commands::run::run_job::{report_start_error, run_spec, show, stop_signals};
use crate::commands::run::share::PlayedPart;
use crate::commands::terminal::write_stderr;
use crate::controller::{Access, Capture, Endpoints, RunSpec, StopSignals, check_target};
use crate::dialect::{self, Dialect};
use crate::fleet::{AgentMachine, BusAgent, PlanOffer, RoundOffer, RunName};
use crate::gates::Gate;
use crate::os::{host_name, machine, machine_limits, raise_descriptors};
use crate::plan::{Cost, Plan, ShareOf};
use crate::profile::{Profile, ProfileSource};
use crate::vocabulary::Seed;
use std::path::Path;
use std::time::Duration;

/// Variables in which schedulers number the processes of a job, from 0.
const SLOT_VARIABLES: [&str; 2] = ["JOB_COMPLETION_INDEX", "SLURM_PROCID"];

pub fn agent(args: &AgentArgs) -> Exit {
    let slot = args.slot.or_else(|| SLOT_VARIABLES.iter().find_map(|name| inputs::variable(name)?.parse().ok()));
    let run = match run_name(Some(&args.run)) {
        Ok(run) => run,
        Err(exit) => return exit,
    };
    if let Some(why) = args.out.clone().and_then(|out| ReportDir::at(out).obstacle()) {
        write_stderr([why]);
        return Exit::Broken;
    }
    raise_descriptors();
    let signals = match stop_signals(args.quiet) {
        Ok(signals) => signals,
        Err(exit) => return exit,
    };
    let here = machine();
    let own = AgentMachine { host: host_name(), cores: here.cores, nofile: here.nofile };
    let tell = |line: String| {
        if !args.quiet {
            write_stderr([line]);
        }
    };
    let bus = settings(&args.bus, &args.tls);
    match BusAgent::join(&bus, &run, (slot, own), args.join_timeout, &signals, &tell) {
        Ok((mut agent, offer)) => {
            tell(format!("slot {} of {} in the run {run}", agent.slot(), offer.agents));
            play_offer(args, &run, &mut agent, &offer, &signals)
        }
        Err(error) => ended(&error),
    }
}

/// Plays all rounds that the controller starts.
fn play_offer(args: &AgentArgs, run: &RunName, agent: &mut BusAgent, offer: &PlanOffer, signals: &StopSignals) -> Exit {
    let share = ShareOf { index: agent.slot(), of: offer.agents };
    let job = match AgentJob::read(args, offer, share) {
        Ok(job) => job,
        Err(exit) => {
            agent.refuse("it can't play the plan; its own stderr has the reason");
            return exit;
        }
    };
    let usual = || Path::new("reports").join(format!("agent-{run}-{}", share.index));
    let folder = args.out.clone().unwrap_or_else(usual);
    let mut exit = Exit::Passed;
    for (round, offered) in (1..).zip(&offer.rounds) {
        let out = if offer.rounds.len() > 1 { folder.join(round.to_string()) } else { folder.clone() };
        match job.play(agent, (round, offered), share, &ReportDir::at(out), signals) {
            Ok(played) => exit = exit.first_of(played),
            Err(ended) => return exit.first_of(ended),
        }
    }
    exit
}

/// The plan as it was offered, with all that this machine adds to it.
struct AgentJob<'a> {
    args: &'a AgentArgs,
    profile: Profile,
    dialect: Dialect,
    gates: Vec<Gate>,
    access: Access,
    traces: usize,
}

impl<'a> AgentJob<'a> {
    /// # Errors
    /// The plan can't be read or carried here, or its target is not allowed here; stderr has it already.
    fn read(args: &'a AgentArgs, offer: &PlanOffer, share: ShareOf) -> Result<Self, Exit> {
        let refuse = |why: Vec<String>| {
            write_stderr(why);
            Exit::Usage
        };
        let mut profile = inputs::read_profile(ProfileSource { name: "the plan", text: &offer.profile }, &[])?;
        profile.target.dialect.clone_from(&offer.dialect);
        let dialect = match &offer.dialect_text {
            Some(text) => dialect::read(&offer.dialect, text)
                .map_err(|problems| refuse(problems.iter().map(ToString::to_string).collect()))?,
            None => Dialect::named(&offer.dialect)
                .ok_or_else(|| refuse(vec![format!("{:?} is no built-in dialect", offer.dialect)]))?,
        };
        let gates = gates::read(&profile)?;
        let too_much = Cost::of_share(&profile, share.of).check(&machine_limits());
        if !too_much.is_empty() {
            return Err(refuse(too_much));
        }
        let mut peers = 0;
        for round in &offer.rounds {
            let plan = Plan::new(profile.clone(), Seed(round.seed));
            if plan.sha256(dialect.file_text()) != offer.plan_sha256 {
                let why =
                    "this machine works out another plan than the controller: do variables in the profile differ?";
                return Err(refuse(vec![why.to_owned()]));
            }
            peers = peers.max(plan.peers());
        }
        let access = access(&args.access, &profile.target, dialect.data_columns(), peers)?;
        let url = profile.target.url.as_ref().map(|url| url.reveal().to_owned()).unwrap_or_default();
        let endpoints = Endpoints::new(profile.target.clone(), url, "check", access.clone());
        check_target(&endpoints, &dialect).map_err(|error| report_start_error(&error))?;
        Ok(Self { args, profile, dialect, gates, access, traces: offer.traces.into() })
    }

    /// Plays a round and hands its part over; the part stays here as well.
    ///
    /// # Errors
    /// The round does not take place here; stderr has it already.
    fn play(
        &self,
        agent: &mut BusAgent,
        (round, offered): (u32, &RoundOffer),
        share: ShareOf,
        folder: &ReportDir,
        signals: &StopSignals,
    ) -> Result<Exit, Exit> {
        let Self { args, profile, dialect, gates, access, traces } = self;
        let plan = Plan::new(profile.clone(), Seed(offered.seed));
        let plan_sha256 = plan.sha256(dialect.file_text());
        let (start_at, clock) = agent.wait_for_start(round, plan_sha256).map_err(|error| {
            agent.leave();
            ended(&error)
        })?;
        let load = LoadArgs { wait_for_target: Duration::ZERO, workers: args.workers };
        let shown = show(args.quiet || args.no_progress, args.color);
        let spec = RunSpec {
            run_id: offered.run_id.clone(),
            share,
            start_at: Some(start_at),
            status: Some(agent.status()),
            keep: Capture { traces: *traces, events_bytes_max: None },
            ..run_spec(&load, access.clone(), shown, plan, dialect.clone(), gates.clone(), vec![])
        };
        let played = PlayedPart::play(spec, Some(clock), args.quiet, signals).inspect_err(|_| {
            agent.refuse("its run could not be started; its own stderr has the reason");
        })?;
        let exit = played.write(folder);
        Ok(match agent.report(round, played.bytes()) {
            Ok(()) => exit,
            Err(error) => exit.first_of(ended(&error)),
        })
    }
}
