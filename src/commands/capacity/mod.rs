//! `meshload capacity`: from what was typed to the planning report and the exit code.

mod search;

use super::inputs::access::access;
use super::inputs::{self, faults, gates};
use super::report::files::form;
use super::report::report_dir::ReportDir;
use super::report::runs;
use super::run::run_job::{order, show, turn_away};
use super::terminal::{acknowledge, complain, end_at_once, seed, write};
use super::{Exit, limits, machine};
use crate::capacity::{
    CapacityResult, Evidence, LimitedBy, LoadRange, Probe, ProbeVerdict, Reproduction, SearchContext, SearchGate,
    StoppedBy, Vary, findings,
};
use crate::capacity_run::{CapacityRun, CapacityRunResult, MetricsUrl, Watched, capacity_run};
use crate::cli::CapacityArgs;
use crate::controller::{Show, StartError, StopSignals};
use crate::gates::{Aggregation, Gate};
use crate::plan::Plan;
use crate::profile::{OnInvalid, Profile, to_toml};
use crate::report::capacity::{files, render};
use crate::signaling::TargetPolicy;
use crate::summary::run::Run;
use crate::summary::wall_time::stamp;
use crate::vocabulary::seed::Seed;
use search::range;
use std::time::{Duration, Instant, SystemTime};

const DEFAULT_PROFILE: &str = "capacity";

pub fn capacity(args: &CapacityArgs) -> Exit {
    let name = args.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
    let profile = match inputs::profile(name, &args.shape, &args.change) {
        Ok(profile) => profile,
        Err(exit) => return exit,
    };
    let rules = profile.faults.iter().map(|line| (line.rule.as_str(), line.at.as_str()));
    let (gates, faults, dialect) = match (gates::read(&profile), faults::read(rules), inputs::dialect(&profile)) {
        (Ok(gates), Ok(faults), Ok(dialect)) => (gates, faults, dialect),
        (Err(exit), ..) | (_, Err(exit), _) | (.., Err(exit)) => return exit,
    };
    let seed = seed(args.change.seed, args.quiet);
    let (range, watched, beside) = match asked(args, &profile, &gates, seed) {
        Ok(asked) => asked,
        Err(why) => {
            complain([why]);
            return Exit::Usage;
        }
    };
    let least = args.search.vary.apply(&profile, range.from);
    let access = match access(&args.access, &profile.target, Plan::new(least, seed).peers()) {
        Ok(access) => access,
        Err(exit) => return exit,
    };
    limits::raise_descriptors();
    let folder = folder(args, &profile, seed);
    if !args.quiet {
        complain(folder.obstacle());
    }
    let quiet = args.quiet;
    let signals = match StopSignals::listen(move |signal| acknowledge(signal, quiet), end_at_once) {
        Ok(signals) => signals,
        Err(error) => return turn_away(&StartError::Own(error)),
    };
    let task = CapacityRun {
        signals,
        vary: args.search.vary,
        range,
        gates,
        seed: seed.0,
        budget: args.search.budget,
        counts_invalid: profile.validity.on_invalid == OnInvalid::Warn,
        machine: machine::measure(),
        watched,
        tokens: args.access.tokens.as_ref().map(|_| access.tokens.len() as u64),
        restart: args.watch.restart_cmd.clone(),
        profile,
    };
    let show = match show(args.quiet || args.no_progress, args.color) {
        // The probes' own lines are enough where there are no bars.
        Show::Lines => Show::Nothing,
        show => show,
    };
    let (began, started_at) = (Instant::now(), stamp(SystemTime::now()));
    if !args.quiet {
        complain([announcement(&task)]);
    }
    let order = |plan| order(&args.load, access.clone(), show, plan, dialect.clone(), vec![], faults.clone());
    let mut told = 0;
    let searched = capacity_run(&task, &order, &mut |probe| {
        told += 1;
        if !args.quiet {
            complain([line(told, task.vary, &task.profile, probe)]);
        }
    });
    match searched {
        Ok(searched) => close(args, &task, searched, (&started_at, began.elapsed()), beside, &folder),
        Err(start_error) => turn_away(&start_error),
    }
}

type Asked = (LoadRange, Watched, Option<CapacityResult>);

/// What the search goes over, looks at and is laid beside. Errors: one sentence on what can't be.
fn asked(args: &CapacityArgs, profile: &Profile, gates: &[Gate], seed: Seed) -> Result<Asked, String> {
    let range = range(&args.search, profile, gates, seed)?;
    let beside = args.beside.as_deref().map(runs::read_search).transpose()?;
    Ok((range, watched(args)?, beside))
}

/// Where the report goes.
fn folder(args: &CapacityArgs, profile: &Profile, seed: Seed) -> ReportDir {
    let usual = || ReportDir::usual(&format!("capacity-{}", profile.name), seed);
    ReportDir::at(args.out.clone().unwrap_or_else(usual))
}

/// What of the target is looked at. Errors: one sentence on what can't be.
fn watched(args: &CapacityArgs) -> Result<Watched, String> {
    let metrics = args.watch.target_metrics.as_deref().map(MetricsUrl::read).transpose();
    let watched = Watched {
        pid: args.watch.target_pid,
        metrics: metrics.map_err(|why| format!("--target-metrics {why}"))?,
        reach: TargetPolicy { allowed_hosts: args.access.allow_target.clone(), ..TargetPolicy::default() },
    };
    watched.check().map(|()| watched)
}

fn announcement(task: &CapacityRun) -> String {
    let CapacityRun { vary, profile, range, .. } = task;
    format!(
        "{}: from {} up to {}, to {}; at most {:.0} s; seed {}",
        profile.name,
        vary.words(profile, range.from),
        vary.words(profile, range.to),
        profile.target.url_shown.as_deref().unwrap_or("an embedded server, a fresh one each time"),
        task.budget.as_secs_f64(),
        task.seed
    )
}

/// One probe as it ends, on stderr.
fn line(index: usize, vary: Vary, profile: &Profile, probe: &Probe) -> String {
    let ms = |us: Option<u64>| us.map_or("–".to_owned(), |us| format!("{:.0} ms", us as f64 / 1e3));
    let verdict = match probe.verdict {
        ProbeVerdict::Held => "held".to_owned(),
        ProbeVerdict::Broke => {
            let gate = probe.gates.iter().find(|gate| !gate.ok);
            gate.map_or("broke".to_owned(), |gate| format!("broke {}: {}", gate.metric, gate.expr))
        }
        ProbeVerdict::NotValid => {
            let doubt = probe.validity.reasons.first();
            doubt.map_or("not valid".to_owned(), |doubt| format!("not valid, {}: {}", doubt.what, doubt.observed))
        }
        ProbeVerdict::NotJudged => "not judged".to_owned(),
        ProbeVerdict::Interrupted => "stopped".to_owned(),
    };
    format!(
        "{index:>3}  {}  p50 {}  p95 {}  p99 {}  {verdict}",
        vary.words(profile, probe.load),
        ms(probe.p50_us),
        ms(probe.p95_us),
        ms(probe.p99_us)
    )
}

/// Writes and shows the report, and says how the search ended.
fn close(
    args: &CapacityArgs,
    task: &CapacityRun,
    searched: CapacityRunResult,
    when: (&str, Duration),
    beside: Option<CapacityResult>,
    folder: &ReportDir,
) -> Exit {
    complain(&searched.notes);
    let mut exit = Exit::Passed;
    if let Some(lack) = &searched.lack {
        complain([search::unjudged(task, lack, searched.probes.last())]);
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
        beside: beside.map(CapacityResult::aside).map(Box::new),
        ..conclude(args, task, searched, when)
    };
    exit = exit.first_of(judge(&findings));

    let mut files = files(&findings);
    files.push(("profile.toml", to_toml(&task.profile).as_bytes().to_vec()));
    let written = folder.write(files);
    if let Err(why) = &written {
        complain([why]);
        exit = exit.first_of(Exit::Broken);
    }
    exit = exit.first_of(write(render(form(args.format), &findings)));
    if written.is_ok() {
        complain([format!("report: {}", folder.path().display())]);
    }
    exit
}

fn conclude(
    args: &CapacityArgs,
    task: &CapacityRun,
    searched: CapacityRunResult,
    (started_at, lasted): (&str, Duration),
) -> CapacityResult {
    let run = searched.last.map(|summary| (summary.meshload, summary.run));
    let (meshload, run) = run.unwrap_or_default();
    let CapacityRun { vary, profile, .. } = task;
    let target = profile.target.url_shown.clone().unwrap_or_else(|| "an embedded server".to_owned());
    let command = |load: f64| {
        let (changed, target) = (vary.apply(profile, load), way_in(args, profile));
        let options = vary.options(&changed)?;
        Some(format!("meshload run profile.toml {options}{target} --seed {}", task.seed))
    };
    findings(Evidence {
        vary: *vary,
        profile,
        ends: searched.ends,
        held_trials: searched.held_trials,
        stopped_by: searched.stopped_by,
        headroom: args.search.headroom,
        require: args.search.require.map(|require| require.number),
        gates: task.gates.iter().map(gate_line).collect(),
        reproduction: Reproduction {
            search: search_command(args, task),
            run: searched.ends.held.and_then(command),
            broken_run: searched.ends.broke.and_then(command),
        },
        scope: SearchContext {
            meshload,
            profile: profile.name.clone(),
            target: Run { target, ..run.clone() }.destination(),
            dialect: run.dialect,
            engine: run.engine,
            started_at: started_at.to_owned(),
            duration_us: lasted.as_micros() as u64,
            machine: run.machine,
        },
        counts_invalid: task.counts_invalid,
        probes: searched.probes,
    })
}

fn search_command(args: &CapacityArgs, task: &CapacityRun) -> String {
    let target = way_in(args, &task.profile);
    format!(
        "meshload capacity profile.toml --vary {} --from {} --to {} --resolution {}% --headroom {}% --seed {}{target}",
        task.vary.name(),
        task.range.from,
        task.range.to,
        args.search.resolution * 100.0,
        args.search.headroom * 100.0,
        task.seed
    )
}

/// The options by which a command meets the same target: none for an embedded one.
fn way_in(args: &CapacityArgs, profile: &Profile) -> String {
    let target = profile.target.url_shown.as_ref();
    target.map(|url| format!(" --target {url}{}", args.access.again())).unwrap_or_default()
}

fn gate_line(gate: &Gate) -> SearchGate {
    let is_a_time = !matches!(gate.aggregation, Aggregation::Count | Aggregation::Rate | Aggregation::Value);
    let is_on_the_chart = gate.metric.name == "time_to_open" && is_a_time;
    SearchGate { gate: gate.to_string(), limit_us: is_on_the_chart.then_some(gate.number as u64) }
}

/// What the answer means for a script.
fn judge(findings: &CapacityResult) -> Exit {
    match (findings.limit, findings.limited_by) {
        (None, LimitedBy::Target) => Exit::Failed,
        // A signal before the first answer; its own code goes before this one.
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
