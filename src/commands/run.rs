//! `meshload run`: the main job, from what was typed to the report and the exit code.

use super::files::{files, format};
use super::folder::Folder;
use super::stdout::{complain, write};
use super::{Exit, faults, gates, input, limits, machine};
use crate::cli::{ColorWhen, LoadArgs, RunArgs, SeedChoice};
use crate::controller::{self, Done, Order, Show, Stop, Trouble};
use crate::dialect::Dialect;
use crate::gates::{Gate, judge, passed};
use crate::metrics::Thresholds;
use crate::plan::{Cost, Plan};
use crate::profile::{OnInvalid, Profile, to_toml};
use crate::report::render;
use crate::server;
use crate::server::faults::Rule;
use crate::signaling::Reach;
use crate::summary::Summary;
use crate::summary::run::Outcome;
use crate::summary::verdict::Verdict;
use crate::vocabulary::seed::Seed;
use std::io::IsTerminal;
use std::num::NonZero;
use std::thread::available_parallelism;

/// The profile of a run that names none.
const DEFAULT_PROFILE: &str = "smoke";

pub fn run(args: &RunArgs) -> Exit {
    let name = args.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
    let profile = match input::profile(name, &args.shape, &args.change) {
        Ok(profile) => profile,
        Err(exit) => return exit,
    };
    let gates = match gates::read(&profile) {
        Ok(gates) => gates,
        Err(exit) => return exit,
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
    let path = args.output.out.clone().unwrap_or_else(|| Folder::usual(&profile.name, seed));
    let folder = match Folder::open(&path) {
        Ok(folder) => folder,
        Err(why) => {
            complain([why]);
            return Exit::Usage;
        }
    };
    let show = show(args.output.quiet || args.output.no_progress, args.output.color);
    let order = match order(&args.load, show, plan, faults) {
        Ok(order) => order,
        Err(why) => {
            complain([why]);
            return Exit::Usage;
        }
    };
    if !args.output.quiet {
        complain([announcement(&order)]);
    }
    match controller::run(order) {
        Ok(done) => close(args, &profile, &gates, done, &folder),
        Err(trouble) => turn_away(&trouble),
    }
}

/// The run of `plan` on this machine. Errors: one sentence on a dialect that there is not.
pub(super) fn order(load: &LoadArgs, show: Show, plan: Plan, faults: Vec<Rule>) -> Result<Order, String> {
    let target = &plan.profile.target;
    let dialect = Dialect::named(&target.dialect).ok_or_else(|| format!("{}: no such dialect", target.dialect))?;
    let cores = available_parallelism().map_or(1, NonZero::get);
    Ok(Order {
        run_id: run_id(),
        dialect,
        url: target.url.as_ref().map(|url| url.reveal().to_owned()),
        url_shown: target.url_shown.clone(),
        embedded: server::Config { faults, seed: plan.seed, ..server::Config::default() },
        reach: Reach { allowed_hosts: load.allow_target.clone() },
        wait_for_target: load.wait_for_target,
        workers: load.workers.map_or(cores, usize::from),
        show,
        thresholds: Thresholds::default(),
        plan,
    })
}

/// Two runs on one target must not share a name; this one is short, since it is in every frame.
fn run_id() -> String {
    format!("m{:06x}", rand::random::<u32>() >> 8)
}

pub(super) fn seed(choice: SeedChoice, quiet: bool) -> Seed {
    match choice {
        SeedChoice::Number(number) => Seed(number),
        SeedChoice::Random => {
            let number = u64::from(rand::random::<u32>());
            if !quiet {
                complain([format!("seed: {number}")]);
            }
            Seed(number)
        }
    }
}

/// `silent`: the user wants none.
pub(super) fn show(silent: bool, color: ColorWhen) -> Show {
    if silent {
        return Show::Nothing;
    }
    if std::io::stderr().is_terminal() { Show::Bars { colour: coloured(color, true) } } else { Show::Lines }
}

/// Whether a stream that is (or is not) a terminal gets colour (no-color.org).
pub fn coloured(when: ColorWhen, terminal: bool) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// The size of the run, before it starts.
fn announcement(order: &Order) -> String {
    let (plan, cost) = (&order.plan, order.plan.cost());
    format!(
        "{}: {} peers in {} rooms, {} edges, to {}; {:.0} s, at most {:.0} s; seed {}, {} workers",
        plan.profile.name,
        cost.peers,
        cost.rooms,
        cost.edges,
        order.url_shown.as_deref().unwrap_or("an embedded server"),
        cost.duration.as_secs_f64().ceil(),
        cost.duration_max.as_secs_f64().ceil(),
        plan.seed.0,
        order.workers,
    )
}

/// Judges the run, writes and shows its report, and says how it ended.
fn close(args: &RunArgs, profile: &Profile, gates: &[Gate], done: Done, folder: &Folder) -> Exit {
    let Done { mut summary, stop, panics } = done;
    summary.run.profile = Some(to_toml(profile).to_owned());
    summary.gates = judge(gates, &summary);
    let mut exit = exit(profile, &summary, stop, panics);
    settle(&mut summary, exit);

    let mut files = files(&summary, &args.output.report);
    files.push(("profile.toml", to_toml(profile).as_bytes().to_vec()));
    let written = folder.write(files);
    if let Err(why) = &written {
        complain([why]);
        exit = exit.first_of(Exit::Broken);
        settle(&mut summary, exit);
    }
    exit = exit.first_of(write(render(format(args.output.format, args.output.color), &summary)));
    if written.is_ok() {
        complain([format!("report: {}", folder.path().display())]);
    }
    exit
}

/// Everything that holds; the first in the order of interface.md counts.
fn exit(profile: &Profile, summary: &Summary, stop: Option<Stop>, panics: u64) -> Exit {
    let invalid = summary.validity.verdict == Verdict::Invalid && profile.validity.on_invalid == OnInvalid::Fail;
    let holds = [
        (panics > 0, Exit::Broken),
        (is_unreachable(summary), Exit::Unreachable),
        (!summary.run.complete, Exit::Incomplete),
        (invalid, Exit::Invalid),
        (!passed(summary) || stop == Some(Stop::Brake), Exit::Failed),
    ];
    let stopped = match stop {
        Some(Stop::Signal(signal)) => Exit::of_signal(signal.number()).unwrap_or(Exit::Interrupted),
        Some(Stop::Brake) | None => Exit::Passed,
    };
    holds.into_iter().filter(|(holds, _)| *holds).fold(stopped, |first, (_, exit)| first.first_of(exit))
}

/// Peers failed, and not one ever had a connection.
fn is_unreachable(summary: &Summary) -> bool {
    let connected = [&summary.timers, &summary.timers_warmup].into_iter().filter_map(|timers| timers.get("connect"));
    let failed = summary.counts.peers.failed + summary.counts_warmup.as_ref().map_or(0, |counts| counts.peers.failed);
    failed > 0 && connected.map(|timer| timer.began.count).sum::<u64>() == 0
}

fn settle(summary: &mut Summary, exit: Exit) {
    summary.exit_code = exit.code();
    summary.result = match exit {
        Exit::Passed => Outcome::Passed,
        Exit::Broken | Exit::Usage | Exit::Refused => Outcome::Error,
        Exit::Unreachable => Outcome::Unreachable,
        Exit::Incomplete => Outcome::Incomplete,
        Exit::Invalid => Outcome::Invalid,
        Exit::Failed => Outcome::Failed,
        Exit::Hangup | Exit::Interrupted | Exit::Terminated => Outcome::Interrupted,
    };
}

/// The run could not be started.
pub(super) fn turn_away(trouble: &Trouble) -> Exit {
    match trouble {
        Trouble::Far { host, address } => {
            complain([format!(
                "{host} ({address}) is neither this machine nor on a private network. Load only what is yours; if it \
                 is, add: --allow-target {host}"
            )]);
            Exit::Refused
        }
        Trouble::Url(why) => {
            complain([format!("target.url: {why}")]);
            Exit::Usage
        }
        Trouble::Own(error) => {
            complain([format!("the run could not start: {error}")]);
            Exit::Broken
        }
    }
}
