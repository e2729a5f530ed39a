//! The whole peer: its deadlines, reconnects, guests, and its leave.

use super::*;
use crate::vocabulary::{EngineCommand, Seed, Signal};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

const TIMEOUT: Duration = Duration::from_secs(10);
const MICROSECOND: Duration = Duration::from_micros(1);
const OTHER: Seat = Seat(1);

/// The peer at seat 0 of a room of three, with a clock of its own; all peers of the room begin at once.
struct Fixture {
    peer: Peer,
    start: Instant,
    now: Instant,
}

impl Fixture {
    fn new(pattern: TrafficPattern) -> Self {
        let start = Instant::now();
        let traffic = TrafficConfig {
            pattern,
            interval: Duration::from_millis(500),
            bytes: (16, 16),
            pool: Arc::from([0; 64]),
            draws: Seed(1).stream("talk", 0),
        };
        let config = Config { seat: Seat(0), room_size: 3, timeout: TIMEOUT, trickle: true, traffic };
        Self { peer: Peer::new(config, start), start, now: start }
    }

    /// A peer without messages that has handled `inputs` at the start.
    fn after(inputs: &[Input]) -> Self {
        let mut fixture = Self::new(TrafficPattern::Silence);
        for input in inputs {
            fixture.take(input.clone());
        }
        fixture
    }

    fn take(&mut self, input: Input) -> Vec<Output> {
        self.peer.handle(self.now, input);
        std::iter::from_fn(|| self.peer.poll()).collect()
    }

    fn wake_after(&mut self, time: Duration) -> Vec<Output> {
        self.now = self.start + time;
        self.take(Input::Wake)
    }
}

fn begin() -> Input {
    Input::Begin { due: Instant::now() }
}

fn met(start: bool) -> Input {
    Input::Heard(Heard::Met { who: OTHER, start, initiate: true })
}

fn told(notice: EngineEvent) -> Input {
    Input::Engine(OTHER, notice)
}

fn answer() -> Input {
    Input::Heard(Heard::Signal { from: OTHER, signal: Signal::Answer { sdp: "answer".into() }, polite: false })
}

fn lost() -> Input {
    Input::Lost(Failure::new(Phase::Connect, Reason::Closed, "close 1001"))
}

/// The inputs of the offering side, from the dial to the open channel.
fn way() -> Vec<Input> {
    vec![
        begin(),
        Input::Upgraded,
        Input::Heard(Heard::Joined),
        Input::Command(PeerCommand::Companion { seat: OTHER }),
        met(false),
        met(true),
        told(EngineEvent::Offer { sdp: "offer".into() }),
        answer(),
        told(EngineEvent::Applied),
        told(EngineEvent::IceUp),
        told(EngineEvent::DtlsUp),
        told(EngineEvent::Open),
    ]
}

fn notes(outputs: &[Output]) -> Vec<EventKind> {
    let note = |output: &Output| match output {
        Output::Event(what) => Some(what.clone()),
        _ => None,
    };
    outputs.iter().filter_map(note).collect()
}

fn peer_failed(phase: Phase, reason: Reason, detail: &'static str) -> Vec<Output> {
    vec![
        Output::Event(EventKind::Peer(PeerEvent::PeerFailed { failure: Failure::new(phase, reason, detail) })),
        Output::Close,
    ]
}

#[test]
fn a_peer_alone_times_out_in_the_phase_it_was_waiting_in() {
    let check = |steps: usize, phase: Phase| {
        let early = Fixture::after(&way()[..steps]).wake_after(TIMEOUT - MICROSECOND);
        assert_eq!(early, [], "{phase:?}, a microsecond before the deadline");
        let mut fixture = Fixture::after(&way()[..steps]);
        assert_eq!(fixture.peer.wake_at(), Some(fixture.start + TIMEOUT));
        assert_eq!(fixture.wake_after(TIMEOUT), peer_failed(phase, Reason::TimedOut, ""));
        assert!(fixture.peer.is_gone());
        assert_eq!(fixture.peer.wake_at(), None);
    };
    check(1, Phase::Connect);
    check(2, Phase::Join);
}

#[test]
fn a_silent_server_times_out_in_the_phase_we_were_waiting_in() {
    let check = |steps: usize, phase: Phase| {
        let early = Fixture::after(&way()[..steps]).wake_after(TIMEOUT - MICROSECOND);
        assert_eq!(early, [], "{phase:?}, a microsecond before the deadline");
        let mut fixture = Fixture::after(&way()[..steps]);
        let failed = EventKind::Edge { other: OTHER, event: EdgeEvent::Failed { failure: Failure::timed_out(phase) } };
        let late = fixture.wake_after(TIMEOUT);
        assert_eq!(late, [Output::Event(failed), Output::Engine(OTHER, EngineCommand::Drop)], "{phase:?}");
        assert!(!fixture.peer.is_gone());
        assert_eq!(fixture.peer.wake_at(), None, "nothing is left to wait for");
    };
    check(4, Phase::Discovery);
    check(5, Phase::Discovery);
    check(6, Phase::Negotiation);
    check(7, Phase::Negotiation);
    check(8, Phase::Negotiation);
    check(9, Phase::Ice);
    check(10, Phase::Dtls);
    check(11, Phase::Channel);
}

#[test]
fn an_open_channel_has_no_deadline() {
    let mut fixture = Fixture::after(&way());
    assert_eq!(fixture.peer.wake_at(), None);
    assert_eq!(fixture.wake_after(2 * TIMEOUT), []);
}

#[test]
fn a_socket_lost_on_the_way_in_fails_the_peer_in_the_phase_it_was_in() {
    let check = |steps: usize, phase: Phase| {
        let outputs = Fixture::after(&way()[..steps]).take(lost());
        assert_eq!(outputs, peer_failed(phase, Reason::Closed, "close 1001"));
    };
    check(1, Phase::Connect);
    check(2, Phase::Join);
}

#[test]
fn a_socket_lost_after_joining_fails_only_the_edges_that_still_need_it() {
    let check = |steps: usize, phase: Phase| {
        let mut fixture = Fixture::after(&way()[..steps]);
        let failed = |other: Seat, phase: Phase| EventKind::Edge {
            other,
            event: EdgeEvent::Failed { failure: Failure::new(phase, Reason::Closed, "close 1001") },
        };
        let failure = Failure::new(Phase::Connect, Reason::Closed, "close 1001");
        let server_lost = EventKind::Peer(PeerEvent::ServerLost { failure });
        let expected = [server_lost, failed(OTHER, phase), failed(Seat(2), Phase::Discovery)];
        assert_eq!(notes(&fixture.take(lost())), expected);
        assert!(!fixture.peer.is_gone());
    };
    check(4, Phase::Discovery);
    check(6, Phase::Negotiation);
    check(7, Phase::Negotiation);
}

#[test]
fn deaf_peers_keep_open_channels_and_those_that_need_no_more_words() {
    let mut fixture = Fixture::after(&way()[..9]);
    assert!(
        notes(&fixture.take(lost()))
            .iter()
            .all(|what| !matches!(what, EventKind::Edge { other: OTHER, event: EdgeEvent::Failed { .. } }))
    );
    for notice in [EngineEvent::IceUp, EngineEvent::DtlsUp, EngineEvent::Open] {
        fixture.take(told(notice));
    }
    assert!(fixture.peer.pairs.is_open(OTHER));

    let mut fixture = Fixture::after(&way());
    fixture.take(lost());
    assert!(fixture.peer.pairs.is_open(OTHER));
    assert_eq!(fixture.take(lost()), [], "it is lost once");
}

#[test]
fn who_is_refused_before_it_has_joined_is_gone_and_after_that_only_deaf() {
    let refusal = || Input::Heard(Heard::Refused(Failure::new(Phase::Join, Reason::Rejected, "DUPLICATE_USERNAME")));
    let outputs = Fixture::after(&way()[..2]).take(refusal());
    assert_eq!(outputs, peer_failed(Phase::Join, Reason::Rejected, "DUPLICATE_USERNAME"));

    let mut fixture = Fixture::after(&way()[..4]);
    let failure = Failure::new(Phase::Join, Reason::Rejected, "DUPLICATE_USERNAME");
    let failed = |other: Seat| EventKind::Edge { other, event: EdgeEvent::Failed { failure: failure.clone() } };
    assert_eq!(notes(&fixture.take(refusal())), [failed(OTHER), failed(Seat(2))]);
    assert!(!fixture.peer.is_gone());
}

/// A peer with reconnects and one open edge.
fn persistent() -> Fixture {
    let mut fixture = Fixture::new(TrafficPattern::Silence);
    let backoff =
        ReconnectBackoff::new(Duration::from_millis(250), Duration::from_secs(5), Seed(1).stream("redial", 0));
    fixture.peer = fixture.peer.with_reconnect(Some(backoff));
    for input in way() {
        fixture.take(input);
    }
    fixture
}

#[test]
fn a_peer_that_lost_its_server_dials_again_within_the_bound_and_keeps_its_channels() {
    let mut fixture = persistent();
    let lost_as = Failure::new(Phase::Connect, Reason::Closed, "close 1001");
    assert_eq!(fixture.take(lost()), [Output::Event(EventKind::Peer(PeerEvent::ServerLost { failure: lost_as }))]);
    let at = fixture.peer.wake_at().unwrap();
    assert!(at <= fixture.now + Duration::from_millis(250));
    assert_eq!(fixture.wake_after(at - fixture.start), [Output::Dial]);
    let refused = Failure::new(Phase::Connect, Reason::Refused, "ECONNREFUSED");
    let outputs = fixture.take(Input::Lost(refused.clone()));
    assert_eq!(outputs, [Output::Event(EventKind::Peer(PeerEvent::RedialFailed { failure: refused }))]);
    let at = fixture.peer.wake_at().unwrap();
    assert_eq!(fixture.wake_after(at - fixture.start), [Output::Dial]);
    assert_eq!(fixture.take(Input::Upgraded), []);
    assert_eq!(fixture.take(Input::Heard(Heard::Joined)), [Output::Event(EventKind::Peer(PeerEvent::Reconnected))]);
    assert!(fixture.peer.pairs.is_open(OTHER));
    // A peer that joined during the outage is met now.
    fixture.take(Input::Command(PeerCommand::Companion { seat: Seat(2) }));
    let met = Input::Heard(Heard::Met { who: Seat(2), start: true, initiate: true });
    assert!(fixture.take(met).contains(&Output::Engine(Seat(2), EngineCommand::Offer)));
}

#[test]
fn a_dial_that_nobody_answers_gives_way_to_another() {
    let mut fixture = persistent();
    fixture.take(lost());
    let dialed = fixture.peer.wake_at().unwrap() - fixture.start;
    fixture.wake_after(dialed);
    assert_eq!(fixture.wake_after(dialed + TIMEOUT - MICROSECOND), []);
    let given_up =
        Output::Event(EventKind::Peer(PeerEvent::RedialFailed { failure: Failure::timed_out(Phase::Connect) }));
    assert_eq!(fixture.wake_after(dialed + TIMEOUT), [given_up, Output::Dial]);
}

#[test]
fn a_server_that_says_no_is_not_dialled_again() {
    let check = |reason: Reason, detail: &'static str, expected: bool| {
        let mut fixture = persistent();
        fixture.take(Input::Lost(Failure::new(Phase::Connect, reason, detail)));
        assert_eq!(fixture.peer.wake_at().is_some(), expected, "{reason:?} {detail}");
    };
    check(Reason::Rejected, "close 4403", false);
    check(Reason::Protocol, "", false);
    // But for one that says not now.
    check(Reason::Rejected, "close 4429: too many", true);
    check(Reason::Rejected, "close 1013", true);
    let mut fixture = persistent();
    let failure = Failure::new(Phase::Join, Reason::Rejected, "DUPLICATE_USERNAME");
    fixture.take(Input::Heard(Heard::Refused(failure)));
    assert_eq!(fixture.peer.wake_at(), None);
}

#[test]
fn leaving_says_goodbye_and_then_closes() {
    let left = Output::Event(EventKind::Peer(PeerEvent::Left { silent: false, early: false }));
    assert_eq!(
        Fixture::after(&way()).take(Input::Command(PeerCommand::Leave)),
        [Output::Say(Say::Leave), left, Output::Close]
    );
}

#[test]
fn who_departs_says_goodbye_unless_it_is_silent() {
    let check = |silent: bool, expected: &[Output]| {
        assert_eq!(Fixture::after(&way()).take(Input::Command(PeerCommand::Depart { silent })), expected);
    };
    let left = |silent| Output::Event(EventKind::Peer(PeerEvent::Left { silent, early: true }));
    check(false, &[Output::Say(Say::Leave), left(false), Output::Close]);
    check(true, &[left(true), Output::Close]);
}

#[test]
fn an_edge_to_somebody_who_came_back_opens_again_and_numbers_its_messages_anew() {
    let mut fixture = Fixture::new(TrafficPattern::Broadcast);
    for input in way().into_iter().chain([Input::Command(PeerCommand::StartTraffic)]) {
        fixture.take(input);
    }
    let sequence = |fixture: &mut Fixture| {
        let due = fixture.peer.wake_at().unwrap();
        let outputs = fixture.wake_after(due - fixture.start);
        outputs.iter().find_map(|output| match output {
            Output::Send(message) => Some(message.sequence),
            _ => None,
        })
    };
    assert_eq!((sequence(&mut fixture), sequence(&mut fixture)), (Some(0), Some(1)));
    let outputs = fixture.take(Input::Command(PeerCommand::Back { seat: OTHER }));
    assert_eq!(notes(&outputs), [EventKind::Edge { other: OTHER, event: EdgeEvent::Closed { planned: true } }]);
    assert!(!fixture.peer.pairs.is_open(OTHER));
    for input in way().into_iter().skip(5) {
        fixture.take(input);
    }
    assert!(fixture.peer.pairs.is_open(OTHER));
    assert_eq!(sequence(&mut fixture), Some(0));
}

#[test]
fn who_is_missed_in_a_list_was_noticed_and_its_channel_stays() {
    let mut fixture = Fixture::after(&way());
    let outputs = fixture.take(Input::Heard(Heard::Missed { who: OTHER }));
    assert_eq!(outputs, [Output::Event(EventKind::Edge { other: OTHER, event: EdgeEvent::NoticedLeave })]);
    assert!(fixture.peer.pairs.is_open(OTHER));
    assert_eq!(Fixture::after(&way()[..7]).take(Input::Heard(Heard::Missed { who: OTHER })), []);
}

#[test]
fn who_has_not_joined_or_hears_no_more_leaves_without_a_word() {
    let left = || [Output::Event(EventKind::Peer(PeerEvent::Left { silent: false, early: false })), Output::Close];
    for steps in 0..=2 {
        assert_eq!(
            Fixture::after(&way()[..steps]).take(Input::Command(PeerCommand::Leave)),
            left(),
            "after {steps} steps"
        );
    }
    let mut fixture = Fixture::after(&way());
    fixture.take(lost());
    assert_eq!(fixture.take(Input::Command(PeerCommand::Leave)), left());
}

#[test]
fn nothing_moves_a_peer_that_is_gone() {
    let mut fixture = Fixture::after(&way());
    fixture.take(Input::Command(PeerCommand::Leave));
    for input in way().into_iter().chain([
        Input::Command(PeerCommand::Leave),
        Input::Wake,
        Input::Command(PeerCommand::StartTraffic),
        lost(),
    ]) {
        assert_eq!(fixture.take(input.clone()), [], "{input:?}");
    }
    assert_eq!(fixture.peer.wake_at(), None);
}

#[test]
fn messages_flow_over_open_channels_until_they_are_hushed() {
    let mut fixture = Fixture::new(TrafficPattern::Broadcast);
    for input in way().into_iter().chain([Input::Command(PeerCommand::StartTraffic)]) {
        fixture.take(input);
    }
    let due = fixture.peer.wake_at().unwrap();
    let outputs = fixture.wake_after(due - fixture.start);
    assert!(
        matches!(&outputs[..], [Output::Send(message)] if message.to == OTHER && message.due == due),
        "{outputs:?}"
    );
    fixture.take(told(EngineEvent::Closed));
    assert_eq!(fixture.peer.wake_at(), None, "no channel, no message");
    fixture.take(Input::Command(PeerCommand::StopTraffic));
    assert_eq!(fixture.wake_after(TIMEOUT), []);
}

#[test]
fn a_seat_that_the_room_does_not_have_is_nobody() {
    let mut fixture = Fixture::after(&way()[..3]);
    for who in [Seat(0), Seat(3), Seat(u16::MAX)] {
        assert_eq!(fixture.take(Input::Heard(Heard::Met { who, start: true, initiate: true })), []);
        assert_eq!(fixture.take(Input::Engine(who, EngineEvent::Open)), []);
        assert_eq!(fixture.take(Input::Command(PeerCommand::Companion { seat: who })), []);
    }
    assert_eq!(fixture.peer.wake_at(), None);
}

/// Every input of an edge or its peer, in no valid order.
fn anything() -> Vec<Input> {
    let said = |signal: Signal, polite: bool| Input::Heard(Heard::Signal { from: OTHER, signal, polite });
    let offer = || Signal::Offer { sdp: "offer".into() };
    let mut inputs = way();
    inputs.extend([said(offer(), true), said(offer(), false), told(EngineEvent::Answer { sdp: "answer".into() })]);
    inputs.extend([told(EngineEvent::Closed), Input::Heard(Heard::Left { who: OTHER }), Input::Heard(Heard::Nonsense)]);
    inputs.extend([
        told(EngineEvent::Message(vec![0; 16])),
        Input::Command(PeerCommand::StartTraffic),
        Input::Command(PeerCommand::StopTraffic),
        Input::Wake,
        Input::Wake,
    ]);
    inputs
}

proptest! {
    #[test]
    fn in_whatever_order_things_happen_an_edge_is_decided_once_and_a_wake_is_served(
        ends in any::<bool>(),
        steps in proptest::collection::vec((any::<prop::sample::Index>(), 0..4_000_u64), 0..80),
    ) {
        let mut fixture = Fixture::new(TrafficPattern::PingPong);
        let mut decided = BTreeSet::new();
        fixture.take(begin());
        let end = if ends { vec![lost(), Input::Command(PeerCommand::Leave)] } else { vec![] };
        let pool = [anything(), end].concat();
        for (which, millis) in steps {
            fixture.now += Duration::from_millis(millis);
            let input = which.get(&pool).clone();
            let outputs = fixture.take(input.clone());
            for what in notes(&outputs) {
                if let EventKind::Edge { other, event: EdgeEvent::Open } | EventKind::Edge { other, event: EdgeEvent::Failed { .. } } = what {
                    prop_assert!(decided.insert(other), "{:?} is decided again by {:?}", other, input);
                }
            }
            let closes = outputs.iter().position(|output| *output == Output::Close);
            prop_assert!(closes.is_none_or(|at| at + 1 == outputs.len()), "something follows Close: {:?}", outputs);
            prop_assert!(input != Input::Wake || fixture.peer.wake_at().is_none_or(|at| at > fixture.now));
        }
    }
}

/// The seat after the room's own.
const GUEST: Seat = Seat(3);

fn with_guests(inputs: &[Input]) -> (Fixture, Vec<Output>) {
    let mut fixture = Fixture::new(TrafficPattern::Silence);
    fixture.peer = fixture.peer.with_guests(1);
    let outputs = inputs.iter().flat_map(|input| fixture.take(input.clone())).collect();
    (fixture, outputs)
}

fn heard_guest(start: bool) -> Input {
    Input::Heard(Heard::Met { who: GUEST, start, initiate: true })
}

#[test]
fn what_a_guest_says_is_counted_and_not_read() {
    let (mut fixture, _) = with_guests(&[begin(), Input::Upgraded, heard_guest(true)]);
    for payload in [b"hello".to_vec(), vec![0xff; 64], vec![]] {
        let bytes = payload.len() as u32;
        let outputs = fixture.take(Input::Engine(GUEST, EngineEvent::Message(payload)));
        assert_eq!(
            outputs,
            [Output::Event(EventKind::Edge { other: GUEST, event: EdgeEvent::GuestMessage { bytes } })]
        );
    }
}

#[test]
fn a_guest_that_goes_before_its_channel_is_open_is_noticed() {
    let (mut fixture, _) = with_guests(&[begin(), Input::Upgraded, heard_guest(true)]);
    let outputs = fixture.take(Input::Heard(Heard::Left { who: GUEST }));
    assert!(
        outputs.contains(&Output::Event(EventKind::Edge { other: GUEST, event: EdgeEvent::NoticedLeave })),
        "{outputs:?}"
    );
    let outputs = fixture.take(Input::Heard(Heard::Left { who: OTHER }));
    assert!(
        !outputs.contains(&Output::Event(EventKind::Edge { other: OTHER, event: EdgeEvent::NoticedLeave })),
        "{outputs:?}"
    );
}

#[test]
fn the_time_of_a_guests_edge_runs_from_when_the_peer_begins() {
    let (mut fixture, _) = with_guests(&[begin(), Input::Upgraded, Input::Heard(Heard::Joined)]);
    assert_eq!(fixture.peer.wake_at(), Some(fixture.start + TIMEOUT));
    let outputs = fixture.wake_after(TIMEOUT);
    let failure = Failure::timed_out(Phase::Discovery);
    assert!(
        outputs.contains(&Output::Event(EventKind::Edge { other: GUEST, event: EdgeEvent::Failed { failure } })),
        "{outputs:?}"
    );
}

#[test]
fn the_next_guest_on_a_seat_gets_a_connection_of_its_own() {
    let (mut fixture, _) =
        with_guests(&[begin(), Input::Upgraded, heard_guest(true), Input::Heard(Heard::Left { who: GUEST })]);
    assert!(!fixture.take(heard_guest(true)).contains(&Output::Engine(GUEST, EngineCommand::Offer)));
    fixture.take(Input::GuestReplaced { seat: GUEST });
    let outputs = fixture.take(heard_guest(true));
    assert!(outputs.contains(&Output::Engine(GUEST, EngineCommand::Offer)), "{outputs:?}");
}
