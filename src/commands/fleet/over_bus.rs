//! `meshload run --bus`: leads agents through the plan, and makes the report of their parts.

use super::bus::abort_gates;
use super::lead::{FleetLead, LeadRules, OfferTerms, agents, lead_obstacle, too_few_rooms};
use super::merge::MergeReport;
use crate::cli::RunArgs;
use crate::commands::Exit;
use crate::commands::report::report_dir::ReportDir;
use crate::commands::run::repeat::RepeatedRun;
use crate::commands::run::run_job::stop_signals;
use crate::commands::terminal::{seed, write_stderr};
use crate::controller::StopSignals;
use crate::dialect::Dialect;
use crate::gates::Gate;
use crate::plan::Plan;
use crate::profile::Profile;
use crate::vocabulary::Seed;
use crate::vocabulary::format::plural;

/// Leads the run to its report. Nothing here touches the target.
pub(in crate::commands) fn run_over_bus(args: &RunArgs, profile: Profile, dialect: &Dialect, gates: &[Gate]) -> Exit {
    let quiet = args.output.quiet;
    if let Some(why) = obstacle(args, &profile) {
        write_stderr([why]);
        return Exit::Usage;
    }
    let seed = seed(args.change.seed, quiet);
    let plan = Plan::new(profile, seed);
    let mut problems = plan.problems();
    problems.extend(too_few_rooms(&plan, &args.fleet.lead));
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
    match stop_signals(quiet) {
        Ok(signals) => lead(args, (&plan, dialect, gates), &signals, folder).unwrap_or_else(|exit| exit),
        Err(exit) => exit,
    }
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
    lead_obstacle(profile, !args.access.repro_options().is_empty() || args.load.workers.is_some())
}

/// # Errors
/// The run can't be opened, or does not begin; stderr has it already.
fn lead(
    args: &RunArgs,
    (plan, dialect, gates): (&Plan, &Dialect, &[Gate]),
    signals: &StopSignals,
    folder: ReportDir,
) -> Result<Exit, Exit> {
    let (quiet, tolerate_loss) = (args.output.quiet, args.fleet.tolerate_loss);
    let tell = move |line: String| {
        if !quiet {
            write_stderr([line]);
        }
    };
    let rules = LeadRules { tolerate_loss, gates: abort_gates(gates) };
    let mut lead = FleetLead::open(&args.fleet.lead, rules, signals, &tell)?;
    let cost = plan.cost();
    tell(format!(
        "{}: {} in {}, {}, on {}; seed {}",
        plan.profile.name,
        plural(cost.peers, "peer"),
        plural(cost.rooms, "room"),
        plural(cost.edges, "edge"),
        plural(u64::from(agents(&args.fleet.lead)), "agent"),
        plan.seed.0
    ));
    let report = |folder: ReportDir| MergeReport { output: &args.output, tolerate_loss, signals, folder: Some(folder) };
    let terms = |is_last| OfferTerms { load: None, traces: args.keep.traces, is_last };
    let times = args.trust.repeat;
    if times == 1 {
        let parts = lead.play(plan, dialect, terms(true));
        lead.close();
        return Ok(report(folder).finish(parts?));
    }
    let on_invalid = plan.profile.validity.on_invalid;
    let runs = RepeatedRun { times, gates, on_invalid, output: &args.output, telemetry: None };
    let exit = runs.play(folder.path(), &mut |index, folder| {
        let plan = Plan::new(plan.profile.clone(), Seed(plan.seed.0.wrapping_add(index.into())));
        let parts = lead.play(&plan, dialect, terms(index + 1 == times))?;
        report(ReportDir::at(folder.path())).judge(parts)
    });
    lead.close();
    Ok(exit)
}
