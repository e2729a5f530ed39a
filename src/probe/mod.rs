//! One handshake, looked at closely: two peers, then three, experiments where something is amiss, and a verdict.

mod environment;
mod experiments;
mod frames;
mod handshake_runner;
mod live;
mod progress;
mod raw_connections;
mod remedies;
mod render;
mod repeat;
mod report;
mod spec;

pub use environment::{Environment, HandshakePlay, LineEvent, LineNews, RawConnection};
pub use live::{LiveEnvironment, ProbeSetup};
pub use progress::HandshakeProgress;
pub use render::{html, json, mermaid, text};
pub use report::{ProbeReport, Remedy, Repeated, RoomSizeResult};
pub use spec::{ProbeSpec, RepeatSpec};

use crate::diagnosis::{Cause, JoinRequestWords, Observations, Timeline, diagnose};
use crate::dialect::Dialect;
use crate::vocabulary::event::{SignalPart, What};
use crate::vocabulary::failure::Reason;
use crate::vocabulary::phase::Phase;
use handshake_runner::{HandshakeRunner, kind_of, steady};
use raw_connections::RawConnections;
use spec::EXPERIMENTS_SPEAK;
use std::time::Duration;

/// A larger room is tried for as long as all of it keeps within the timeout and 3 s, experiments included: once
/// something is amiss, and it took longer than this to get through all the same, they say more.
const AMISS_MAX: Duration = Duration::from_millis(500);

/// Probes, and tells each step as it is done.
pub fn probe(environment: &mut dyn Environment, order: &ProbeSpec, tell: &mut dyn FnMut(&str)) -> ProbeReport {
    let mut findings = Observations { asking: JoinRequestWords::of(&order.dialect.kinds()), ..Observations::default() };
    let mut raw = match RawConnections::open(environment, &order.run_id, order.timeout) {
        Ok(raw) => raw,
        Err(failure) => {
            tell(&format!("no connection: {failure}"));
            findings.refused = Some(failure);
            return ProbeReport::new(order, findings, vec![], None);
        }
    };
    let mut runner = HandshakeRunner::new(order);
    for size in order.sizes.iter().copied() {
        tell(&format!("{size} peers"));
        let began = raw.environment.now();
        let timeline = runner.play(&mut raw, &steady(size), order.trigger, order.settle, tell);
        let works = timeline.opened() == timeline.planned();
        let limps = is_amiss(&timeline) && raw.environment.now().saturating_duration_since(began) > AMISS_MAX;
        findings.timelines.push(timeline);
        if !works || limps {
            break;
        }
    }
    let repeated = order.repeat.filter(|_| is_sound(&findings)).map(|repeat| {
        let (repeated, failed) = repeat::repeat(&mut runner, &mut raw, repeat, tell);
        findings.timelines.extend(failed);
        repeated
    });
    if order.dialect.name() == EXPERIMENTS_SPEAK {
        experiment(&mut raw, order, &mut findings, tell);
    }
    let unsound = diagnose(&findings).cause != Cause::None;
    let remedies = if order.try_remedies && unsound { remedies::try_all(&mut runner, &mut raw, tell) } else { vec![] };
    ProbeReport::new(order, findings, remedies, repeated)
}

/// Runs what experiments the handshakes call for.
fn experiment(
    raw: &mut RawConnections<'_>,
    order: &ProbeSpec,
    findings: &mut Observations,
    tell: &mut dyn FnMut(&str),
) {
    if findings.timelines.iter().any(was_turned_away) {
        return;
    }
    if findings.timelines.iter().any(is_amiss) {
        tell("something is amiss: experiments with connections of the probe's own");
        findings.trials = Some(experiments::trials(raw));
    }
    if is_sound(findings) && diagnose(findings).cause == Cause::None {
        if findings.timelines.iter().any(|timeline| saw_a_list(timeline, &order.dialect)) {
            findings.roster = experiments::roster(raw);
        }
        findings.fanout = experiments::fanout(raw);
    }
}

/// Every channel opened.
fn is_sound(findings: &Observations) -> bool {
    findings.timelines.iter().all(|timeline| timeline.opened() == timeline.planned())
}

/// A channel stayed shut, or something said was not heard.
fn is_amiss(timeline: &Timeline) -> bool {
    let mut directions = timeline.directions();
    let unheard = directions.any(|(own, other)| {
        let (said, lost) =
            (timeline.count(own, other, SignalPart::Candidate), timeline.unheard(own, other, SignalPart::Candidate));
        (said > 0 && said == lost) || timeline.altered(own, other).is_some()
    });
    timeline.opened() < timeline.planned() || unheard || !timeline.losses().is_empty()
}

/// The server's no says all there is to say.
fn was_turned_away(timeline: &Timeline) -> bool {
    timeline.refusal().is_some_and(|failure| failure.phase == Phase::Connect || failure.reason == Reason::Rejected)
}

fn saw_a_list(timeline: &Timeline, dialect: &Dialect) -> bool {
    let list = kind_of(dialect, frames::ROOM_LIST);
    timeline.events().iter().any(|event| matches!(event.what, What::Frame { kind, .. } if Some(kind) == list))
}
