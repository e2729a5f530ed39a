//! `meshload run --bus`: leads agents through the plan, and makes the report of their parts.

use super::bus::{ended, run_name, settings};
use super::merge::MergeReport;
use crate::cli::RunArgs;
use crate::commands::Exit;
use crate::commands::report::report_dir::ReportDir;
use crate::commands::run::repeat::RepeatedRun;
use crate::commands::run::run_job::{run_id, stop_signals};
use crate::commands::terminal::{seed, write_stderr};
use crate::controller::StopSignals;
use crate::dialect::Dialect;
use crate::fleet::{Coordinator, FleetRules, Part, PlanOffer, RoundOffer, RunName};
use crate::gates::Gate;
use crate::plan::Plan;
use crate::profile::{Profile, to_toml};
use crate::vocabulary::format::plural;

/// Leads the run to its report. Nothing here touches the target.
pub(in crate::commands) fn run_over_bus(args: &RunArgs, profile: Profile, dialect: &Dialect, gates: &[Gate]) -> Exit {
    let quiet = args.output.quiet;
    if let Some(why) = obstacle(args, &profile) {
        write_stderr([why]);
        return Exit::Usage;
    }
    let run = match run_name(args.fleet.run.as_deref()) {
        Ok(run) => run,
        Err(exit) => return exit,
    };
    let agents = args.fleet.agents.unwrap_or(1);
    let seed = seed(args.change.seed, quiet);
    let plan = Plan::new(profile, seed);
    let mut problems = plan.problems();
    if plan.rooms.len() < agents as usize {
        let rooms = plural(plan.rooms.len() as u64, "room");
        problems.push(format!("--agents {agents}: the plan has {rooms}, and a room is never split"));
    }
    if !problems.is_empty() {
        write_stderr(problems);
        return Exit::Usage;
    }
    let folder = args.output.out.clone().unwrap_or_else(|| ReportDir::usual(&plan.profile.name, seed));
    let folder = ReportDir::at(folder);
    if let Some(why) = folder.obstacle() {
        write_stderr([why]);
        return Exit::Broken;
    }
    let signals = match stop_signals(quiet) {
        Ok(signals) => signals,
        Err(exit) => return exit,
    };
    if gates.iter().any(|gate| gate.abort) && !quiet {
        write_stderr(["note: over the bus a gate marked abort is judged at the end, as the others are"]);
    }
    lead(args, (&plan, dialect, gates), &run, &signals, folder)
}

/// One sentence if the arguments ask for what runs on several machines don't do.
fn obstacle(args: &RunArgs, profile: &Profile) -> Option<String> {
    let watches = &args.watch;
    let not_here = [
        (args.trust.control, "--control"),
        (args.trust.retry_invalid > 0, "--retry-invalid"),
        (args.keep.events, "--events"),
        (watches.target_pid.is_some() || watches.target_metrics.is_some(), "--target-pid and --target-metrics"),
        (!args.load.wait_for_target.is_zero(), "--wait-for-target"),
    ];
    if let Some((_, option)) = not_here.iter().find(|(is_given, _)| *is_given) {
        return Some(format!("{option}: not with --bus; it is for runs on one machine"));
    }
    if profile.target.url.is_none() {
        return Some("--bus: name the --target that all agents load; an embedded server serves one process".to_owned());
    }
    if !args.access.repro_options().is_empty() || args.load.workers.is_some() {
        let own = "--tokens, --data, --ca, --cert, --key, --insecure, --connect-to, --no-proxy and --workers";
        return Some(format!("--bus: {own} are each machine's own; give them to `meshload agent`"));
    }
    None
}

fn lead(
    args: &RunArgs,
    (plan, dialect, gates): (&Plan, &Dialect, &[Gate]),
    run: &RunName,
    signals: &StopSignals,
    folder: ReportDir,
) -> Exit {
    let offer = offer(args, plan, dialect);
    let rules = FleetRules {
        silence: args.fleet.lost_after,
        gather_max: args.fleet.join_timeout,
        tolerate_loss: args.fleet.tolerate_loss,
        edges: (0..offer.agents as usize).map(|slot| plan.share(slot, offer.agents as usize).edges()).collect(),
    };
    let quiet = args.output.quiet;
    let tell = move |line: String| {
        if !quiet {
            write_stderr([line]);
        }
    };
    let bus = settings(args.fleet.bus.as_deref().unwrap_or_default(), &args.fleet.tls);
    let mut coordinator = match Coordinator::open(&bus, run, &offer, rules, signals, &tell) {
        Ok(coordinator) => coordinator,
        Err(error) => return ended(&error),
    };
    let cost = plan.cost();
    tell(format!(
        "{}: {} in {}, {}, on {}; seed {}",
        plan.profile.name,
        plural(cost.peers, "peer"),
        plural(cost.rooms, "room"),
        plural(cost.edges, "edge"),
        plural(u64::from(offer.agents), "agent"),
        plan.seed.0
    ));
    // Shown even if quiet: without it no agent can join.
    write_stderr([format!("run: {run}; on each machine: meshload agent --bus URL --run {run}")]);
    let report = |folder: ReportDir| {
        let tolerate_loss = args.fleet.tolerate_loss;
        MergeReport { output: &args.output, tolerate_loss, signals, folder: Some(folder) }
    };
    if args.trust.repeat == 1 {
        let parts = parts(&mut coordinator, 1, &offer.rounds[0]);
        coordinator.close("the run is over");
        return parts.map_or_else(|exit| exit, |parts| report(folder).finish(parts));
    }
    let (times, on_invalid) = (args.trust.repeat, plan.profile.validity.on_invalid);
    let runs = RepeatedRun { times, gates, on_invalid, output: &args.output };
    let exit = runs.play(folder.path(), &mut |index, folder| {
        let parts = parts(&mut coordinator, u32::from(index) + 1, &offer.rounds[usize::from(index)])?;
        report(ReportDir::at(folder.path())).judge(parts)
    });
    coordinator.close("the run is over");
    exit
}

/// The parts of a round, counted from 1.
///
/// # Errors
/// It did not begin, or no part came; stderr has it already.
fn parts(coordinator: &mut Coordinator<'_>, round: u32, offer: &RoundOffer) -> Result<Vec<Part>, Exit> {
    let parts = coordinator.play(round, offer).map_err(|error| ended(&error))?;
    if parts.is_empty() {
        write_stderr(["no agent reported, so that there is nothing to show; part.mesh may be on their machines"]);
        return Err(Exit::Incomplete);
    }
    Ok(parts)
}

fn offer(args: &RunArgs, plan: &Plan, dialect: &Dialect) -> PlanOffer {
    let round = |index: u64| RoundOffer { seed: plan.seed.0.wrapping_add(index), run_id: run_id() };
    PlanOffer {
        agents: args.fleet.agents.unwrap_or(1),
        silence: args.fleet.lost_after,
        profile: to_toml(&plan.profile).to_owned(),
        dialect: dialect.name().to_owned(),
        dialect_text: dialect.file_text().map(str::to_owned),
        plan_sha256: plan.sha256(dialect.file_text()),
        traces: args.keep.traces,
        rounds: (0..u64::from(args.trust.repeat)).map(round).collect(),
    }
}
