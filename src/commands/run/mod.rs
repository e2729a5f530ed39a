//! `meshload run`: the main job, from what was typed to the report and the exit code.

mod finish;
mod repeat;
pub(super) mod run_job;

use super::inputs::access::access;
use super::inputs::{self, faults, gates};
use super::report::report_dir::ReportDir;
use super::terminal::{acknowledge, complain, end_at_once, seed};
use super::{Exit, limits, machine};
use crate::cli::RunArgs;
use crate::controller::{StartError, StopSignals};
use crate::plan::{Cost, Plan};
use crate::vocabulary::seed::Seed;
use finish::FinishContext;
use repeat::repeat;
use run_job::{RunJob, turn_away};

/// The profile of a run that names none.
const DEFAULT_PROFILE: &str = "smoke";

pub fn run(args: &RunArgs) -> Exit {
    let name = args.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
    let profile = match inputs::profile(name, &args.shape, &args.change) {
        Ok(profile) => profile,
        Err(exit) => return exit,
    };
    // Both are asked before either ends this, so that all is told at once.
    let (gates, dialect) = match (gates::read(&profile), inputs::dialect(&profile)) {
        (Ok(gates), Ok(dialect)) => (gates, dialect),
        (Err(exit), _) | (_, Err(exit)) => return exit,
    };
    let faults = match faults::read(profile.faults.iter().map(|line| (line.rule.as_str(), line.at.as_str()))) {
        Ok(faults) => faults,
        Err(exit) => return exit,
    };
    limits::raise_descriptors();
    let too_much = Cost::of(&profile).check(&machine::measure());
    if !too_much.is_empty() {
        complain(too_much);
        return Exit::Usage;
    }
    let seed = seed(args.change.seed, args.output.quiet);
    let plan = Plan::new(profile.clone(), seed);
    let problems = plan.problems();
    if !problems.is_empty() {
        complain(problems);
        return Exit::Usage;
    }
    let access = match access(&args.access, &profile.target, peers_max(args, &plan)) {
        Ok(access) => access,
        Err(exit) => return exit,
    };
    let folder = ReportDir::at(args.output.out.clone().unwrap_or_else(|| ReportDir::usual(&profile.name, seed)));
    let quiet = args.output.quiet;
    let signals = match StopSignals::listen(move |signal| acknowledge(signal, quiet), end_at_once) {
        Ok(signals) => signals,
        Err(error) => return turn_away(&StartError::Own(error)),
    };
    if !quiet {
        complain(folder.obstacle());
    }
    let mut task = RunJob { args, profile, access, dialect, gates, faults, signals, control: None };
    if args.trust.control {
        match task.floor(plan) {
            Ok(control) => task.control = Some(control),
            Err(exit) => return exit,
        }
    }
    if args.trust.repeat > 1 {
        return repeat(&task, seed, folder.path());
    }
    match task.play(seed) {
        Ok(done) => FinishContext { task: &task, folder: &folder }.close(done),
        Err(exit) => exit,
    }
}

/// The peers of the largest plan among the repeats: sizes that are drawn differ from seed to seed.
fn peers_max(args: &RunArgs, plan: &Plan) -> u64 {
    let later = (1..u64::from(args.trust.repeat)).map(|repeat| Seed(plan.seed.0.wrapping_add(repeat)));
    let peers = later.map(|seed| Plan::new(plan.profile.clone(), seed).peers());
    peers.chain([plan.peers()]).max().unwrap_or(0)
}
