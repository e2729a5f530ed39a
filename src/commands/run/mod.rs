//! `meshload run`: from the parsed arguments to the report and the exit code.

pub(super) mod finish;
pub(super) mod repeat;
pub(super) mod run_job;
pub(super) mod share;
pub(super) mod telemetry;

use super::Exit;
use super::fleet::over_bus::run_over_bus;
use super::inputs::access::access;
use super::inputs::auto::settled_profile;
use super::inputs::headroom::headroom;
use super::inputs::watched::watched;
use super::inputs::{self, faults, gates};
use super::report::report_dir::ReportDir;
use super::terminal::{logged, seed, write_stderr};
use crate::cli::RunArgs;
use crate::controller::{FinishedRun, Stop, control_floor};
use crate::os::{machine_limits, raise_descriptors};
use crate::plan::{Cost, Plan};
use crate::telemetry::PlannedCourse;
use crate::vocabulary::Seed;
use repeat::RepeatedRun;
use run_job::{RunJob, stop_signals};
use share::{obstacle, run_share};
use telemetry::RunTelemetry;

/// Built-in profile of a run that names none.
const DEFAULT_PROFILE: &str = "smoke";

pub fn run(args: &RunArgs) -> Exit {
    let name = args.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
    let profile = match settled_profile(name, &args.shape, &args.change, &args.access) {
        Ok(profile) => profile,
        Err(exit) => return exit,
    };
    // Both are read before either fails, so that one run reports every problem.
    let (gates, dialect) = match (gates::read(&profile), inputs::dialect(&profile)) {
        (Ok(gates), Ok(dialect)) => (gates, dialect),
        (Err(exit), _) | (_, Err(exit)) => return exit,
    };
    let faults = match faults::read(profile.faults.iter().map(|line| (line.rule.as_str(), line.at.as_str()))) {
        Ok(faults) => faults,
        Err(exit) => return exit,
    };
    raise_descriptors();
    if let Some(why) = obstacle(args) {
        write_stderr([why]);
        return Exit::Usage;
    }
    if args.fleet.lead.bus.is_some() {
        return run_over_bus(args, profile, &dialect, &gates);
    }
    let too_much = Cost::of_share(&profile, args.fleet.share.map_or(1, |share| share.of)).check(&machine_limits());
    if !too_much.is_empty() {
        write_stderr(too_much);
        return Exit::Usage;
    }
    let seed = seed(args.change.seed, args.output.quiet);
    let plan = Plan::new(profile.clone(), seed);
    let problems = plan.problems();
    if !problems.is_empty() {
        write_stderr(problems);
        return Exit::Usage;
    }
    let access = match access(&args.access, &profile, dialect.data_columns(), &peers_max(args, &plan)) {
        Ok(access) => logged(access, args.output.verbose > 0 && !args.output.quiet, &profile),
        Err(exit) => return exit,
    };
    let watched = match watched(&args.watch, &access, args.load.wait_for_target) {
        Ok(watched) => watched,
        Err(exit) => return exit,
    };
    if !args.output.quiet {
        write_stderr(headroom(args.trust.calibrate.calibrate, &plan));
    }
    let folder = ReportDir::at(args.output.out.clone().unwrap_or_else(|| ReportDir::usual(&profile.name, seed)));
    let signals = match stop_signals(args.output.quiet) {
        Ok(signals) => signals,
        Err(exit) => return exit,
    };
    if let Some(why) = folder.obstacle() {
        write_stderr([why]);
        return Exit::Broken;
    }
    let planned = PlannedCourse::of(&profile, plan.cost().duration);
    let told = (args.output.quiet, args.output.color);
    let telemetry = match RunTelemetry::start(&args.telemetry, told, &access, &signals, planned) {
        Ok(telemetry) => telemetry,
        Err(exit) => return exit,
    };
    let job = RunJob { args, profile, access, watched, dialect, gates, faults, signals, telemetry, control: None };
    play_all(job, plan, &folder)
}

/// Plays the share, the control run, the repeats or the one run that the arguments ask for.
fn play_all(mut job: RunJob<'_>, plan: Plan, folder: &ReportDir) -> Exit {
    let (args, seed) = (job.args, plan.seed);
    if let (Some(share), Some(start_at)) = (args.fleet.share, args.fleet.start_at) {
        return run_share(&job, plan, share, start_at, folder);
    }
    if args.trust.control {
        match job.run_control(&job.run_spec(plan)) {
            // A signal ends the run too, before its first peer.
            Ok(FinishedRun { stop: Some(Stop::Signal(_)), .. }) => {}
            Ok(done) => job.control = Some(control_floor(done.summary)),
            Err(exit) => return exit,
        }
    }
    if args.trust.repeat > 1 {
        let (times, on_invalid) = (args.trust.repeat, job.profile.validity.on_invalid);
        let telemetry = job.telemetry.as_ref();
        let runs = RepeatedRun { times, gates: &job.gates, on_invalid, output: &args.output, telemetry };
        return runs.play(folder.path(), &mut |index, folder| {
            let done = job.run_with_retries(Seed(seed.0.wrapping_add(index.into())))?;
            Ok(job.finish_context(folder).judge(done.into()))
        });
    }
    match job.run_with_retries(seed) {
        Ok(done) => job.finish_context(folder).finish(done.into()),
        Err(exit) => exit,
    }
}

/// Peers of each scenario, in the largest plan among the repeats; room sizes that are drawn differ from seed to seed.
fn peers_max(args: &RunArgs, plan: &Plan) -> Vec<u64> {
    let later = (1..u64::from(args.trust.repeat)).map(|repeat| Seed(plan.seed.0.wrapping_add(repeat)));
    let peers = later.map(|seed| Plan::new(plan.profile.clone(), seed).peers_of_scenarios());
    let larger =
        |one: Vec<u64>, other: Vec<u64>| one.into_iter().zip(other).map(|(one, other)| one.max(other)).collect();
    peers.fold(plan.peers_of_scenarios(), larger)
}
