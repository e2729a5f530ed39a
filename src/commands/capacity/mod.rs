//! `meshload capacity`: from the parsed arguments to the planning report and the exit code.

mod probes;
mod search;

use super::Exit;
use super::fleet::lead::lead_access;
use super::fleet::search::FleetSearch;
use super::inputs::access::access;
use super::inputs::auto::settled_profile;
use super::inputs::watched::watched;
use super::inputs::{self, faults, gates};
use super::report::files::format;
use super::report::report_dir::ReportDir;
use super::report::runs;
use super::run::run_job::report_start_error;
use super::run::telemetry::RunTelemetry;
use super::terminal::{confirm_signal, exit_on_signal, seed, write_stderr, write_stdout};
use crate::capacity::{
    CapacityResult, Evidence, LimitedBy, LoadRange, Probe, ProbeVerdict, Reproduction, SearchContext, SearchGate,
    StoppedBy, Vary,
};
use crate::capacity_run::{CapacityRun, CapacityRunResult, Cooldown, TokenCounts, capacity_run};
use crate::cli::{CapacityArgs, TelemetryArgs};
use crate::controller::{StartError, StopSignals};
use crate::gates::{Aggregation, Gate};
use crate::os::{machine_limits, raise_descriptors};
use crate::plan::Plan;
use crate::profile::{OnInvalid, Profile, to_toml};
use crate::report::{files, render};
use crate::summary::{Doubt, Run, wall_time::to_rfc3339};
use crate::telemetry::PlannedCourse;
use crate::vocabulary::Seed;
use crate::vocabulary::format::known;
use probes::ProbePlayer;
use search::range;
use std::time::{Duration, Instant, SystemTime};

const DEFAULT_PROFILE: &str = "capacity";

pub fn capacity(args: &CapacityArgs) -> Exit {
    run_search(args).unwrap_or_else(|exit| exit)
}

/// Searches, and writes the report.
///
/// # Errors
/// The exit of inputs that can't be used; stderr already has every problem.
fn run_search(args: &CapacityArgs) -> Result<Exit, Exit> {
    let name = args.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
    let profile = settled_profile(name, &args.shape, &args.change, &args.access)?;
    let rules = profile.faults.iter().map(|line| (line.rule.as_str(), line.at.as_str()));
    let (gates, faults, dialect) = match (gates::read(&profile), faults::read(rules), inputs::dialect(&profile)) {
        (Ok(gates), Ok(faults), Ok(dialect)) => (gates, faults, dialect),
        (Err(exit), ..) | (_, Err(exit), _) | (.., Err(exit)) => return Err(exit),
    };
    let seed = seed(args.change.seed, args.quiet);
    let (range, beside) = search_inputs(args, &profile, &gates, seed).map_err(|why| {
        write_stderr([why]);
        Exit::Usage
    })?;
    let least = Plan::new(args.search.vary.apply(&profile, range.from), seed);
    let access = if args.lead.bus.is_some() {
        lead_access(&args.access)
    } else {
        access(&args.access, &profile, dialect.data_columns(), &least.peers_of_scenarios())?
    };
    let watched = watched(&args.watch, &access, args.load.wait_for_target)?;
    raise_descriptors();
    let folder = folder(args, &profile, seed);
    if let Some(why) = folder.obstacle() {
        write_stderr([why]);
        return Err(Exit::Broken);
    }
    let quiet = args.quiet;
    let signals = StopSignals::listen(move |signal| confirm_signal(signal, quiet), exit_on_signal)
        .map_err(|error| report_start_error(&StartError::Own(error)))?;
    let tell = move |line: String| {
        if !quiet {
            write_stderr([line]);
        }
    };
    let shown = TelemetryArgs { metrics: args.metrics.clone(), live: false };
    let telemetry = RunTelemetry::start(&shown, (quiet, args.color), &access, &signals, PlannedCourse::default())?;
    let metrics = telemetry.as_ref().map(RunTelemetry::feed);
    let fleet = FleetSearch::open(args, (&least, &dialect, watched.clone(), metrics), &signals, &tell)?;
    let job = CapacityRun { tokens: TokenCounts::of(&access), ..job(args, profile, gates, (range, seed)) };
    let (began, started_at) = (Instant::now(), to_rfc3339(SystemTime::now()));
    tell(announcement(&job));
    let (gates, validity, telemetry) = (job.gates.clone(), job.profile.validity.clone(), telemetry.as_ref());
    let (signals, dialect) = (signals.clone(), &dialect);
    let mut probes = ProbePlayer { args, access, dialect, gates, faults, watched, validity, signals, telemetry, fleet };
    let signals = probes.signals.clone();
    let cooldown = Cooldown::new(args.restart_cmd.clone(), signals.clone())
        .map_err(|error| report_start_error(&StartError::Own(error)))?;
    let mut shown = 0;
    let mut play = |plan, load, after_restart| probes.play(plan, load, after_restart);
    let (mut searched, failed) = capacity_run(&job, cooldown, &mut play, &mut |probe| {
        shown += 1;
        tell(probe_line(shown, job.vary, &job.profile, probe));
    });
    probes.close();
    let failed = failure(failed, &mut searched, &signals)?;
    let exit = finish(args, &job, searched, (&started_at, began.elapsed()), beside, (&folder, telemetry));
    Ok(exit.first_of(failed))
}

/// The search that the arguments ask for.
fn job(args: &CapacityArgs, profile: Profile, gates: Vec<Gate>, (range, seed): (LoadRange, Seed)) -> CapacityRun {
    CapacityRun {
        vary: args.search.vary,
        range,
        steps: args.search.steps.iter().map(|step| step.number).collect(),
        gates,
        seed: seed.0,
        budget: args.search.budget,
        counts_invalid: profile.validity.on_invalid == OnInvalid::Warn,
        machine: machine_limits(),
        machines: args.lead.agents.unwrap_or(1),
        tokens: TokenCounts::default(),
        profile,
    }
}

/// The exit of the probe that could not start, if there is one.
///
/// # Errors
/// It was the first, so that there is nothing to report.
fn failure(failed: Option<Exit>, searched: &mut CapacityRunResult, signals: &StopSignals) -> Result<Exit, Exit> {
    match failed {
        Some(exit) if searched.probes.is_empty() => return Err(exit),
        Some(_) => signals.received().into_iter().for_each(|signal| searched.stop(signal)),
        None => {}
    }
    Ok(failed.unwrap_or(Exit::Passed))
}

type SearchInputs = (LoadRange, Option<CapacityResult>);

/// Checks the loads and the result to compare with.
///
/// # Errors
/// One sentence about the first unusable one.
fn search_inputs(args: &CapacityArgs, profile: &Profile, gates: &[Gate], seed: Seed) -> Result<SearchInputs, String> {
    let range = range(&args.search, profile, gates, seed)?;
    let beside = args.beside.as_deref().map(runs::read_search).transpose()?;
    Ok((range, beside))
}

/// Folder of the report.
fn folder(args: &CapacityArgs, profile: &Profile, seed: Seed) -> ReportDir {
    let usual = || ReportDir::usual(&format!("capacity-{}", profile.name), seed);
    ReportDir::at(args.out.clone().unwrap_or_else(usual))
}

fn announcement(job: &CapacityRun) -> String {
    let CapacityRun { vary, profile, range, .. } = job;
    format!(
        "{}: from {} up to {}, to {}; at most {:.0} s; seed {}",
        profile.name,
        vary.label(profile, range.from),
        vary.label(profile, range.to),
        profile.target.url_shown.as_deref().unwrap_or("an embedded server, a fresh one each time"),
        job.budget.as_secs_f64(),
        job.seed
    )
}

/// One line about a finished probe.
fn probe_line(index: usize, vary: Vary, profile: &Profile, probe: &Probe) -> String {
    let ms = |us: Option<u64>| known(us, |us| format!("{:.0} ms", us as f64 / 1e3));
    let why = match probe.verdict {
        ProbeVerdict::Broke => probe.why_broke(),
        ProbeVerdict::NotValid => probe.validity.reasons.first().map(Doubt::in_short),
        _ => None,
    };
    let why = why.map_or(String::new(), |why| format!(", {why}"));
    format!(
        "{index:>3}  {}  p50 {}  p95 {}  p99 {}  {}{why}",
        vary.label(profile, probe.load),
        ms(probe.p50_us),
        ms(probe.p95_us),
        ms(probe.p99_us),
        probe.verdict.name()
    )
}

/// Writes and prints the report, and returns the exit.
fn finish(
    args: &CapacityArgs,
    job: &CapacityRun,
    searched: CapacityRunResult,
    when: (&str, Duration),
    beside: Option<CapacityResult>,
    (folder, telemetry): (&ReportDir, Option<&RunTelemetry>),
) -> Exit {
    write_stderr(&searched.notes);
    let mut exit = Exit::Passed;
    if let Some(lack) = &searched.lack {
        write_stderr([search::too_few_samples_advice(job, lack, searched.probes.last())]);
    }
    if searched.panics > 0 {
        exit = exit.first_of(Exit::Broken);
    }
    exit = match searched.stopped_by {
        Some(StoppedBy::Unreachable) => exit.first_of(Exit::Unreachable),
        Some(StoppedBy::Restart) => exit.first_of(Exit::Broken),
        _ => exit,
    };
    if let Some(signal) = searched.signal {
        exit = exit.first_of(Exit::from(signal));
    }
    let findings = CapacityResult {
        beside: beside.map(CapacityResult::for_comparison).map(Box::new),
        ..conclude(args, job, searched, when)
    };
    exit = exit.first_of(exit_of(&findings));

    let mut files = files(&findings);
    files.push(("profile.toml", to_toml(&job.profile).as_bytes().to_vec()));
    let written = folder.replace(files, &[]);
    if let Err(why) = &written {
        write_stderr([why]);
        exit = exit.first_of(Exit::Broken);
    }
    exit = exit.first_of(write_stdout(render(format(args.format, args.color, false), &findings)));
    telemetry.into_iter().for_each(RunTelemetry::wait_for_last_scrape);
    if written.is_ok() {
        write_stderr([format!("report: {}", folder.path().display())]);
    }
    exit
}

fn conclude(
    args: &CapacityArgs,
    job: &CapacityRun,
    searched: CapacityRunResult,
    (started_at, lasted): (&str, Duration),
) -> CapacityResult {
    let run = searched.last.map(|summary| (summary.meshload, summary.run));
    let (meshload, run) = run.unwrap_or_default();
    let CapacityRun { vary, profile, .. } = job;
    let target = profile.target.url_shown.clone().unwrap_or_else(|| "an embedded server".to_owned());
    let command = |load: f64| {
        let (changed, target) = (vary.apply(profile, load), target_options(args, profile));
        let options = vary.options(&changed)?;
        Some(format!("meshload run profile.toml {options}{target} --seed {}", job.seed))
    };
    CapacityResult::new(Evidence {
        vary: *vary,
        profile,
        ends: searched.ends,
        held_trials: searched.held_trials,
        stopped_by: searched.stopped_by,
        headroom: args.search.headroom,
        require: args.search.require.map(|require| require.number),
        gates: job.gates.iter().map(gate_line).collect(),
        reproduction: Reproduction {
            search: search_command(args, job),
            run: searched.ends.held.and_then(command),
            broken_run: searched.ends.broke.and_then(command),
        },
        scope: SearchContext {
            meshload,
            profile: profile.name.clone(),
            tags: profile.tags.clone(),
            target: Run { target, ..run.clone() }.destination(),
            dialect: run.dialect,
            engine: run.engine,
            started_at: started_at.to_owned(),
            duration_us: lasted.as_micros() as u64,
            machine: run.machine,
        },
        counts_invalid: job.counts_invalid,
        probes: searched.probes,
    })
}

fn search_command(args: &CapacityArgs, job: &CapacityRun) -> String {
    let target = target_options(args, &job.profile);
    let steps: Vec<String> = job.steps.iter().map(f64::to_string).collect();
    let steps = if steps.is_empty() { String::new() } else { format!(" --steps {}", steps.join(",")) };
    format!(
        "meshload capacity profile.toml --vary {} --from {} --to {}{steps} --resolution {}% --headroom {}% --seed {}{target}",
        job.vary.name(),
        job.range.from,
        job.range.to,
        args.search.resolution * 100.0,
        args.search.headroom * 100.0,
        job.seed
    )
}

/// Options that make a command use the same target; empty for the embedded server.
fn target_options(args: &CapacityArgs, profile: &Profile) -> String {
    let target = profile.target.url_shown.as_ref();
    let bus = args.lead.agents.map(|agents| format!(" --bus \"$MESHLOAD_BUS\" --agents {agents}")).unwrap_or_default();
    target.map(|url| format!(" --target {url}{}{bus}", args.access.repro_options())).unwrap_or_default()
}

fn gate_line(gate: &Gate) -> SearchGate {
    let is_a_time = !matches!(gate.aggregation, Aggregation::Count | Aggregation::Rate | Aggregation::Value);
    let is_on_the_chart = gate.metric.is_of_run("time_to_open") && is_a_time;
    SearchGate {
        gate: gate.to_string(),
        words: gate.in_words(),
        limit_us: is_on_the_chart.then_some(gate.number as u64),
    }
}

/// Exit for the search result.
fn exit_of(findings: &CapacityResult) -> Exit {
    match (findings.limit, findings.limited_by) {
        (None, LimitedBy::Target) => Exit::Failed,
        // Stopped by a signal before the first answer; the signal's own code takes precedence.
        (None, _) if findings.stopped_by == Some(StoppedBy::Signal) => Exit::Passed,
        (None, _) if findings.stopped_by == Some(StoppedBy::Samples) => Exit::Usage,
        (None, _) => Exit::Invalid,
        (Some(limit), limited_by) => match findings.require {
            Some(require) if limit < require && limited_by == LimitedBy::Generator => Exit::Invalid,
            Some(require) if limit < require => Exit::Failed,
            _ => Exit::Passed,
        },
    }
}
