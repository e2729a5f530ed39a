//! `meshload run --bus`: leads agents through the plan, and makes the report of their parts.

use super::bus::abort_gates;
use super::lead::{FleetLead, LeadRules, OfferTerms, agents, lead_access, lead_obstacle, too_few_rooms};
use super::merge::{MergeReport, merged};
use crate::cli::RunArgs;
use crate::commands::Exit;
use crate::commands::inputs::watched::watched;
use crate::commands::report::report_dir::ReportDir;
use crate::commands::run::repeat::RepeatedRun;
use crate::commands::run::run_job::{control_obstacle, is_worth_a_retry, retry_line, stop_signals};
use crate::commands::run::telemetry::RunTelemetry;
use crate::commands::terminal::{seed, write_stderr};
use crate::controller::StopSignals;
use crate::dialect::Dialect;
use crate::fleet::MergedRun;
use crate::gates::Gate;
use crate::plan::Plan;
use crate::profile::Profile;
use crate::telemetry::PlannedCourse;
use crate::vocabulary::Seed;
use crate::vocabulary::format::plural;

/// Leads the run to its report. Nothing here touches the target, but for the metrics of `--target-metrics`.
pub(in crate::commands) fn run_over_bus(args: &RunArgs, profile: Profile, dialect: &Dialect, gates: &[Gate]) -> Exit {
    let quiet = args.output.quiet;
    if let Some(why) = obstacle(args, &profile, dialect) {
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
fn obstacle(args: &RunArgs, profile: &Profile, dialect: &Dialect) -> Option<String> {
    if args.telemetry.live {
        return Some(
            "--live: not with --bus; give it to `meshload agent`, which knows the rooms of its share".to_owned(),
        );
    }
    lead_obstacle(profile, !args.access.repro_options().is_empty() || args.load.workers.is_some())
        .or_else(|| control_obstacle(dialect).filter(|_| args.trust.control))
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
    let access = lead_access(&args.access);
    let planned = PlannedCourse::of(&plan.profile, plan.cost().duration);
    let told = (quiet, args.output.color);
    let telemetry = RunTelemetry::start(&args.telemetry, told, &access, signals, planned)?;
    let watched = watched(&args.watch, &access, args.load.wait_for_target)?;
    let metrics = telemetry.as_ref().map(RunTelemetry::feed);
    let rules = LeadRules { tolerate_loss, gates: abort_gates(gates), watched, metrics };
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
    let telemetry = telemetry.as_ref();
    let output = &args.output;
    let report = |folder| MergeReport { output, tolerate_loss, signals, telemetry, folder: Some(folder) };
    let terms = OfferTerms {
        traces: args.keep.traces,
        events_bytes_max: args.keep.events.then_some(args.keep.events_max),
        control: args.trust.control,
        wait_for_target: args.load.wait_for_target,
        ..OfferTerms::default()
    };
    let (times, retries) = (args.trust.repeat, args.trust.retry_invalid);
    if times == 1 {
        let ended =
            play_with_retries(&mut lead, (plan, dialect), OfferTerms { is_last: true, ..terms }, retries, &tell);
        lead.close();
        return Ok(report(folder).finish(ended?));
    }
    let on_invalid = plan.profile.validity.on_invalid;
    let runs = RepeatedRun { times, gates, on_invalid, output: &args.output, telemetry };
    let exit = runs.play(folder.path(), &mut |index, folder| {
        let plan = Plan::new(plan.profile.clone(), Seed(plan.seed.0.wrapping_add(index.into())));
        let terms = OfferTerms { number: Some(u32::from(index) + 1), is_last: index + 1 == times, ..terms };
        let ended = play_with_retries(&mut lead, (&plan, dialect), terms, retries, &tell)?;
        Ok(report(ReportDir::at(folder.path())).judge(ended))
    });
    lead.close();
    Ok(exit)
}

/// Plays the plan, again while the run is INVALID and retries are left, and returns the last run.
///
/// # Errors
/// The first did not begin, or no part came; stderr has it already.
fn play_with_retries(
    lead: &mut FleetLead<'_>,
    (plan, dialect): (&Plan, &Dialect),
    terms: OfferTerms,
    mut retries: u8,
    tell: &dyn Fn(String),
) -> Result<MergedRun, Exit> {
    let mut last: Option<MergedRun> = None;
    loop {
        let terms = OfferTerms { is_last: terms.is_last && retries == 0, ..terms };
        let ended = match (lead.play(plan, dialect, terms), last) {
            (Ok(parts), _) => merged(parts)?,
            // The run before stands if another can't begin.
            (Err(_), Some(before)) => return Ok(before),
            (Err(exit), None) => return Err(exit),
        };
        if retries == 0 || !is_worth_a_retry(&ended.summary, ended.stop, ended.panics) {
            return Ok(ended);
        }
        retries -= 1;
        tell(retry_line(&ended.summary, retries));
        last = Some(ended);
    }
}
