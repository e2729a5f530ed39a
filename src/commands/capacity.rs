//! `meshload capacity`: from what was typed to the planning report and the exit code.

use super::access::access;
use super::folder::Folder;
use super::report::form;
use super::search::{self, range};
use super::stdout::{complain, write};
use super::task::{order, show, turn_away};
use super::terminal::{acknowledge, end_at_once, seed};
use super::{Exit, faults, gates, input, limits, machine};
use crate::capacity::{
    Evidence, Findings, GateLine, LimitedBy, Probe, Range, Reproduction, Scope, StoppedBy, Vary, Verdict, findings,
};
use crate::cli::CapacityArgs;
use crate::controller::{Show, Signals, Trouble};
use crate::gates::{Aggregation, Gate};
use crate::plan::Plan;
use crate::profile::{OnInvalid, Profile, to_toml};
use crate::report::capacity::{files, render};
use crate::signaling::Reach;
use crate::summary::run::Run;
use crate::summary::stamp::stamp;
use crate::surveyor::{MetricsUrl, Survey, Surveyed, Watched, survey};
use crate::vocabulary::seed::Seed;
use std::time::{Duration, Instant, SystemTime};

const DEFAULT_PROFILE: &str = "capacity";

pub fn capacity(args: &CapacityArgs) -> Exit {
    let name = args.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
    let profile = match input::profile(name, &args.shape, &args.change) {
        Ok(profile) => profile,
        Err(exit) => return exit,
    };
    let rules = profile.faults.iter().map(|line| (line.rule.as_str(), line.at.as_str()));
    let (gates, faults, dialect) = match (gates::read(&profile), faults::read(rules), input::dialect(&profile)) {
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
    let signals = match Signals::listen(move |signal| acknowledge(signal, quiet), end_at_once) {
        Ok(signals) => signals,
        Err(error) => return turn_away(&Trouble::Own(error)),
    };
    let task = Survey {
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
    let surveyed = survey(&task, &order, &mut |probe| {
        told += 1;
        if !args.quiet {
            complain([line(told, task.vary, &task.profile, probe)]);
        }
    });
    match surveyed {
        Ok(surveyed) => close(args, &task, surveyed, (&started_at, began.elapsed()), beside, &folder),
        Err(trouble) => turn_away(&trouble),
    }
}

type Asked = (Range, Watched, Option<Findings>);

/// What the search goes over, looks at and is laid beside. Errors: one sentence on what can't be.
fn asked(args: &CapacityArgs, profile: &Profile, gates: &[Gate], seed: Seed) -> Result<Asked, String> {
    let range = range(&args.search, profile, gates, seed)?;
    let beside = args.beside.as_deref().map(search::read).transpose()?;
    Ok((range, watched(args)?, beside))
}

/// Where the report goes.
fn folder(args: &CapacityArgs, profile: &Profile, seed: Seed) -> Folder {
    let usual = || Folder::usual(&format!("capacity-{}", profile.name), seed);
    Folder::at(args.out.clone().unwrap_or_else(usual))
}

/// What of the target is looked at. Errors: one sentence on what can't be.
fn watched(args: &CapacityArgs) -> Result<Watched, String> {
    let metrics = args.watch.target_metrics.as_deref().map(MetricsUrl::read).transpose();
    let watched = Watched {
        pid: args.watch.target_pid,
        metrics: metrics.map_err(|why| format!("--target-metrics {why}"))?,
        reach: Reach { allowed_hosts: args.access.allow_target.clone(), ..Reach::default() },
    };
    watched.check().map(|()| watched)
}

fn announcement(task: &Survey) -> String {
    let Survey { vary, profile, range, .. } = task;
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
        Verdict::Held => "held".to_owned(),
        Verdict::Broke => {
            let gate = probe.gates.iter().find(|gate| !gate.ok);
            gate.map_or("broke".to_owned(), |gate| format!("broke {}: {}", gate.metric, gate.expr))
        }
        Verdict::NotValid => {
            let doubt = probe.validity.reasons.first();
            doubt.map_or("not valid".to_owned(), |doubt| format!("not valid, {}: {}", doubt.what, doubt.observed))
        }
        Verdict::NotJudged => "not judged".to_owned(),
        Verdict::Interrupted => "stopped".to_owned(),
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
    task: &Survey,
    surveyed: Surveyed,
    when: (&str, Duration),
    beside: Option<Findings>,
    folder: &Folder,
) -> Exit {
    complain(&surveyed.notes);
    let mut exit = Exit::Passed;
    if let Some(lack) = &surveyed.lack {
        complain([search::unjudged(task, lack, surveyed.probes.last())]);
    }
    if surveyed.panics > 0 {
        exit = exit.first_of(Exit::Broken);
    }
    exit = match surveyed.stopped_by {
        Some(StoppedBy::Unreachable) => exit.first_of(Exit::Unreachable),
        Some(StoppedBy::Restart) => exit.first_of(Exit::Broken),
        _ => exit,
    };
    if let Some(signal) = surveyed.signal {
        exit = exit.first_of(Exit::from(signal));
    }
    let findings =
        Findings { beside: beside.map(Findings::aside).map(Box::new), ..conclude(args, task, surveyed, when) };
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
    task: &Survey,
    surveyed: Surveyed,
    (started_at, lasted): (&str, Duration),
) -> Findings {
    let run = surveyed.last.map(|summary| (summary.meshload, summary.run));
    let (meshload, run) = run.unwrap_or_default();
    let Survey { vary, profile, .. } = task;
    let target = profile.target.url_shown.clone().unwrap_or_else(|| "an embedded server".to_owned());
    let command = |load: f64| {
        let (changed, target) = (vary.apply(profile, load), way_in(args, profile));
        let options = vary.options(&changed)?;
        Some(format!("meshload run profile.toml {options}{target} --seed {}", task.seed))
    };
    findings(Evidence {
        vary: *vary,
        profile,
        ends: surveyed.ends,
        held_trials: surveyed.held_trials,
        stopped_by: surveyed.stopped_by,
        headroom: args.search.headroom,
        require: args.search.require.map(|require| require.number),
        gates: task.gates.iter().map(gate_line).collect(),
        reproduction: Reproduction {
            search: search_command(args, task),
            run: surveyed.ends.held.and_then(command),
            broken_run: surveyed.ends.broke.and_then(command),
        },
        scope: Scope {
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
        probes: surveyed.probes,
    })
}

fn search_command(args: &CapacityArgs, task: &Survey) -> String {
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

fn gate_line(gate: &Gate) -> GateLine {
    let is_a_time = !matches!(gate.aggregation, Aggregation::Count | Aggregation::Rate | Aggregation::Value);
    let is_on_the_chart = gate.metric.name == "time_to_open" && is_a_time;
    GateLine { gate: gate.to_string(), limit_us: is_on_the_chart.then_some(gate.number as u64) }
}

/// What the answer means for a script.
fn judge(findings: &Findings) -> Exit {
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
