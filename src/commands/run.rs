//! `meshload run`: the main job, from what was typed to the report and the exit code.

use super::ending::Ending;
use super::folder::Folder;
use super::stdout::complain;
use super::{Exit, faults, gates, input, limits, machine};
use crate::cli::{ColorWhen, LoadArgs, RunArgs, SeedChoice};
use crate::controller::{self, Done, Order, Show, Signal, Signals, Trouble};
use crate::dialect::Dialect;
use crate::gates::Gate;
use crate::metrics::Thresholds;
use crate::plan::{Cost, Plan};
use crate::profile::Validity;
use crate::server;
use crate::server::faults::Rule;
use crate::signaling::Reach;
use crate::summary::Summary;
use crate::summary::verdict::{Doubt, Verdict};
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
    // Both are asked before either ends this, so that all is told at once.
    let (gates, dialect) = match (gates::read(&profile), input::dialect(&profile)) {
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
    let folder = Folder::at(args.output.out.clone().unwrap_or_else(|| Folder::usual(&profile.name, seed)));
    let quiet = args.output.quiet;
    let signals = match Signals::listen(move |signal| acknowledge(signal, quiet), end_at_once) {
        Ok(signals) => signals,
        Err(error) => return turn_away(&Trouble::Own(error)),
    };
    if !quiet {
        complain(folder.obstacle());
    }
    match play(args, &plan, &dialect, &gates, &faults, &signals) {
        Ok(done) => Ending { args, profile: &profile, gates: &gates, folder: &folder, signals: &signals }.close(done),
        Err(exit) => exit,
    }
}

/// Plays the plan, and again while the run is INVALID and retries are left; what the last one measured.
fn play(
    args: &RunArgs,
    plan: &Plan,
    dialect: &Dialect,
    gates: &[Gate],
    faults: &[Rule],
    signals: &Signals,
) -> Result<Done, Exit> {
    let show = show(args.output.quiet || args.output.no_progress, args.output.color);
    let mut retries = args.load.retry_invalid;
    loop {
        let order = order(&args.load, show, plan.clone(), dialect.clone(), gates.to_vec(), faults.to_vec());
        if !args.output.quiet {
            complain([announcement(&order)]);
        }
        let done = controller::run_until(order, signals.clone()).map_err(|trouble| turn_away(&trouble))?;
        if retries == 0 || !is_worth_a_retry(&done) {
            return Ok(done);
        }
        retries -= 1;
        if !args.output.quiet {
            complain([format!("INVALID: {}; once more, {retries} left after that", doubts(&done.summary))]);
        }
    }
}

/// It ran to its end, and this machine was the limit.
fn is_worth_a_retry(done: &Done) -> bool {
    done.stop.is_none() && done.panics == 0 && done.summary.validity.verdict == Verdict::Invalid
}

fn doubts(summary: &Summary) -> String {
    let doubt = |doubt: &Doubt| format!("{}: {}", doubt.what, doubt.observed);
    summary.validity.reasons.iter().map(doubt).collect::<Vec<_>>().join(", ")
}

pub(super) fn acknowledge(signal: Signal, quiet: bool) {
    if !quiet {
        complain([format!("{}: the report of what was measured follows; a second signal ends at once", signal.name())]);
    }
}

/// A second signal: whatever is being done is left as it is.
pub(super) fn end_at_once(signal: Signal) {
    std::process::exit(Exit::from(signal).code().into());
}

/// The run of `plan` on this machine.
pub(super) fn order(
    load: &LoadArgs,
    show: Show,
    plan: Plan,
    dialect: Dialect,
    gates: Vec<Gate>,
    faults: Vec<Rule>,
) -> Order {
    let target = &plan.profile.target;
    let cores = available_parallelism().map_or(1, NonZero::get);
    Order {
        run_id: run_id(),
        dialect,
        url: target.url.as_ref().map(|url| url.reveal().to_owned()),
        url_shown: target.url_shown.clone(),
        embedded: server::Config { faults, seed: plan.seed, ..server::Config::default() },
        reach: Reach { allowed_hosts: load.allow_target.clone() },
        wait_for_target: load.wait_for_target,
        workers: load.workers.map_or(cores, usize::from),
        show,
        thresholds: thresholds(&plan.profile.validity),
        gates,
        plan,
    }
}

fn thresholds(validity: &Validity) -> Thresholds {
    Thresholds {
        lag_suspect: validity.lag_suspect,
        lag_suspect_share: validity.lag_suspect_share,
        lag_invalid: validity.lag_invalid,
        busy_suspect: validity.busy_suspect,
        waiting_suspect: validity.waiting_suspect,
        waiting_invalid: validity.waiting_invalid,
        dropped_suspect: validity.dropped_suspect,
        dropped_invalid: validity.dropped_invalid,
        clock_jump_invalid: validity.clock_jump_invalid,
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{self, Override, Source};

    fn planned(text: &str, overrides: &[Override]) -> Plan {
        let source = Source { name: "p.toml", text };
        Plan::new(profile::read(source, overrides, &|_| None).unwrap(), Seed(7))
    }

    #[test]
    fn a_profile_that_says_nothing_of_validity_has_the_thresholds_of_the_table() {
        assert_eq!(thresholds(&planned("", &[]).profile.validity), Thresholds::default());
    }

    #[test]
    fn the_size_of_a_run_is_announced_before_it_starts() {
        let plan = planned("name = \"x\"\n[rooms]\ncount = 2\nsize = 3\n[arrivals]\nrate = \"6/s\"", &[]);
        let order = Order {
            gates: vec![],
            run_id: "m1".to_owned(),
            dialect: Dialect::Dashboard,
            url: None,
            url_shown: None,
            embedded: server::Config::default(),
            reach: Reach::default(),
            wait_for_target: std::time::Duration::ZERO,
            workers: 2,
            show: Show::Nothing,
            thresholds: Thresholds::default(),
            plan,
        };
        let embedded = "x: 6 peers in 2 rooms, 6 edges, to an embedded server; 11 s, at most 26 s; seed 7, 2 workers";
        assert_eq!(announcement(&order), embedded);
        let shown = Order { url_shown: Some("wss://a.example/ws/".to_owned()), ..order };
        assert!(announcement(&shown).contains(" edges, to wss://a.example/ws/; "));
    }
}
