//! The probe: handshakes of two peers, then three, experiments if something fails, and a diagnosis.

mod environment;
mod experiments;
mod handshake_runner;
mod live;
mod progress;
mod remedies;
mod render;
mod repeat;
mod report;
mod spec;

pub use environment::{Environment, HandshakePlay, LineEvent, RawConnection, TimedLineEvent};
pub use live::{LiveEnvironment, ProbeSetup};
pub use progress::HandshakeProgress;
pub use render::{html, json, mermaid, text};
pub use report::{ProbeReport, Remedy, Repeated, RoomSizeResult};
pub use spec::{ProbeSpec, RepeatSpec};

use crate::diagnosis::{Cause, JoinRequestWords, Observations, Timeline, diagnose};
use crate::dialect::Dialect;
use crate::vocabulary::{EventKind, PeerEvent, Phase, Reason, SignalPart};
use experiments::raw_connections::RawConnections;
use handshake_runner::{HandshakeRunner, kind_of, steady};
use spec::EXPERIMENTS_DIALECT;
use std::time::Duration;

/// A handshake that opened but has a problem, and took longer than this, is followed by experiments, not by a larger
/// room: the probe has to end within the timeout and 3 s.
const WITH_PROBLEM_MAX: Duration = Duration::from_millis(500);

/// Probes a target through `environment`; calls `on_step` with a line of progress for each step.
pub fn probe(environment: &mut dyn Environment, spec: &ProbeSpec, on_step: &mut dyn FnMut(&str)) -> ProbeReport {
    let mut findings = Observations { asking: JoinRequestWords::of(&spec.dialect.kinds()), ..Observations::default() };
    let mut raw = match RawConnections::open(environment, &spec.run_id, spec.timeout) {
        Ok(raw) => raw,
        Err(failure) => {
            on_step(&format!("no connection: {failure}"));
            findings.refused = Some(failure);
            return ProbeReport::new(spec, findings, vec![], None);
        }
    };
    let mut runner = HandshakeRunner::new(spec);
    for size in spec.sizes.iter().copied() {
        on_step(&format!("{size} peers"));
        let began = raw.environment.now();
        let timeline = runner.play(&mut raw, &steady(size), spec.trigger, spec.settle, on_step);
        let all_opened = timeline.opened() == timeline.planned();
        let has_problem =
            has_problem(&timeline) && raw.environment.now().saturating_duration_since(began) > WITH_PROBLEM_MAX;
        findings.timelines.push(timeline);
        if !all_opened || has_problem {
            break;
        }
    }
    let repeated = spec.repeat.filter(|_| all_opened(&findings)).map(|repeat| {
        let (repeated, failed) = repeat::repeat(&mut runner, &mut raw, repeat, on_step);
        findings.timelines.extend(failed);
        repeated
    });
    if spec.dialect.name() == EXPERIMENTS_DIALECT {
        experiment(&mut raw, spec, &mut findings, on_step);
    }
    let has_cause = diagnose(&findings).cause != Cause::None;
    let remedies =
        if spec.try_remedies && has_cause { remedies::try_all(&mut runner, &mut raw, on_step) } else { vec![] };
    ProbeReport::new(spec, findings, remedies, repeated)
}

/// Runs the experiments that the handshakes' results call for, and adds their outcomes to `findings`.
fn experiment(
    raw: &mut RawConnections<'_>,
    spec: &ProbeSpec,
    findings: &mut Observations,
    on_step: &mut dyn FnMut(&str),
) {
    if findings.timelines.iter().any(was_refused) {
        return;
    }
    if findings.timelines.iter().any(has_problem) {
        on_step("something is amiss: experiments with connections of the probe's own");
        findings.trials = Some(experiments::trials(raw));
    }
    if all_opened(findings) && diagnose(findings).cause == Cause::None {
        if findings.timelines.iter().any(|timeline| has_room_list(timeline, &spec.dialect)) {
            findings.roster = experiments::roster(raw);
        }
        findings.fanout = experiments::fanout(raw);
    }
}

/// Tells if every channel opened.
fn all_opened(findings: &Observations) -> bool {
    findings.timelines.iter().all(|timeline| timeline.opened() == timeline.planned())
}

/// Tells if a channel did not open, or a message was lost or altered.
fn has_problem(timeline: &Timeline) -> bool {
    let mut directions = timeline.directions();
    let has_losses = directions.any(|(own, other)| {
        let (sent, lost) =
            (timeline.count(own, other, SignalPart::Candidate), timeline.unheard(own, other, SignalPart::Candidate));
        (sent > 0 && sent == lost) || timeline.altered(own, other).is_some()
    });
    timeline.opened() < timeline.planned() || has_losses || !timeline.losses().is_empty()
}

/// Tells if the server refused a peer: experiments would add nothing.
fn was_refused(timeline: &Timeline) -> bool {
    timeline.refusal().is_some_and(|failure| failure.phase == Phase::Connect || failure.reason == Reason::Rejected)
}

/// Tells if a peer received a list of rooms.
fn has_room_list(timeline: &Timeline, dialect: &Dialect) -> bool {
    let list = kind_of(dialect, experiments::frames::ROOM_LIST);
    timeline
        .events()
        .iter()
        .any(|event| matches!(event.kind, EventKind::Peer(PeerEvent::Frame { kind, .. }) if Some(kind) == list))
}
