//! The search carried out: plans the load it asks for, runs it, judges it, and lets the target rest.

use super::cooldown::{Cooldown, CooldownEnd};
use super::samples::TooFewSamples;
use super::watch::{Watch, Watched};
use crate::capacity::{Ends, LoadRange, Next, Probe, ProbeOutcome, ProbeVerdict, Search, StoppedBy, TargetRow, Vary};
use crate::controller::{self, FinishedRun, RunSpec, StartError, Stop, StopSignal, StopSignals};
use crate::gates::{Gate, judge, passed};
use crate::plan::{Cost, MachineLimits, Plan};
use crate::profile::Profile;
use crate::summary::Summary;
use crate::summary::verdict::Verdict as Validity;
use crate::vocabulary::seed::Seed;
use std::time::{Duration, Instant};

/// What to find out, and how.
pub struct CapacityRun {
    pub profile: Profile,
    pub vary: Vary,
    pub range: LoadRange,
    pub gates: Vec<Gate>,
    /// Of the first trial of each load; the next ones have the numbers after it.
    pub seed: u64,
    pub budget: Duration,
    /// Probes count even where they are not valid.
    pub counts_invalid: bool,
    /// What this machine grants: a load beyond it is not tried.
    pub machine: MachineLimits,
    /// A load of more peers can't be carried: each needs one.
    pub tokens: Option<u64>,
    /// What is looked at each second while a probe runs.
    pub watched: Watched,
    /// Run by `sh -c` between probes.
    pub restart: Option<String>,
    /// What ends the search early.
    pub signals: StopSignals,
}

/// What was found out.
#[derive(Default)]
pub struct CapacityRunResult {
    pub probes: Vec<Probe>,
    pub ends: Ends,
    /// Trials of the limit that held.
    pub held_trials: usize,
    pub stopped_by: Option<StoppedBy>,
    pub signal: Option<StopSignal>,
    /// Peers whose code panicked: our own fault.
    pub panics: u64,
    /// What a gate lacked that could not be judged; it ended the search.
    pub lack: Option<TooFewSamples>,
    /// The last probe's, for what it says of the machine and the target.
    pub last: Option<Summary>,
    /// What kept the survey from what was asked for: sentences for the user.
    pub notes: Vec<String>,
}

/// Searches to its end, the end of the budget, or a signal. `order` turns a plan into a run; `tell` hears of each
/// probe when it is over.
///
/// # Errors
/// A run could not be started.
pub fn capacity_run(
    capacity_run: &CapacityRun,
    order: &dyn Fn(Plan) -> RunSpec,
    tell: &mut dyn FnMut(&Probe),
) -> Result<CapacityRunResult, StartError> {
    let mut cooldown = Cooldown::new(capacity_run.restart.clone(), capacity_run.signals.clone())?;
    let began = Instant::now();
    let mut search = Search::new(capacity_run.range);
    let mut found = CapacityRunResult::default();
    let mut longest = Duration::ZERO;
    while let Next::Probe { load, attempt } = search.next() {
        let plan = match plan(capacity_run, load, attempt) {
            Ok(plan) => plan,
            Err(why) => {
                found.notes.push(format!("{}: {why}", capacity_run.vary.label(&capacity_run.profile, load)));
                search.record(load, ProbeOutcome::Beyond);
                continue;
            }
        };
        let first = found.probes.is_empty();
        if !first && began.elapsed() + longest > capacity_run.budget {
            found.stopped_by = Some(StoppedBy::Budget);
            break;
        }
        let probe_began = Instant::now();
        let order = order(plan);
        if !first {
            match cooldown.rest(found.last.as_ref(), order.url.as_deref()) {
                Ok(CooldownEnd::Ready) => {}
                Ok(CooldownEnd::Stopped(signal)) => {
                    found.stop(signal);
                    break;
                }
                // What is known by now is worth a report.
                Err(error) => {
                    found.notes.push(error.to_string());
                    found.stopped_by = Some(StoppedBy::Restart);
                    break;
                }
            }
        }
        let (done, rows) = run(capacity_run, order, cooldown.restarts())?;
        longest = longest.max(probe_began.elapsed());
        found.panics += done.panics;
        let (mut probe, summary) = weigh(capacity_run, load, &done, rows);
        if first && summary.never_connected() && probe.verdict != ProbeVerdict::Interrupted {
            probe.verdict = ProbeVerdict::NotJudged;
            found.stopped_by = Some(StoppedBy::Unreachable);
        } else if probe.verdict == ProbeVerdict::NotJudged {
            found.lack = TooFewSamples::observed(&capacity_run.gates, &probe.gates);
            found.stopped_by = Some(StoppedBy::Samples);
        }
        tell(&probe);
        if let Some(outcome) = probe.outcome() {
            search.record(load, outcome);
        }
        found.probes.push(probe);
        found.last = Some(summary);
        if let Some(Stop::Signal(signal)) = done.stop {
            found.stop(signal);
            break;
        }
        if found.stopped_by.is_some() {
            break;
        }
    }
    found.ends = search.ends();
    found.held_trials = found.ends.held.map_or(0, |held| search.held_at(held));
    Ok(found)
}

impl CapacityRunResult {
    fn stop(&mut self, signal: StopSignal) {
        self.signal = Some(signal);
        self.stopped_by = Some(StoppedBy::Signal);
    }
}

/// The plan of a trial. Errors: why this machine can't make the load, or the load measures nothing.
fn plan(capacity_run: &CapacityRun, load: f64, attempt: usize) -> Result<Plan, String> {
    let profile = capacity_run.vary.apply(&capacity_run.profile, load);
    let mut problems = Cost::of(&profile).check(&capacity_run.machine);
    if problems.is_empty() {
        let plan = Plan::new(profile, Seed(capacity_run.seed.wrapping_add(attempt as u64)));
        problems = plan.problems();
        if let Some(tokens) = capacity_run.tokens.filter(|tokens| *tokens < plan.peers()) {
            return Err(format!("{tokens} tokens are too few for {} peers", plan.peers()));
        }
        if problems.is_empty() {
            return Ok(plan);
        }
    }
    Err(problems.swap_remove(0))
}

/// After a restart the target may need a while until it listens.
const AFTER_RESTART: Duration = Duration::from_secs(20);

fn run(
    capacity_run: &CapacityRun,
    mut order: RunSpec,
    restarts: bool,
) -> Result<(FinishedRun, Vec<TargetRow>), StartError> {
    if restarts {
        order.wait_for_target = order.wait_for_target.max(AFTER_RESTART);
    }
    let watch = Watch::start(capacity_run.watched.clone())?;
    let done = controller::run_until(order, capacity_run.signals.clone());
    let rows = watch.stop();
    Ok((done?, rows))
}

fn weigh(capacity_run: &CapacityRun, load: f64, done: &FinishedRun, rows: Vec<TargetRow>) -> (Probe, Summary) {
    let mut summary = done.summary.clone();
    summary.gates = judge(&capacity_run.gates, &summary);
    let counts = summary.validity.verdict == Validity::Valid || capacity_run.counts_invalid;
    let verdict = match done.stop {
        Some(Stop::Signal(_)) => ProbeVerdict::Interrupted,
        _ if !counts || !summary.run.complete || done.panics > 0 => ProbeVerdict::NotValid,
        Some(Stop::Brake | Stop::Gate) => ProbeVerdict::Broke,
        None if passed(&summary) => ProbeVerdict::Held,
        None => ProbeVerdict::Broke,
    };
    let mut probe = Probe::of(load, verdict, &summary, rows);
    // Where edges are missing, that is why samples are: the target's doing.
    if verdict == ProbeVerdict::Broke
        && probe.is_whole()
        && TooFewSamples::observed(&capacity_run.gates, &probe.gates).is_some()
    {
        probe.verdict = ProbeVerdict::NotJudged;
    }
    (probe, summary)
}
