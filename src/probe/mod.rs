//! The probe: handshakes of two peers, then three, experiments if something fails, and a diagnosis.

mod environment;
mod experiments;
mod findings;
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
pub use render::mermaid;
pub use report::{ProbeReport, Remedy, Repeated, RoomSizeResult};
pub use spec::{ProbeSpec, RepeatSpec};

use crate::diagnosis::{AGED, Cause, Conclusion, Confidence, Observations, Timeline, diagnose};
use crate::dialect::{Dialect, Trial};
use crate::vocabulary::{Event, EventKind, Failure, FrameKind, PeerEvent, Phase, Reason, SignalPart};
use experiments::raw_connections::RawConnections;
use handshake_runner::{GAP, HandshakeRunner, Variation};
use spec::{EXPERIMENTS_DIALECT, OFFER_AGAIN};
use std::time::Duration;

/// A handshake that opened but has a problem, and took longer than this, is followed by experiments, not by a larger
/// room: the probe has to end within the timeout and 4 s.
const WITH_PROBLEM_MAX: Duration = Duration::from_millis(500);
/// A built-in dialect that dials the path of Socket.IO.
const SOCKET_IO: &str = "socketio-addpeer";
/// The most time to wait for a server's first frame.
const LISTEN_MAX: Duration = Duration::from_secs(1);
/// The most time that the handshake with words said again takes beside its waits: the probe has to end within the
/// timeout, those waits and 4 s.
const AGAIN_MAX: Duration = Duration::from_secs(2);
/// The most time that the handshake with a silent observer takes beside its wait.
const OBSERVED_MAX: Duration = Duration::from_secs(1);
/// Pauses of the second such handshake are so much longer: words that come late by about the pause come earlier there.
const LONGER: Duration = Duration::from_millis(700);
/// Time that the host's repeated join has to take effect before the newcomer comes.
const AGED_MARGIN: Duration = Duration::from_millis(200);

/// Probes a target through `environment`; calls `on_step` with a line of progress for each step. The first connections
/// to the target are those of the first handshake: any other could hide a fault of a server that has long been idle.
pub fn probe(environment: &mut dyn Environment, spec: &ProbeSpec, on_step: &mut dyn FnMut(&str)) -> ProbeReport {
    let mut runner = HandshakeRunner::new(spec);
    let mut findings = Observations { words: runner.words.clone(), ..Observations::default() };
    for size in spec.sizes.iter().copied() {
        on_step(&format!("{size} peers"));
        let began = environment.now();
        let timeline = runner.play(environment, Variation::steady(spec, size), on_step);
        let all_opened = timeline.opened() == timeline.planned();
        let has_problem =
            has_problem(&timeline) && environment.now().saturating_duration_since(began) > WITH_PROBLEM_MAX;
        findings.timelines.push(timeline);
        if !all_opened || has_problem {
            break;
        }
    }
    let is_refused = |findings: &Observations| findings.timelines.iter().any(|timeline| timeline.refusal().is_some());
    // A fault that comes and goes shows in the first handshake, too, of a server that has long been idle.
    let repeated = spec.repeat.filter(|_| !is_refused(&findings)).map(|repeat| {
        let (repeated, failed) = repeat::repeat(&mut runner, environment, repeat, on_step);
        findings.timelines.extend(failed.filter(|_| all_opened(&findings)));
        repeated
    });
    let mut remedies = vec![];
    findings.elsewhere = elsewhere(environment, &findings, &spec.dialect);
    let is_dialects = matches!(diagnose(&findings).cause, Cause::Dialect | Cause::WrongDialect);
    if !is_dialects && !is_refused(&findings) {
        if spec.dialect.name() == EXPERIMENTS_DIALECT {
            // Without connections there are no experiments, and the conclusion says so.
            if let Ok(mut raw) = RawConnections::open(environment, &spec.run_id, spec.handshake.timeout) {
                experiment(&mut raw, spec, &mut findings, on_step);
                let is_tried = spec.try_remedies && diagnose(&findings).cause != Cause::None;
                remedies.extend(is_tried.then(|| remedies::one_channel(&mut raw, on_step)));
            }
        } else if !all_opened(&findings) {
            findings.repeat = say_again(&mut runner, environment, Duration::ZERO, on_step);
            if is_shown_by_repetition(&diagnose(&findings)) {
                findings.confirmed = say_again(&mut runner, environment, LONGER, on_step);
            }
            let conclusion = diagnose(&findings);
            let is_lost = matches!(conclusion.phase, Some(Phase::Discovery | Phase::Negotiation));
            if is_lost && conclusion.confidence < Confidence::High && spec.dialect.bears_observer() {
                findings.observed = Some(observe(&mut runner, environment, on_step));
            }
        }
    }
    if spec.try_remedies && !is_dialects && diagnose(&findings).cause != Cause::None {
        remedies.extend(remedies::try_all(&mut runner, environment, on_step));
    }
    ProbeReport::new(spec, findings, remedies, repeated)
}

/// The first frame at the path of Socket.IO, which answers nowhere else, if the server has said nothing that the dialect
/// takes.
fn elsewhere(environment: &mut dyn Environment, findings: &Observations, own: &Dialect) -> Option<String> {
    let is_understood = |event: &Event| matches!(event.kind, EventKind::Peer(PeerEvent::Read { rule: Some(_), .. }));
    let understood = findings.timelines.iter().flat_map(Timeline::events).any(is_understood);
    let answers = |failure: Failure| failure.reason != Reason::Refused && failure.reason != Reason::Dns;
    let answered = findings.timelines.first()?.refusal().is_none_or(answers);
    let socket_io = Dialect::named(SOCKET_IO)?;
    let asks = !all_opened(findings) && !understood && answered && !own.is_socket_io();
    if asks { environment.first_frame(&socket_io, LISTEN_MAX) } else { None }
}

/// Tells if a cause was found that the experiment with repeated words alone can show.
fn is_shown_by_repetition(conclusion: &Conclusion) -> bool {
    let causes = [Cause::Connection, Cause::Timing, Cause::LostFirstOffer];
    causes.contains(&conclusion.cause) && conclusion.confidence == Confidence::High
}

/// The experiment of any dialect: a handshake with a host that has long been there, in which words are said again, after
/// pauses that are so much `longer` than usual.
fn say_again(
    runner: &mut HandshakeRunner<'_>,
    environment: &mut dyn Environment,
    longer: Duration,
    on_step: &mut dyn FnMut(&str),
) -> Option<Timeline> {
    let trial = runner.spec.dialect.repeats(AGED + longer, OFFER_AGAIN + longer);
    if trial == Trial::default() {
        return None;
    }
    on_step(if longer.is_zero() { "something is amiss: the same words again later" } else { "the same once more" });
    // The host says its join again before the newcomer comes.
    let begins = vec![Duration::ZERO, AGED + longer + AGED_MARGIN];
    let more = trial.join_again.unwrap_or_default() + trial.offer_again.unwrap_or_default();
    let timeout = runner.spec.handshake.timeout.min(AGAIN_MAX);
    let variation = Variation { trial, more, timeout, ..Variation::with_begins(runner.spec, begins) };
    Some(runner.play(environment, variation, &mut |_| {}))
}

/// The second experiment of any dialect: a handshake of two, and a third client that joins between them and says nothing
/// else.
fn observe(
    runner: &mut HandshakeRunner<'_>,
    environment: &mut dyn Environment,
    on_step: &mut dyn FnMut(&str),
) -> Timeline {
    on_step("still amiss: a silent third client in the room");
    let timeout = runner.spec.handshake.timeout.min(OBSERVED_MAX);
    let trial = Trial { join_again: None, ..runner.spec.dialect.repeats(AGED, AGED) };
    let more = trial.offer_again.unwrap_or_default();
    let variation = Variation::with_begins(runner.spec, vec![Duration::ZERO, 2 * GAP]);
    let variation = Variation { trial, more, timeout, observer: Some(GAP), ..variation };
    runner.play(environment, variation, &mut |_| {})
}

/// Runs the experiments that the handshakes' results call for, and adds their outcomes to `findings`.
fn experiment(
    raw: &mut RawConnections<'_>,
    spec: &ProbeSpec,
    findings: &mut Observations,
    on_step: &mut dyn FnMut(&str),
) {
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

/// Tells if a peer received a list of rooms.
fn has_room_list(timeline: &Timeline, dialect: &Dialect) -> bool {
    let list = FrameKind::named(&dialect.kinds(), &[experiments::frames::ROOM_LIST]);
    timeline
        .events()
        .iter()
        .any(|event| matches!(event.kind, EventKind::Peer(PeerEvent::Frame { kind, .. }) if list.contains(&kind)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{HandshakeSettings, Seed, Trigger};
    use std::time::Instant;

    /// A server that accepts every connection and says nothing; its clock goes by leaps.
    struct Mute {
        now: Instant,
    }

    impl Environment for Mute {
        fn now(&self) -> Instant {
            self.now
        }
        fn open_connection(&mut self) -> RawConnection {
            RawConnection(0)
        }
        fn send_text(&mut self, _line: RawConnection, _text: String) {}
        fn close_connection(&mut self, _line: RawConnection) {}
        fn next_event(&mut self, until: Instant) -> Option<TimedLineEvent> {
            self.now = self.now.max(until);
            None
        }
        fn first_frame(&mut self, _dialect: &Dialect, at_most: Duration) -> Option<String> {
            self.now += at_most;
            None
        }
        fn play(&mut self, _play: &HandshakePlay, progress: &mut HandshakeProgress<'_>) {
            self.now = progress.ends_at();
        }
    }

    #[test]
    fn a_probe_of_a_mute_server_ends_within_its_timeout_its_waits_and_four_seconds() {
        // The host's age, twice, an offer that is said again, and the room with an observer.
        let waits = 2 * AGED + AGED_MARGIN + OFFER_AGAIN + AGED + OBSERVED_MAX;
        for (dialect, timeout_s) in [("relay", 1), ("relay", 5), ("y-webrtc", 60), ("peerjs", 10)] {
            let mut mute = Mute { now: Instant::now() };
            let (began, timeout) = (mute.now, Duration::from_secs(timeout_s));
            let handshake = HandshakeSettings { trigger: Trigger::PeerReady, ..HandshakeSettings::within(timeout) };
            let spec = ProbeSpec::new("t".to_owned(), Dialect::named(dialect).unwrap(), handshake, Seed(1));
            let report = probe(&mut mute, &spec, &mut |_| {});
            let took = mute.now - began;
            assert!(!report.is_open() && took <= timeout + waits + Duration::from_secs(4), "{dialect}: {took:?}");
        }
    }
}
