//! The checked input of `meshload run`, and the execution of each of its runs.

use super::finish::FinishContext;
use super::telemetry::RunTelemetry;
use crate::cli::{ColorWhen, LoadArgs, RunArgs};
use crate::commands::Exit;
use crate::commands::report::report_dir::ReportDir;
use crate::commands::terminal::{coloured, confirm_signal, exit_on_signal, write_stderr};
use crate::controller::{
    self, Access, Capture, FinishedRun, RunSpec, Show, StartError, Stop, StopSignals, Watched, control_plan,
};
use crate::dialect::Dialect;
use crate::gates::Gate;
use crate::plan::{Plan, ShareOf};
use crate::profile::{Profile, to_toml};
use crate::server;
use crate::server::faults::FaultRule;
use crate::signaling::Refused;
use crate::summary::{Control, Doubt, Summary, Verdict};
use crate::vocabulary::Seed;
use crate::vocabulary::format::plural;
use std::io::IsTerminal;
use std::num::NonZero;
use std::thread::available_parallelism;

/// Checked input that all runs of one command share.
pub(super) struct RunJob<'a> {
    pub args: &'a RunArgs,
    pub profile: Profile,
    pub access: Access,
    pub watched: Watched,
    pub dialect: Dialect,
    pub gates: Vec<Gate>,
    pub faults: Vec<FaultRule>,
    pub signals: StopSignals,
    pub telemetry: Option<RunTelemetry>,
    /// Result of the control run, with `--control`.
    pub control: Option<Control>,
}

impl RunJob<'_> {
    /// Runs the plan of `seed`, again while the run is INVALID and retries are left, and returns the last run.
    ///
    /// # Errors
    /// The run could not be started; stderr already has the reason.
    pub(super) fn run_with_retries(&self, seed: Seed) -> Result<FinishedRun, Exit> {
        let mut retries = self.args.trust.retry_invalid;
        loop {
            let done = self.play(self.run_spec(Plan::new(self.profile.clone(), seed)))?;
            if retries == 0 || !is_worth_a_retry(&done.summary, done.stop, done.panics) {
                return Ok(done);
            }
            retries -= 1;
            if !self.args.output.quiet {
                write_stderr([retry_line(&done.summary, retries)]);
            }
        }
    }

    /// Announces and plays one run.
    ///
    /// # Errors
    /// The run could not be started; stderr already has the reason.
    pub(super) fn play(&self, spec: RunSpec) -> Result<FinishedRun, Exit> {
        play(spec, self.args.output.quiet, &self.signals)
    }

    /// Plays the control run of the plan or share of `spec`.
    ///
    /// # Errors
    /// There is none for the dialect, or it could not be started; stderr already has the reason.
    pub(super) fn run_control(&self, spec: &RunSpec) -> Result<FinishedRun, Exit> {
        if let Some(why) = control_obstacle(&spec.dialect) {
            write_stderr([why]);
            return Err(Exit::Usage);
        }
        let plan = control_plan(&spec.plan, spec.share.of);
        let run_id = spec.run_id.clone();
        self.play(RunSpec { run_id, share: spec.share, ..control_spec(self.run_spec(plan)) })
    }

    pub(super) fn run_spec(&self, plan: Plan) -> RunSpec {
        let Self { args, access, dialect, gates, faults, .. } = self;
        let show = match show(args.output.quiet || args.output.no_progress, args.output.color) {
            // Bars would be drawn over the lines about the first connection.
            Show::Bars { .. } if args.output.verbose > 0 => Show::Lines,
            show => show,
        };
        let access = access.clone();
        let spec = run_spec(&args.load, access, show, plan, dialect.clone(), gates.clone(), faults.clone());
        let events_bytes_max = args.keep.events.then_some(args.keep.events_max);
        RunSpec {
            watched: self.watched.clone(),
            metrics: self.telemetry.as_ref().map(RunTelemetry::feed),
            keep: Capture { traces: args.keep.traces.into(), events_bytes_max },
            ..spec
        }
    }

    /// The end of a run whose report goes into `folder`.
    pub(super) fn finish_context<'b>(&'b self, folder: &'b ReportDir) -> FinishContext<'b> {
        FinishContext {
            validity: &self.profile.validity,
            profile: to_toml(&self.profile),
            control: self.control.as_ref(),
            output: &self.args.output,
            signals: &self.signals,
            telemetry: self.telemetry.as_ref(),
            tolerates_loss: false,
            folder,
        }
    }
}

/// Announces a run unless `quiet`, and plays it.
///
/// # Errors
/// The run could not be started; stderr already has the reason.
pub(in crate::commands) fn play(spec: RunSpec, quiet: bool, signals: &StopSignals) -> Result<FinishedRun, Exit> {
    if !quiet {
        write_stderr([announcement(&spec)]);
    }
    controller::run_until(spec, signals.clone()).map_err(|start_error| report_start_error(&start_error))
}

/// One sentence if no control run speaks the dialect.
pub(in crate::commands) fn control_obstacle(dialect: &Dialect) -> Option<String> {
    let why = "--control: only the dialect dashboard has a server that can be passed words in memory";
    (dialect.name() != "dashboard").then(|| why.to_owned())
}

/// The control run of a plan that is shortened already: in memory, and nothing of it is kept or judged.
pub(in crate::commands) fn control_spec(spec: RunSpec) -> RunSpec {
    RunSpec { in_memory: true, gates: vec![], metrics: None, keep: Capture::default(), ..spec }
}

/// True for a run that completed and is INVALID: the generator was the limit.
pub(in crate::commands) fn is_worth_a_retry(summary: &Summary, stop: Option<Stop>, panics: u64) -> bool {
    let is_whole = summary.run.complete && stop.is_none() && panics == 0;
    is_whole && summary.validity.verdict == Verdict::Invalid
}

/// The doubts about an INVALID run that is played once more.
pub(in crate::commands) fn retry_line(summary: &Summary, retries: u8) -> String {
    let doubts: Vec<String> = summary.validity.reasons.iter().map(Doubt::in_short).collect();
    format!("INVALID: {}; once more, {retries} left after that", doubts.join(", "))
}

/// Describes the run of `plan` on this machine.
pub(in crate::commands) fn run_spec(
    load: &LoadArgs,
    access: Access,
    show: Show,
    plan: Plan,
    dialect: Dialect,
    gates: Vec<Gate>,
    faults: Vec<FaultRule>,
) -> RunSpec {
    let target = &plan.profile.target;
    let cores = available_parallelism().map_or(1, NonZero::get);
    RunSpec {
        run_id: run_id(),
        dialect,
        in_memory: false,
        url: target.url.as_ref().map(|url| url.reveal().to_owned()),
        url_shown: target.url_shown.clone(),
        embedded: server::Config { faults, seed: plan.seed, ..server::Config::default() },
        access,
        watched: Watched::default(),
        wait_for_target: load.wait_for_target,
        keep: Capture::default(),
        workers: load.workers.map_or(cores, usize::from),
        share: ShareOf::WHOLE,
        start_at: None,
        show,
        status: None,
        metrics: None,
        gates,
        plan,
    }
}

/// Random, since two runs on one target must not share an id; short, since every frame carries it.
pub(in crate::commands) fn run_id() -> String {
    format!("m{:06x}", rand::random::<u32>() >> 8)
}

/// Progress display for stderr; `silent` turns it off.
pub(in crate::commands) fn show(silent: bool, color: ColorWhen) -> Show {
    if silent {
        return Show::Nothing;
    }
    if std::io::stderr().is_terminal() { Show::Bars { colour: coloured(color, true) } } else { Show::Lines }
}

/// One line about the size of the run, shown before it starts.
fn announcement(spec: &RunSpec) -> String {
    let (plan, cost) = (&spec.plan, spec.plan.cost());
    let way = spec.access.shown(spec.url.as_deref()).in_words();
    let way: String = way.iter().map(|words| format!(", {words}")).collect();
    let share = if spec.share == ShareOf::WHOLE { String::new() } else { format!(", share {}", spec.share) };
    let to = if spec.in_memory {
        "with signaling passed in memory".to_owned()
    } else {
        format!("to {}{way}", spec.url_shown.as_deref().unwrap_or("an embedded server"))
    };
    format!(
        "{}{}: {} in {}, {}, {to}; {:.0} s, at most {:.0} s; seed {}, {}{share}",
        if spec.in_memory { "the control run of " } else { "" },
        plan.profile.name,
        plural(cost.peers, "peer"),
        plural(cost.rooms, "room"),
        plural(cost.edges, "edge"),
        cost.duration.as_secs_f64().ceil(),
        cost.duration_max.as_secs_f64().ceil(),
        plan.seed.0,
        plural(spec.workers as u64, "worker"),
    )
}

/// Listens for the signals that stop a run; the first is confirmed unless `quiet`.
///
/// # Errors
/// The handlers can't be installed; stderr has it already.
pub(in crate::commands) fn stop_signals(quiet: bool) -> Result<StopSignals, Exit> {
    let listened = StopSignals::listen(move |signal| confirm_signal(signal, quiet), exit_on_signal);
    listened.map_err(|error| report_start_error(&StartError::Own(error)))
}

/// Reports on stderr why a run could not be started.
pub(in crate::commands) fn report_start_error(start_error: &StartError) -> Exit {
    match start_error {
        StartError::Barred(refused) => {
            write_stderr([barred_line(refused)]);
            Exit::Refused
        }
        StartError::Url(why) => {
            write_stderr([format!("target.url: {why}")]);
            Exit::Usage
        }
        StartError::IceServer(why) => {
            write_stderr([format!("engine.ice_servers: {why}")]);
            Exit::Usage
        }
        StartError::Own(error) => {
            write_stderr([format!("the run could not start: {error}")]);
            Exit::Broken
        }
    }
}

/// The sentence about a target that may not be loaded, with the option that would allow it.
pub(in crate::commands) fn barred_line(refused: &Refused) -> String {
    let host = refused.host();
    format!("{refused}. Load only what is yours; if it is, add: --allow-target {host}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{self, Override, ProfileSource};

    fn planned(text: &str, overrides: &[Override]) -> Plan {
        let source = ProfileSource { name: "p.toml", text };
        Plan::new(profile::read(source, overrides, &|_| None).unwrap(), Seed(7))
    }

    #[test]
    fn the_size_of_a_run_is_announced_before_it_starts() {
        let plan = planned("name = \"x\"\n[rooms]\ncount = 2\nsize = 3\n[arrivals]\nrate = \"6/s\"", &[]);
        let spec = RunSpec { workers: 2, ..RunSpec::new(plan, "m1".to_owned(), Dialect::named("dashboard").unwrap()) };
        let embedded = "x: 6 peers in 2 rooms, 6 edges, to an embedded server; 11 s, at most 26 s; seed 7, 2 workers";
        assert_eq!(announcement(&spec), embedded);
        let shown = RunSpec { url_shown: Some("wss://a.example/ws/".to_owned()), ..spec };
        assert!(announcement(&shown).contains(" edges, to wss://a.example/ws/; "));
        let control = announcement(&control_spec(shown));
        assert!(
            control.starts_with("the control run of x: 6 peers in 2 rooms, 6 edges, with signaling passed in memory; ")
        );
    }
}
