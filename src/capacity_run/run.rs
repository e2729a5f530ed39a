//! Carries out a capacity search: plans each load, runs and judges it, and waits until the target has settled.

use super::cooldown::{Cooldown, CooldownEnd};
use super::samples::TooFewSamples;
use super::tokens::TokenCounts;
use crate::capacity::{Ends, LoadRange, Next, Probe, ProbeOutcome, ProbeVerdict, Search, StoppedBy, TargetRow, Vary};
use crate::controller::{FinishedRun, Stop, StopSignal};
use crate::gates::{Gate, passed};
use crate::plan::{Cost, MachineLimits, Plan};
use crate::profile::Profile;
use crate::summary::{Summary, Verdict as Validity};
use crate::vocabulary::Seed;
use std::time::{Duration, Instant};

/// The input of a capacity search.
pub struct CapacityRun {
    pub profile: Profile,
    pub vary: Vary,
    pub range: LoadRange,
    /// Loads to try once each after the search, whatever it found; those that it has tried are left out.
    pub steps: Vec<f64>,
    pub gates: Vec<Gate>,
    /// Seed of the first trial of each load; further trials take the numbers after it.
    pub seed: u64,
    /// The time after which no further probe begins.
    pub budget: Duration,
    /// Counts probes even if their figures are not valid.
    pub counts_invalid: bool,
    /// Limits of this machine; a load beyond them is not tried.
    pub machine: MachineLimits,
    /// Machines like this one that share each load.
    pub machines: u32,
    /// A load of more peers than have a token is not tried.
    pub tokens: TokenCounts,
}

/// A probe as it was played, on one machine or on several.
pub struct PlayedProbe {
    pub summary: Summary,
    pub stop: Option<Stop>,
    pub panics: u64,
}

impl From<FinishedRun> for PlayedProbe {
    fn from(FinishedRun { summary, stop, panics, .. }: FinishedRun) -> Self {
        Self { summary, stop, panics }
    }
}

/// The result of a capacity search.
#[derive(Default)]
pub struct CapacityRunResult {
    pub probes: Vec<Probe>,
    pub ends: Ends,
    /// Trials that held, of the greatest load that held.
    pub held_trials: usize,
    pub stopped_by: Option<StoppedBy>,
    pub signal: Option<StopSignal>,
    /// Peers whose code panicked; each is a defect of meshload.
    pub panics: u64,
    /// The gate that had too few samples to be judged, if that ended the search.
    pub lack: Option<TooFewSamples>,
    /// The last probe's summary, for its data on machine and target.
    pub last: Option<Summary>,
    /// Loads and restarts that failed: sentences for the user.
    pub notes: Vec<String>,
}

/// Searches until the limit is known, the budget is used up, or a signal comes. `play` plays the plan of a load, before which the target
/// may have been restarted so recently that it has to be waited for; `on_probe` is called after each probe. Also returns
/// the error of the probe that could not start, which ends the search.
pub fn capacity_run<E>(
    capacity_run: &CapacityRun,
    mut cooldown: Cooldown,
    play: &mut dyn FnMut(Plan, f64, Option<Duration>) -> Result<PlayedProbe, E>,
    on_probe: &mut dyn FnMut(&Probe),
) -> (CapacityRunResult, Option<E>) {
    let url = capacity_run.profile.target.url.as_ref().map(|url| url.reveal().to_owned());
    let began = Instant::now();
    let mut search = Search::new(capacity_run.range);
    let (mut found, mut failed) = (CapacityRunResult::default(), None);
    let mut longest = Duration::ZERO;
    let mut steps = capacity_run.steps.iter().copied();
    while let Some((load, attempt, is_step)) = next_load(&search, &mut steps, &found.probes) {
        let plan = match plan(capacity_run, load, attempt) {
            Ok(plan) => plan,
            Err(why) => {
                found.notes.push(format!("{}: {why}", capacity_run.vary.label(&capacity_run.profile, load)));
                if !is_step {
                    search.record(load, ProbeOutcome::Beyond);
                }
                continue;
            }
        };
        let first = found.probes.is_empty();
        if !first && began.elapsed() + longest > capacity_run.budget {
            found.stopped_by = Some(StoppedBy::Budget);
            break;
        }
        let probe_began = Instant::now();
        if !first && !pause(&mut cooldown, &mut found, url.as_deref()) {
            break;
        }
        let done = match play(plan, load, cooldown.restarts().then_some(AFTER_RESTART)) {
            Ok(done) => done,
            Err(error) => {
                (found.stopped_by, failed) = (Some(StoppedBy::Start), Some(error));
                break;
            }
        };
        longest = longest.max(probe_began.elapsed());
        found.panics += done.panics;
        let (mut probe, summary) = judge_probe(capacity_run, load, &done);
        if first && summary.never_connected() && probe.verdict != ProbeVerdict::Interrupted {
            probe.verdict = ProbeVerdict::NotJudged;
            found.stopped_by = Some(StoppedBy::Unreachable);
        } else if probe.verdict == ProbeVerdict::NotJudged && !is_step {
            found.lack = TooFewSamples::observed(&capacity_run.gates, &probe.gates);
            found.stopped_by = Some(StoppedBy::Samples);
        }
        on_probe(&probe);
        if let Some(outcome) = probe.outcome().filter(|_| !is_step) {
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
    (found, failed)
}

/// Pauses before a further probe; `false` if the pause ended the search.
fn pause(cooldown: &mut Cooldown, found: &mut CapacityRunResult, url: Option<&str>) -> bool {
    match cooldown.rest(found.last.as_ref(), url) {
        Ok(CooldownEnd::Ready) => return true,
        Ok(CooldownEnd::Stopped(signal)) => found.stop(signal),
        // The probes so far are worth a report.
        Err(error) => {
            found.notes.push(error.to_string());
            found.stopped_by = Some(StoppedBy::Restart);
        }
    }
    false
}

/// The next load, its trial, and true for one of the steps, which come after the search.
fn next_load(search: &Search, steps: &mut impl Iterator<Item = f64>, probes: &[Probe]) -> Option<(f64, usize, bool)> {
    let tried = |load: &f64| probes.iter().any(|probe| probe.load == *load);
    match search.next() {
        Next::Probe { load, attempt } => Some((load, attempt, false)),
        Next::Over => steps.find(|load| !tried(load)).map(|load| (load, 0, true)),
    }
}

impl CapacityRunResult {
    /// A signal ended the search.
    pub fn stop(&mut self, signal: StopSignal) {
        self.signal = Some(signal);
        self.stopped_by = Some(StoppedBy::Signal);
    }
}

/// Plans one trial of a load.
///
/// # Errors
/// One sentence: this machine can't make the load, or the load measures nothing.
fn plan(capacity_run: &CapacityRun, load: f64, attempt: usize) -> Result<Plan, String> {
    let profile = capacity_run.vary.apply(&capacity_run.profile, load);
    let mut problems = Cost::of_share(&profile, capacity_run.machines).check(&capacity_run.machine);
    if problems.is_empty() {
        let plan = Plan::new(profile, Seed(capacity_run.seed.wrapping_add(attempt as u64)));
        problems = plan.problems();
        problems.extend(capacity_run.tokens.problem(&plan));
        if problems.is_empty() {
            return Ok(plan);
        }
    }
    Err(problems.swap_remove(0))
}

/// The least time to wait for a target that was restarted.
const AFTER_RESTART: Duration = Duration::from_secs(20);

/// Judges a run by the gates. A run that is not valid, or has too few samples, is neither held nor broken.
fn judge_probe(capacity_run: &CapacityRun, load: f64, done: &PlayedProbe) -> (Probe, Summary) {
    let summary = done.summary.clone();
    let rows = summary.target_process.as_ref().map(TargetRow::of).unwrap_or_default();
    let counts = summary.validity.verdict != Validity::Invalid || capacity_run.counts_invalid;
    let verdict = match done.stop {
        Some(Stop::Signal(_)) => ProbeVerdict::Interrupted,
        _ if !counts || !summary.run.complete || done.panics > 0 => ProbeVerdict::NotValid,
        Some(Stop::Brake | Stop::Gate) => ProbeVerdict::Broke,
        // A target that had to be started again did not hold, whatever its figures.
        None if summary.target_process.as_ref().is_some_and(|process| process.restarts > 0) => ProbeVerdict::Broke,
        None if passed(&summary) => ProbeVerdict::Held,
        None => ProbeVerdict::Broke,
    };
    let mut probe = Probe::of(load, verdict, &summary, rows);
    // Only a whole probe is not judged: edges that failed are the target's failure, and the reason of few samples.
    if verdict == ProbeVerdict::Broke
        && probe.is_whole()
        && TooFewSamples::observed(&capacity_run.gates, &probe.gates).is_some()
    {
        probe.verdict = ProbeVerdict::NotJudged;
    }
    (probe, summary)
}
