//! `meshload run`: the main job, from what was typed to the report and the exit code.

use super::files::{files, format};
use super::folder::Folder;
use super::repeat::repeat;
use super::stdout::{complain, write};
use super::{Exit, gates, input, limits, machine};
use crate::cli::{ColorWhen, OutputArgs, RunArgs, SeedChoice};
use crate::controller::{self, Done, Order, Show, Stop, Trouble};
use crate::dialect::Dialect;
use crate::gates::{Gate, judge, passed};
use crate::metrics::Thresholds;
use crate::plan::{Cost, Plan};
use crate::profile::{OnInvalid, Profile, to_toml};
use crate::report::render;
use crate::server;
use crate::signaling::Reach;
use crate::summary::Summary;
use crate::summary::control::Control;
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
    let mut task = Task { args, profile, gates, control: None };
    if args.trust.control {
        match task.floor(plan) {
            Ok(control) => task.control = Some(control),
            Err(exit) => return exit,
        }
    }
    if args.trust.repeat > 1 {
        return repeat(&task, seed, &path);
    }
    match task.play(seed, &folder) {
        Ok(played) => show_report(args, &played, &folder),
        Err(exit) => exit,
    }
}

/// What all runs of one command have in common.
pub struct Task<'a> {
    pub args: &'a RunArgs,
    pub profile: Profile,
    pub gates: Vec<Gate>,
    /// What of every figure is ours, if that was asked for.
    control: Option<Control>,
}

/// A run that is judged.
pub struct Played {
    pub summary: Summary,
    pub exit: Exit,
    /// Its report could be written.
    is_written: bool,
}

impl Task<'_> {
    /// A run with that seed; done again while it is INVALID and may be.
    ///
    /// # Errors
    /// It could not be started, and why has been told.
    pub fn play(&self, seed: Seed, folder: &Folder) -> Result<Played, Exit> {
        let mut retries = self.args.trust.retry_invalid;
        loop {
            let order = self.order(Plan::new(self.profile.clone(), seed))?;
            if !self.args.output.quiet {
                complain([announcement(&order)]);
            }
            let done = controller::run(order).map_err(|trouble| turn_away(&trouble))?;
            let again = retries > 0 && done.stop.is_none() && done.summary.validity.verdict == Verdict::Invalid;
            if !again {
                return Ok(self.close(done, folder));
            }
            if let (false, Some(doubt)) = (self.args.output.quiet, done.summary.validity.reasons.first()) {
                complain([format!("INVALID ({}: {}), so once more", doubt.what, doubt.observed)]);
            }
            retries -= 1;
        }
    }

    /// The control run of the plan.
    fn floor(&self, plan: Plan) -> Result<Control, Exit> {
        let order = self.order(plan)?;
        if order.dialect.name() != "dashboard" {
            complain(["--control: only the dialect dashboard has a server that can be passed words in memory"]);
            return Err(Exit::Usage);
        }
        if !self.args.output.quiet {
            complain(["the control run: the plan, shortened, with signaling passed in memory"]);
        }
        let (control, stop) = controller::control(&order).map_err(|trouble| turn_away(&trouble))?;
        match stop {
            Some(Stop::Signal(signal)) => Err(Exit::of_signal(signal.number()).unwrap_or(Exit::Interrupted)),
            Some(Stop::Brake) | None => Ok(control),
        }
    }

    fn order(&self, plan: Plan) -> Result<Order, Exit> {
        order(self.args, plan).map_err(|why| {
            complain([why]);
            Exit::Usage
        })
    }

    /// Judges the run and writes its report.
    fn close(&self, done: Done, folder: &Folder) -> Played {
        let Done { mut summary, stop, panics } = done;
        summary.control.clone_from(&self.control);
        summary.gates = judge(&self.gates, &summary);
        let mut exit = exit(&self.profile, &summary, stop, panics);
        for counts in [Some(&summary.counts), summary.counts_warmup.as_ref()].into_iter().flatten() {
            if let Err(why) = counts.conserved() {
                complain([format!("the books don't add up, which is our own fault: {why}")]);
                exit = exit.first_of(Exit::Broken);
            }
        }
        settle(&mut summary, exit);

        let mut files = files(&summary, &self.args.output.report);
        files.push(("profile.toml", to_toml(&self.profile).as_bytes().to_vec()));
        let written = folder.write(files);
        if let Err(why) = &written {
            complain([why]);
            exit = exit.first_of(Exit::Broken);
            settle(&mut summary, exit);
        }
        Played { summary, exit, is_written: written.is_ok() }
    }
}

fn order(args: &RunArgs, plan: Plan) -> Result<Order, String> {
    let target = &plan.profile.target;
    let dialect = Dialect::named(&target.dialect).ok_or_else(|| format!("{}: no such dialect", target.dialect))?;
    let cores = available_parallelism().map_or(1, NonZero::get);
    Ok(Order {
        run_id: run_id(),
        dialect,
        url: target.url.as_ref().map(|url| url.reveal().to_owned()),
        url_shown: target.url_shown.clone(),
        embedded: server::Config::default(),
        reach: Reach { allowed_hosts: args.load.allow_target.clone() },
        wait_for_target: args.load.wait_for_target,
        workers: args.load.workers.map_or(cores, usize::from),
        show: show(&args.output),
        thresholds: Thresholds::default(),
        plan,
    })
}

/// Two runs on one target must not share a name; this one is short, since it is in every frame.
fn run_id() -> String {
    format!("m{:06x}", rand::random::<u32>() >> 8)
}

fn seed(choice: SeedChoice, quiet: bool) -> Seed {
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

fn show(output: &OutputArgs) -> Show {
    if output.quiet || output.no_progress {
        return Show::Nothing;
    }
    if std::io::stderr().is_terminal() { Show::Bars { colour: coloured(output.color, true) } } else { Show::Lines }
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

/// Shows the run, and where its report lies.
fn show_report(args: &RunArgs, played: &Played, folder: &Folder) -> Exit {
    let shown = write(render(format(args.output.format, args.output.color), &played.summary));
    if played.is_written {
        complain([format!("report: {}", folder.path().display())]);
    }
    played.exit.first_of(shown)
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
    summary.result = outcome(exit);
}

/// The word of a summary for that exit.
pub fn outcome(exit: Exit) -> Outcome {
    match exit {
        Exit::Passed => Outcome::Passed,
        Exit::Broken | Exit::Usage | Exit::Refused => Outcome::Error,
        Exit::Unreachable => Outcome::Unreachable,
        Exit::Incomplete => Outcome::Incomplete,
        Exit::Invalid => Outcome::Invalid,
        Exit::Failed => Outcome::Failed,
        Exit::Hangup | Exit::Interrupted | Exit::Terminated => Outcome::Interrupted,
    }
}

/// The run could not be started.
fn turn_away(trouble: &Trouble) -> Exit {
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
