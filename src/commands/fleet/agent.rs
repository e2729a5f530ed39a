//! `meshload agent`: joins a run on the bus, plays its share, leaves its part here and hands it to the controller.

use super::bus::{abort_gates, ended, run_name, settings};
use crate::cli::{AgentArgs, LoadArgs};
use crate::commands::Exit;
use crate::commands::inputs;
use crate::commands::inputs::access::access;
use crate::commands::inputs::gates;
use crate::commands::report::report_dir::ReportDir;
use crate::commands::run::run_job::{
    barred_line, control_spec, play, report_start_error, run_spec, show, stop_signals,
};
use crate::commands::run::share::PlayedPart;
use crate::commands::run::telemetry::RunTelemetry;
use crate::commands::terminal::write_stderr;
use crate::controller::{
    Access, Capture, Endpoints, PlayedShare, RunSpec, StartError, StatusFeed, StopSignals, check_target, control_plan,
    wait_for_target,
};
use crate::dialect::{self, Dialect};
use crate::fleet::{AgentMachine, BusAgent, BusError, PlanOffer, PlanRefusal, RunName};
use crate::gates::Gate;
use crate::os::{host_name, machine, machine_limits, raise_descriptors};
use crate::plan::{Cost, Plan, ShareOf};
use crate::profile::ProfileSource;
use crate::telemetry::PlannedCourse;
use crate::vocabulary::Seed;
use std::cell::OnceCell;
use std::path::Path;
use std::time::Duration;

/// Variables in which schedulers number the processes of a job, from 0.
const SLOT_VARIABLES: [&str; 2] = ["JOB_COMPLETION_INDEX", "SLURM_PROCID"];

/// The metrics of an agent's rounds, once the first has begun; `None` inside if none are to be shown.
type AgentTelemetry = OnceCell<Option<RunTelemetry>>;

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
    let telemetry = OnceCell::new();
    // Joins again each time that another agent takes its slot before the start.
    loop {
        match BusAgent::join(&bus, &run, (slot, own.clone()), args.join_timeout, &signals, &tell) {
            Ok((mut agent, offer)) => {
                tell(format!("slot {} of {} in the run {run}", agent.slot(), offer.agents));
                match play_offers(args, &run, &mut agent, offer, (&signals, &telemetry)) {
                    Played::Over(exit) => {
                        telemetry.get().into_iter().flatten().for_each(RunTelemetry::wait_for_last_scrape);
                        return exit;
                    }
                    Played::Displaced(why) => tell(why),
                }
            }
            Err(error) => return ended(&error),
        }
    }
}

/// The end of an agent's rounds.
enum Played {
    Over(Exit),
    /// Another agent has the slot, in one sentence.
    Displaced(String),
}

/// Plays all rounds that the controller starts.
fn play_offers(
    args: &AgentArgs,
    run: &RunName,
    agent: &mut BusAgent,
    mut offer: PlanOffer,
    (signals, telemetry): (&StopSignals, &AgentTelemetry),
) -> Played {
    let usual = || Path::new("reports").join(format!("agent-{run}-{}", agent.slot()));
    let folder = args.out.clone().unwrap_or_else(usual);
    let (mut exit, mut control) = (Exit::Passed, None);
    loop {
        let out = offer.number.map_or_else(|| folder.clone(), |number| folder.join(number.to_string()));
        match play_offer(args, agent, (&offer, &mut control), &ReportDir::at(out), (signals, telemetry)) {
            Ok(Played::Over(played)) => exit = exit.first_of(played),
            Ok(displaced) => return displaced,
            Err(ended) => return Played::Over(exit.first_of(ended)),
        }
        if offer.is_last {
            return Played::Over(exit);
        }
        match agent.next_offer(offer.round) {
            Ok(Some(next)) => offer = next,
            Ok(None) => return Played::Over(exit),
            Err(error) => return Played::Over(exit.first_of(ended(&error))),
        }
    }
}

/// Plays a round if this machine can and may; before the first one its `control` run, if there is to be one.
///
/// # Errors
/// It does not take place here; stderr has it already, and the controller knows.
fn play_offer(
    args: &AgentArgs,
    agent: &mut BusAgent,
    (offer, control): (&PlanOffer, &mut Option<PlayedShare>),
    folder: &ReportDir,
    (signals, telemetry): (&StopSignals, &AgentTelemetry),
) -> Result<Played, Exit> {
    let job = AgentJob::read(args, offer).inspect_err(|_| {
        agent.refuse(refusal("it can't play the plan; its own stderr has the reason"));
    })?;
    job.check_target().map_err(|error| {
        agent.refuse(match &error {
            StartError::Barred(refused) => PlanRefusal { why: barred_line(refused), is_of_target: true },
            _ => refusal("it can't load the target; its own stderr has the reason"),
        });
        report_start_error(&error)
    })?;
    let telemetry = job.telemetry(telemetry, signals).inspect_err(|_| {
        agent.refuse(refusal("it can't show its metrics; its own stderr has the reason"));
    })?;
    let share = ShareOf { index: agent.slot(), of: offer.agents };
    if offer.control && control.is_none() {
        *control = Some(job.play_control(share, signals).inspect_err(|_| {
            agent.refuse(refusal("its control run could not be started; its own stderr has the reason"));
        })?);
    }
    job.play(agent, (share, control.clone()), folder, (signals, telemetry))
}

fn refusal(why: &str) -> PlanRefusal {
    PlanRefusal { why: why.to_owned(), is_of_target: false }
}

/// The plan as it was offered, with all that this machine adds to it.
struct AgentJob<'a> {
    args: &'a AgentArgs,
    offer: &'a PlanOffer,
    plan: Plan,
    dialect: Dialect,
    gates: Vec<Gate>,
    access: Access,
}

impl<'a> AgentJob<'a> {
    /// # Errors
    /// The plan can't be read or carried here; stderr has it already.
    fn read(args: &'a AgentArgs, offer: &'a PlanOffer) -> Result<Self, Exit> {
        let refuse = |why: Vec<String>| {
            write_stderr(why);
            Exit::Usage
        };
        let mut profile = inputs::read_profile(ProfileSource { name: "the plan", text: &offer.profile }, &[])?;
        profile.target.dialect.clone_from(&offer.dialect);
        if let Some((vary, load)) = offer.load {
            profile = vary.apply(&profile, load);
        }
        let dialect = match &offer.dialect_text {
            Some(text) => dialect::read(&offer.dialect, text)
                .map_err(|problems| refuse(problems.iter().map(ToString::to_string).collect()))?,
            None => Dialect::named(&offer.dialect)
                .ok_or_else(|| refuse(vec![format!("{:?} is no built-in dialect", offer.dialect)]))?,
        };
        let gates = gates::read(&profile)?;
        let too_much = Cost::of_share(&profile, offer.agents).check(&machine_limits());
        if !too_much.is_empty() {
            return Err(refuse(too_much));
        }
        let plan = Plan::new(profile, Seed(offer.seed));
        if plan.sha256(dialect.file_text()) != offer.plan_sha256 {
            let why = "this machine works out another plan than the controller: do variables in the profile differ?";
            return Err(refuse(vec![why.to_owned()]));
        }
        let access = access(&args.access, &plan.profile, dialect.data_columns(), &plan.peers_of_scenarios())?;
        Ok(Self { args, offer, plan, dialect, gates, access })
    }

    /// Checks that this machine may load the target.
    ///
    /// # Errors
    /// It may not, or the target's URL can't be read.
    fn check_target(&self) -> Result<(), StartError> {
        check_target(&self.endpoints(), &self.dialect)
    }

    fn endpoints(&self) -> Endpoints {
        let target = &self.plan.profile.target;
        let url = target.url.as_ref().map(|url| url.reveal().to_owned()).unwrap_or_default();
        Endpoints::new(target.clone(), url, "check", self.access.clone())
    }

    fn run_spec(&self, share: ShareOf, plan: Plan) -> RunSpec {
        let load = LoadArgs { wait_for_target: Duration::ZERO, workers: self.args.workers };
        let shown = show(self.args.quiet || self.args.no_progress, self.args.color);
        let (access, dialect, gates) = (self.access.clone(), self.dialect.clone(), self.gates.clone());
        let spec = run_spec(&load, access, shown, plan, dialect, gates, vec![]);
        RunSpec { run_id: self.offer.run_id.clone(), share, ..spec }
    }

    /// Plays the control run of the share, on this machine alone.
    ///
    /// # Errors
    /// It could not be started; stderr has it already.
    fn play_control(&self, share: ShareOf, signals: &StopSignals) -> Result<PlayedShare, Exit> {
        let spec = control_spec(self.run_spec(share, control_plan(&self.plan, share.of)));
        play(spec, self.args.quiet, signals).map(|done| done.played)
    }

    /// The metrics of all rounds, started with the first.
    ///
    /// # Errors
    /// They can't be shown as asked; stderr has it already.
    fn telemetry<'b>(&self, all: &'b AgentTelemetry, signals: &StopSignals) -> Result<Option<&'b RunTelemetry>, Exit> {
        if all.get().is_none() {
            let planned = PlannedCourse::of(&self.plan.profile, self.plan.cost().duration);
            let told = (self.args.quiet, self.args.color);
            let started = RunTelemetry::start(&self.args.telemetry, told, &self.access, signals, planned)?;
            return Ok(all.get_or_init(|| started).as_ref());
        }
        Ok(all.get().and_then(Option::as_ref))
    }

    /// Plays a round and hands its part over; the part stays here as well.
    ///
    /// # Errors
    /// The round does not take place here; stderr has it already.
    fn play(
        self,
        agent: &mut BusAgent,
        (share, control): (ShareOf, Option<PlayedShare>),
        folder: &ReportDir,
        (signals, telemetry): (&StopSignals, Option<&RunTelemetry>),
    ) -> Result<Played, Exit> {
        let (offer, quiet) = (self.offer, self.args.quiet);
        let (round, endpoints) = (offer.round, self.endpoints());
        let reach = wait_for_target(&endpoints, &self.dialect, offer.wait_for_target);
        let (start_at, clock) = match agent.wait_for_start(round, offer.plan_sha256.clone(), reach) {
            Ok(start) => start,
            Err(BusError::Displaced(why)) => return Ok(Played::Displaced(why)),
            Err(error) => {
                agent.leave();
                return Err(ended(&error));
            }
        };
        let spec = RunSpec {
            start_at: Some(start_at),
            status: Some(StatusFeed { sender: agent.status(), gates: abort_gates(&self.gates) }),
            metrics: telemetry.map(RunTelemetry::feed),
            keep: Capture { traces: offer.traces.into(), events_bytes_max: offer.events_bytes_max },
            ..self.run_spec(share, self.plan.clone())
        };
        let mut played = PlayedPart::play(spec, (Some(clock), control), quiet, signals).inspect_err(|_| {
            agent.refuse(refusal("its run could not be started; its own stderr has the reason"));
        })?;
        played.stopped_by(agent.stopped_by());
        let exit = played.write(folder);
        let reported = agent.report(round, &played.bytes());
        telemetry.iter().for_each(|telemetry| telemetry.share_ended(share.index, &played.summary));
        Ok(Played::Over(match reported {
            Ok(()) => exit,
            Err(error) => exit.first_of(ended(&error)),
        }))
    }
}
