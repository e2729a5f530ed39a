//! Merges the parts of a run: figures are added, percentiles read from the sums alone, and what is missing is told.

use super::context::{PartContext, PlannedWork};
use super::part::Part;
use crate::controller::{PlayedShare, RunConclusion, Stop, conclude, control_floor};
use crate::dialect::{self, Dialect};
use crate::metrics::{RunFacts, RunFigures, doubts};
use crate::plan::ShareOf;
use crate::profile::ValiditySettings;
use crate::summary::{Control, Doubt, FleetAgent, Machine, OfferedLoad, PhaseSpan, Summary, Validity};
use crate::vocabulary::format::{duration, micros, plural};
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

/// The most that a share may begin after the first one, besides the error of their clocks; agents that hear the start in
/// time begin within some milliseconds of each other.
const START_SPREAD_MAX: Duration = Duration::from_millis(100);

/// A run whose parts are one again.
pub struct MergedRun {
    /// Complete except for the outcome, which the caller sets.
    pub summary: Summary,
    pub validity: ValiditySettings,
    /// The profile as run, in TOML.
    pub profile: String,
    pub stop: Option<Stop>,
    pub panics: u64,
    /// The share of the plan's edges that is missing, from 0 to 1.
    pub missing_share: f64,
    /// The control runs of all machines as one.
    pub control: Option<Control>,
}

/// The reason why parts are not those of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeError {
    /// No part was given.
    Nothing,
    /// Two parts are of the same share.
    Twice(ShareOf),
    /// Two parts differ in what all parts of a run have in common.
    Unlike { what: &'static str, one: ShareOf, other: ShareOf },
    /// The dialect of the run can't be read.
    Dialect(String),
}

/// Merges the parts of one run, in any order. A share that is missing makes the run incomplete; `now` only dates the events
/// of traces.
///
/// # Errors
/// The parts are not of one run, or two are of the same share.
pub fn merge(mut parts: Vec<Part>, now: Instant) -> Result<MergedRun, MergeError> {
    parts.sort_by_key(|part| part.context.share);
    check_alike(&parts)?;
    let first = parts.first().ok_or(MergeError::Nothing)?;
    let (context, dialect) = (first.context.clone(), dialect_of(first)?);
    let judged: Vec<JudgedPart> = parts.iter().map(|part| judged(&part.played)).collect();
    let agents = agents(&context, &parts, &judged);
    let starts = late_starts(&parts);
    let (validity, late) = named(&parts, judged);
    let late: Vec<Doubt> = starts.into_iter().chain(late).collect();
    let stops = || parts.iter().filter_map(|part| part.context.stop);
    let stop = stops().find(|stop| matches!(stop, Stop::Signal(_))).or_else(|| stops().next());
    let panics = parts.iter().map(|part| part.context.panics).fold(0, u64::saturating_add);
    let control = floor(&dialect, parts.iter_mut().filter_map(|part| part.control.take()).collect(), now);
    let mut played = added(parts.into_iter().map(|part| part.played).collect());
    let measured = measured(&played.figures);
    let missing = missing(&agents, context.planned, measured);
    played.facts.complete &= missing.is_empty();
    let conclusion =
        RunConclusion { dialect: &dialect, gates: &context.gates, traces: context.traces, probe: &context.probe };
    let summary = conclude(&conclusion, &played, now, |summary| {
        if agents.len() > 1 {
            summary.validity = validity;
            summary.offered.offered &= late.is_empty();
            summary.offered.doubts.extend(late);
        }
        summary.fleet = agents;
        summary.missing = missing;
        summary.run.profile = Some(context.profile.clone());
    });
    let missing_share = 1.0 - (measured.edges as f64 / context.planned.edges.max(1) as f64).min(1.0);
    let PartContext { validity, profile, .. } = context;
    Ok(MergedRun { summary, validity, profile, stop, panics, missing_share, control })
}

/// Checks that all parts are of one run, each of another share.
fn check_alike(parts: &[Part]) -> Result<(), MergeError> {
    for two in parts.windows(2) {
        let [first, second] = two else { continue };
        let (one, other) = (&first.context, &second.context);
        let (facts, others) = (&first.played.facts, &second.played.facts);
        let alike = [
            ("the run's id", facts.id == others.id),
            ("the version of meshload", facts.build.version == others.build.version),
            ("plan_sha256", facts.plan_sha256 == others.plan_sha256),
            ("the scenarios", facts.scenarios == others.scenarios),
            ("the seed", facts.seed == others.seed),
            ("the number of shares", one.share.of == other.share.of),
            ("the plan's size", one.planned == other.planned),
            ("the dialect", facts.kinds == others.kinds && one.dialect_text == other.dialect_text),
            ("the gates", one.gates == other.gates),
            ("[validity]", one.validity == other.validity),
            ("--control", first.control.is_some() == second.control.is_some()),
        ];
        if let Some((what, _)) = alike.iter().find(|(_, is_same)| !is_same) {
            return Err(MergeError::Unlike { what, one: one.share, other: other.share });
        }
        if one.share == other.share {
            return Err(MergeError::Twice(one.share));
        }
    }
    Ok(())
}

fn dialect_of(part: &Part) -> Result<Dialect, MergeError> {
    let name = &part.played.facts.dialect;
    let found = match &part.context.dialect_text {
        None => Dialect::named(name).ok_or_else(|| format!("{name:?} is no built-in dialect")),
        Some(text) => {
            dialect::read(name, text).map_err(|problems| problems.first().map_or(String::new(), ToString::to_string))
        }
    };
    // Figures are counted by the dialect's message types.
    let fits = |dialect: &Dialect| dialect.kinds().iter().eq(part.played.facts.kinds.iter());
    match found {
        Ok(dialect) if fits(&dialect) => Ok(dialect),
        Ok(_) => Err(MergeError::Dialect(format!("{name:?} has other message types here"))),
        Err(why) => Err(MergeError::Dialect(why)),
    }
}

/// The validity of one part alone, and its load as it was offered.
type JudgedPart = (Validity, OfferedLoad);

fn judged(PlayedShare { facts, figures, health, .. }: &PlayedShare) -> JudgedPart {
    doubts(figures, health, &facts.thresholds)
}

/// The rows of the parts, and of the shares that left none.
fn agents(context: &PartContext, parts: &[Part], judged: &[JudgedPart]) -> Vec<FleetAgent> {
    let edges = context.planned.edges.max(1) as f64;
    let lost = |slot| FleetAgent { slot, lost: true, ..FleetAgent::default() };
    let mut agents: Vec<FleetAgent> = (0..context.share.of).map(lost).collect();
    for (Part { context, played, .. }, (validity, _)) in parts.iter().zip(judged) {
        agents[context.share.index as usize] = FleetAgent {
            slot: context.share.index,
            machine: context.host.clone(),
            cores: played.facts.machine.cores,
            share: measured(&played.figures).edges as f64 / edges,
            lag_p99_us: played.health.lag_p99_us(),
            lost: false,
            validity: validity.verdict,
            clock_offset_us: context.clock.map(|clock| clock.offset_us),
            clock_error_us: context.clock.map(|clock| clock.error_us),
        };
    }
    agents
}

/// The worst verdict with the doubts about all parts, each under its part's name, and the signs that a load was not offered.
fn named(parts: &[Part], judged: Vec<JudgedPart>) -> (Validity, Vec<Doubt>) {
    let (mut all, mut late) = (Validity::default(), vec![]);
    for (part, (validity, offered)) in parts.iter().zip(judged) {
        let named = |doubt: Doubt| Doubt { what: format!("{}: {}", name(part), doubt.what), ..doubt };
        all.verdict = all.verdict.max(validity.verdict);
        all.reasons.extend(validity.reasons.into_iter().map(named));
        all.hints.extend(validity.hints.into_iter().map(named));
        late.extend(offered.doubts.into_iter().map(named));
    }
    (all, late)
}

/// The name of a part in doubts.
fn name(Part { context, .. }: &Part) -> String {
    format!("{} on {}", context.share, context.host)
}

/// The shares that began later than the first one, by the clock that the agents of a bus compared theirs with: the target
/// was not asked for their load when the plan says.
fn late_starts(parts: &[Part]) -> Vec<Doubt> {
    let begun = |part: &Part| Some(part.context.clock?.remote(part.played.facts.started_at));
    let Some(first) = parts.iter().filter_map(begun).min() else { return vec![] };
    let error_us = parts.iter().filter_map(|part| Some(part.context.clock?.error_us)).max();
    let allowed = START_SPREAD_MAX + Duration::from_micros(error_us.unwrap_or(0));
    let doubt = |part: &Part| {
        let late = begun(part)?.duration_since(first).ok().filter(|late| *late > allowed)?;
        Some(Doubt {
            what: format!("{}: its start", name(part)),
            observed: format!("{} after the first share's", duration(micros(late))),
            limit: duration(micros(allowed)),
            cure: "its agent heard of the start late: a better way to the bus, or a machine with less to do".to_owned(),
        })
    };
    parts.iter().filter_map(doubt).collect()
}

/// The floor that the control runs of all machines show together, with the worst verdict on one of them.
fn floor(dialect: &Dialect, controls: Vec<PlayedShare>, now: Instant) -> Option<Control> {
    let worst = controls.iter().map(|control| judged(control).0.verdict).max()?;
    let conclusion = RunConclusion { dialect, gates: &[], traces: 0, probe: "" };
    let mut control = control_floor(conclude(&conclusion, &added(controls), now, |_| {}));
    control.verdict = control.verdict.max(worst);
    Some(control)
}

/// The sum of at least one share.
fn added(shares: Vec<PlayedShare>) -> PlayedShare {
    let mut parts = shares.into_iter();
    let first = parts.next().expect("merge() refuses an empty list");
    let mut figures = RunFigures::none();
    // Merged like all others, which also bounds the lists in it.
    figures.merge(first.figures);
    let mut all = PlayedShare { figures, ..first };
    for PlayedShare { facts, figures, health, target_process } in parts {
        all.figures.merge(figures);
        all.health.merge(health);
        all.target_process = all.target_process.or(target_process);
        widen(&mut all.facts, facts);
    }
    all
}

/// The facts of two parts: the times that cover both, the machines' cores and memory together.
fn widen(all: &mut RunFacts, other: RunFacts) {
    let end = |started: SystemTime, lasted: Duration| started.checked_add(lasted).unwrap_or(started);
    let ended = end(all.started_at, all.duration).max(end(other.started_at, other.duration));
    all.started_at = all.started_at.min(other.started_at);
    all.duration = ended.duration_since(all.started_at).unwrap_or_default();
    all.interrupted |= other.interrupted;
    all.complete &= other.complete;
    all.stopped_by = all.stopped_by.take().or(other.stopped_by);
    let Machine { cores, cores_host, memory_bytes, nofile, .. } = other.machine;
    all.machine.cores += cores;
    all.machine.cores_host = all.machine.cores_host.saturating_add(cores_host);
    all.machine.memory_bytes = all.machine.memory_bytes.saturating_add(memory_bytes);
    all.machine.nofile = all.machine.nofile.min(nofile);
    for phase in other.phases {
        match all.phases.iter_mut().find(|known| known.name == phase.name) {
            // Stamps of one format and one zone sort as text.
            Some(PhaseSpan { started_at, ended_at, .. }) => {
                *started_at = std::mem::take(started_at).min(phase.started_at);
                *ended_at = std::mem::take(ended_at).max(phase.ended_at);
            }
            None => all.phases.push(phase),
        }
    }
}

fn measured(figures: &RunFigures) -> PlannedWork {
    let (rooms, peers, edges) = figures.planned();
    PlannedWork { rooms, peers, edges }
}

/// Sentences about what the parts lack of the plan; empty if they are the whole plan.
fn missing(agents: &[FleetAgent], planned: PlannedWork, measured: PlannedWork) -> Vec<String> {
    if measured == planned {
        return vec![];
    }
    let of = agents.len() as u32;
    let absent = agents.iter().filter(|agent| agent.lost).map(|agent| ShareOf { index: agent.slot, of });
    let absent: Vec<String> = absent.map(|share| share.to_string()).collect();
    let parts = match absent.len() {
        0 => format!("all {of} parts are here, and their counts are not the plan's"),
        count => format!("{} missing ({})", plural(count as u64, "part"), absent.join(", ")),
    };
    let figure = |measured: u64, planned: u64, name: &str| format!("{measured} of {}", plural(planned, name));
    vec![format!(
        "{parts}: measured were {}, {} and {}",
        figure(measured.rooms, planned.rooms, "room"),
        figure(measured.peers, planned.peers, "peer"),
        figure(measured.edges, planned.edges, "edge")
    )]
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("no part.mesh to merge"),
            Self::Twice(share) => write!(f, "share {share} is there twice; leave one out"),
            Self::Unlike { what, one, other } => {
                write!(
                    f,
                    "shares {one} and {other} are not of one run: {what} differs; give all of them the same arguments"
                )
            }
            Self::Dialect(why) => write!(f, "the run's dialect: {why}; merge with the meshload that wrote the parts"),
        }
    }
}

impl std::error::Error for MergeError {}
