//! Rooms under each fault and under none, and the causes that are named.

use super::super::from_run::{CauseShare, FailedRoom, in_percent, insights};
use super::super::words::Words;
use super::*;
use crate::vocabulary::{
    Candidate, Concern, EdgeEvent, Event, EventKind, FrameKind, PeerEvent, PeerIndex, Place, Reason, RoomIndex, Signal,
    SignalDigest, SignalPart,
};
use std::time::{Duration, Instant};

const KINDS: [&str; 4] = ["user-joined-room", "participant-joined", "peer-ready", "server-room-list"];
const JOINED: FrameKind = FrameKind(0);
const CHAT: [FrameKind; 2] = [FrameKind(1), FrameKind(2)];
const LIST: FrameKind = FrameKind(3);

/// A room of two, built event by event.
struct Scenario {
    start: Instant,
    timeline: Timeline,
}

impl Scenario {
    fn empty() -> Self {
        let timeline = Timeline::new(2, Words::by_name(&KINDS).announcements());
        Self { start: Instant::now(), timeline }
    }

    /// Seat 0 joins at 0 ms, seat 1 at `second_ms`; each announces itself on both channels as it joins.
    fn room(second_ms: u64) -> Self {
        let mut scenario = Self::empty();
        for (seat, at_ms) in [(0, 0), (1, second_ms)] {
            scenario.tell(at_ms, seat, EventKind::Peer(PeerEvent::Began { due: scenario.start }));
            scenario.tell(at_ms + 1, seat, EventKind::Peer(PeerEvent::Upgraded));
            scenario.announce(at_ms + 2, seat, &[JOINED, CHAT[0], CHAT[1]]);
            scenario.tell(at_ms + 2, seat, EventKind::Peer(PeerEvent::Joined));
        }
        scenario
    }

    fn tell(&mut self, at_ms: u64, seat: u16, what: EventKind) {
        self.tell_late((at_ms, 0), seat, what);
    }

    /// The same, of an input that had waited.
    fn tell_late(&mut self, (at_ms, waited_ms): (u64, u64), seat: u16, what: EventKind) {
        let place = Place { room: RoomIndex(0), seat: Seat(seat), peer: PeerIndex(seat.into()) };
        let [at, waited] = [at_ms, waited_ms].map(Duration::from_millis);
        self.timeline.record(&Event::new(self.start + at, place, what).arrived(self.start + at - waited));
    }

    fn announce(&mut self, at_ms: u64, seat: u16, kinds: &[FrameKind]) {
        for kind in kinds {
            self.tell(at_ms, seat, EventKind::Peer(PeerEvent::Said { kind: *kind, bytes: 9, to: None }));
        }
    }

    fn hears(mut self, at_ms: u64, seat: u16, kinds: &[FrameKind]) -> Self {
        let from = Some(Seat(1 - seat));
        for kind in kinds {
            self.tell(
                at_ms,
                seat,
                EventKind::Peer(PeerEvent::Frame { kind: *kind, bytes: 9, concern: Concern::Me { from } }),
            );
        }
        self
    }

    fn listed(mut self, at_ms: u64, seat: u16) -> Self {
        self.tell(
            at_ms,
            seat,
            EventKind::Peer(PeerEvent::Frame { kind: LIST, bytes: 9, concern: Concern::Me { from: None } }),
        );
        self
    }

    fn elsewhere(mut self, at_ms: u64, seat: u16, kind: FrameKind) -> Self {
        let concern = Concern::Elsewhere { from: Some(Seat(1 - seat)) };
        self.tell(at_ms, seat, EventKind::Peer(PeerEvent::Frame { kind, bytes: 9, concern }));
        self
    }

    fn answers(mut self, at_ms: u64, seat: u16, kinds: &[FrameKind]) -> Self {
        self.announce(at_ms, seat, kinds);
        self
    }

    fn signal(mut self, at_ms: u64, seat: u16, said: bool, part: SignalPart, number: u64) -> Self {
        let text = format!("candidate:{number}");
        let candidate = Candidate { candidate: text, mid: Some("0".into()), line: Some(0), ufrag: None };
        let digest = SignalDigest::of(&Signal::Candidate(candidate.clone()));
        let candidate = (part == SignalPart::Candidate).then(|| Box::new(candidate));
        let event = EdgeEvent::Signal { said, part, digest, candidate };
        self.tell(at_ms, seat, EventKind::Edge { other: Seat(1 - seat), event });
        self
    }

    fn failed_in(self, phase: Phase) -> FailedRoom {
        FailedRoom { timeline: self.timeline, failed: vec![(Seat(0), Seat(1), Failure::timed_out(phase))] }
    }
}

fn check(cases: &[FailedRoom], expected: &[Cause]) {
    let insights = insights(cases, &Words::by_name(&KINDS), false);
    assert_eq!(insights[0][0].causes, expected, "{:?}", insights[0][0].evidence);
}

#[test]
fn a_channel_that_is_never_routed_is_told_from_one_that_loses_some() {
    let isolated = || Scenario::room(50).hears(55, 0, &[JOINED]).answers(56, 0, &[JOINED]).hears(58, 1, &[JOINED]);
    check(&[isolated().failed_in(Phase::Discovery)], &[Cause::ChannelIsolation]);
    let works = Scenario::room(50).hears(55, 0, &[JOINED, CHAT[1]]).failed_in(Phase::Discovery);
    check(&[isolated().failed_in(Phase::Discovery), works], &[Cause::Unknown]);
}

#[test]
fn a_handshake_that_has_no_time_for_its_deliveries_blames_nobody() {
    let late = |delivery_ms: u64| {
        let told = Scenario::room(50).hears(52 + delivery_ms, 0, &[JOINED, CHAT[1]]);
        let told = told.signal(60 + delivery_ms, 0, true, SignalPart::Offer, 7);
        let told = told.signal(60 + 2 * delivery_ms, 1, false, SignalPart::Offer, 7);
        told.signal(61 + 2 * delivery_ms, 1, true, SignalPart::Answer, 9).listed(2_050, 1).failed_in(Phase::Negotiation)
    };
    check(&[late(700)], &[Cause::Unknown]);
    check(&[late(500)], &[Cause::NoAnswer]);
}

#[test]
fn an_answer_that_may_be_on_its_way_is_not_lost() {
    let answered = |offer_took_ms: u64| {
        let told = Scenario::room(50).hears(55, 0, &[JOINED, CHAT[1]]).signal(60, 0, true, SignalPart::Offer, 7);
        let told = told.signal(60 + offer_took_ms, 1, false, SignalPart::Offer, 7);
        let mut told = told.signal(2_100, 1, true, SignalPart::Answer, 9);
        let event = EdgeEvent::Failed { failure: Failure::timed_out(Phase::Negotiation) };
        told.tell(3_000, 0, EventKind::Edge { other: Seat(1), event });
        told.failed_in(Phase::Negotiation)
    };
    check(&[answered(899)], &[Cause::NoAnswer]);
    check(&[answered(900)], &[Cause::Unknown]);
    // Another room shows how slow the server can be.
    check(&[answered(10), answered(900)], &[Cause::Unknown]);
}

#[test]
fn a_renamed_channel_is_seen() {
    let told = Scenario::room(50).hears(55, 0, &[JOINED]).elsewhere(55, 0, CHAT[1]);
    check(&[told.failed_in(Phase::Discovery)], &[Cause::ChannelMismatch]);
}

#[test]
fn a_late_subscription_is_named_when_something_later_arrives() {
    let spoken_to = || Scenario::room(50).listed(900, 0).failed_in(Phase::Discovery);
    check(&[Scenario::room(50).failed_in(Phase::Discovery), spoken_to()], &[Cause::Timing, Cause::Connection]);
    check(&[Scenario::room(50).listed(900, 0).failed_in(Phase::Discovery)], &[Cause::Timing]);
    // Seat 0 is aged and receives; its answer does not reach seat 1, which has just connected.
    let all = [JOINED, CHAT[0], CHAT[1]];
    let half = || Scenario::room(700).hears(703, 0, &all).answers(704, 0, &all);
    check(&[half().failed_in(Phase::Discovery)], &[Cause::Timing]);
    // A peer that receives as soon as it has joined shows that subscriptions are not late.
    let healthy = Scenario::room(50).hears(53, 1, &[CHAT[0]]).failed_in(Phase::Discovery);
    check(&[half().failed_in(Phase::Discovery), healthy], &[Cause::Unknown]);
    check(&[Scenario::room(2_000).failed_in(Phase::Discovery), spoken_to()], &[Cause::Connection]);
}

#[test]
fn a_description_that_can_t_be_read_is_the_rewriter_s_only_if_it_was_altered() {
    let unreadable = |heard: u64| {
        let told = Scenario::room(50).hears(55, 0, &[JOINED, CHAT[1]]).signal(60, 0, true, SignalPart::Offer, 7);
        let room = told.signal(61, 1, false, SignalPart::Offer, heard).failed_in(Phase::Negotiation);
        let failure = Failure::new(Phase::Negotiation, Reason::Protocol, "the description has no ice-pwd");
        FailedRoom { failed: vec![(Seat(0), Seat(1), failure)], ..room }
    };
    check(&[unreadable(8)], &[Cause::SdpRewrite]);
    check(&[unreadable(7)], &[Cause::Protocol]);
}

#[test]
fn a_server_that_never_says_anything_may_speak_another_protocol() {
    check(&[Scenario::room(50).failed_in(Phase::Discovery)], &[Cause::Timing, Cause::Connection, Cause::WrongDialect]);
    check(&[Scenario::room(2_000).failed_in(Phase::Discovery)], &[Cause::Connection, Cause::WrongDialect]);
}

#[test]
fn a_swallowed_join_takes_a_list_to_be_told_from_a_channel() {
    let told = || Scenario::room(50).hears(55, 0, &CHAT).answers(56, 0, &CHAT).hears(58, 1, &CHAT);
    check(&[told().failed_in(Phase::Discovery)], &[Cause::SwallowJoin, Cause::ChannelIsolation]);
    check(&[told().listed(60, 1).failed_in(Phase::Discovery)], &[Cause::SwallowJoin]);
}

#[test]
fn a_lost_offer_is_told_by_what_was_said_after_it() {
    let offered = || Scenario::room(50).hears(55, 0, &[JOINED]).signal(60, 0, true, SignalPart::Offer, 7);
    let met = |told: Scenario| told.answers(56, 0, &[JOINED]).hears(58, 1, &[JOINED]);
    let candidate = |told: Scenario| told.signal(61, 0, true, SignalPart::Candidate, 8);
    let after = candidate(met(offered())).signal(63, 1, false, SignalPart::Candidate, 8);
    check(&[after.failed_in(Phase::Negotiation)], &[Cause::LostFirstOffer]);
    check(&[met(offered()).failed_in(Phase::Negotiation)], &[Cause::LostFirstOffer, Cause::ChannelIsolation]);
    check(&[candidate(met(offered())).failed_in(Phase::Negotiation)], &[Cause::ChannelIsolation]);
    // A late subscription is sure only if offers, answers or candidates arrive somewhere.
    let late = || candidate(offered()).failed_in(Phase::Negotiation);
    check(&[late()], &[Cause::Timing, Cause::Connection, Cause::Dialect]);
    let elsewhere = offered().signal(62, 1, false, SignalPart::Offer, 7).failed_in(Phase::Negotiation);
    check(&[late(), elsewhere], &[Cause::Timing]);
}

#[test]
fn what_was_heard_and_not_answered_is_no_fault_of_the_server() {
    let heard = || {
        let told = Scenario::room(50).hears(55, 0, &[JOINED]).signal(60, 0, true, SignalPart::Offer, 7);
        told.signal(62, 1, false, SignalPart::Offer, 7)
    };
    check(&[heard().failed_in(Phase::Negotiation)], &[Cause::Unknown]);
    let answered = || heard().signal(63, 1, true, SignalPart::Answer, 9);
    check(&[answered().failed_in(Phase::Negotiation)], &[Cause::NoAnswer]);
    check(&[answered().signal(65, 0, false, SignalPart::Answer, 9).failed_in(Phase::Negotiation)], &[Cause::Unknown]);
    check(&[answered().signal(65, 0, false, SignalPart::Answer, 1).failed_in(Phase::Dtls)], &[Cause::SdpRewrite]);
}

#[test]
fn candidates_that_never_come_are_told_from_peers_that_find_no_way() {
    let said = |told: Scenario| {
        let told = told.signal(55, 0, true, SignalPart::Offer, 7).signal(57, 1, false, SignalPart::Offer, 7);
        let told = told.signal(58, 1, true, SignalPart::Answer, 6).signal(60, 0, false, SignalPart::Answer, 6);
        told.signal(61, 0, true, SignalPart::Candidate, 8).signal(61, 1, true, SignalPart::Candidate, 9)
    };
    check(&[said(Scenario::room(50)).failed_in(Phase::Ice)], &[Cause::CandidateDrop]);
    let came = said(Scenario::room(50)).signal(63, 1, false, SignalPart::Candidate, 8);
    check(&[came.failed_in(Phase::Ice)], &[Cause::IceFailed]);
    let other = said(Scenario::room(50)).signal(63, 1, false, SignalPart::Candidate, 7);
    check(&[other.failed_in(Phase::Ice)], &[Cause::AlteredCandidates]);
    check(&[Scenario::room(50).failed_in(Phase::Ice)], &[Cause::IceFailed]);
}

/// Ten seconds until DTLS was given up; datagrams of two peers waited for this machine at the same time.
#[test]
fn a_handshake_that_waited_for_this_machine_blames_nobody() {
    let cut = |waited_ms: u64, failure: Failure| {
        let mut scenario = Scenario::room(50);
        for seat in [0, 1] {
            scenario.tell_late(
                (3_000, waited_ms),
                seat,
                EventKind::Edge { other: Seat(1 - seat), event: EdgeEvent::IceUp },
            );
        }
        let event = EdgeEvent::Failed { failure: failure.clone() };
        scenario.tell(10_050, 0, EventKind::Edge { other: Seat(1), event });
        FailedRoom { timeline: scenario.timeline, failed: vec![(Seat(0), Seat(1), failure)] }
    };
    let timed_out = |phase| Failure::timed_out(phase);
    for (phase, cause) in
        [(Phase::Ice, Cause::IceFailed), (Phase::Dtls, Cause::DtlsFailed), (Phase::Channel, Cause::ChannelNotOpened)]
    {
        check(&[cut(1_000, timed_out(phase))], &[cause]);
        check(&[cut(1_001, timed_out(phase))], &[Cause::Unknown]);
    }
    // The deadline's timer fired late.
    for (waited_ms, cause) in [(90, Cause::Unreachable), (110, Cause::Unknown)] {
        let mut scenario = Scenario::empty();
        for seat in [0, 1] {
            scenario.tell(0, seat, EventKind::Peer(PeerEvent::Began { due: scenario.start }));
        }
        let failure = timed_out(Phase::Connect);
        let failed = PeerEvent::PeerFailed { failure: failure.clone() };
        scenario.tell_late((1_000, waited_ms), 0, EventKind::Peer(failed));
        let failed = vec![(Seat(0), Seat(1), failure)];
        check(&[FailedRoom { timeline: scenario.timeline, failed }], &[cause]);
    }
    // An alert is no matter of time.
    check(&[cut(2_000, Failure::new(Phase::Dtls, Reason::DtlsFailed, "alert 40"))], &[Cause::DtlsFailed]);
}

#[test]
fn what_the_failure_says_itself_takes_no_trace() {
    let check = |phase, reason, detail: &'static str, expected: Cause| {
        let insight = failures::judge(&Failure::new(phase, reason, detail)).unwrap();
        assert_eq!(insight.causes, [expected]);
    };
    check(Phase::Connect, Reason::Refused, "ECONNREFUSED", Cause::Unreachable);
    check(Phase::Connect, Reason::Rejected, "HTTP 429", Cause::Rejected);
    check(Phase::Join, Reason::Rejected, "DUPLICATE_USERNAME", Cause::NameTaken);
    check(Phase::Connect, Reason::GeneratorLimit, "EMFILE", Cause::Unknown);
    check(Phase::Discovery, Reason::Closed, "end of stream", Cause::Closed);
    assert_eq!(failures::judge(&Failure::timed_out(Phase::Ice)), None);
}

#[test]
fn each_status_instead_of_an_upgrade_says_what_it_is_and_where_to_look() {
    let check = |detail: &'static str, cause: Cause, words: &str| {
        let insight = failures::judge(&Failure::new(Phase::Connect, Reason::Rejected, detail)).unwrap();
        assert_eq!((insight.cause(), insight.evidence[0].contains(detail)), (cause, true), "{detail}: {insight:?}");
        assert_eq!(insight.evidence.get(1).is_some_and(|says| says.contains(words)), !words.is_empty(), "{insight:?}");
    };
    check("HTTP 200", Cause::WrongDialect, "no WebSocket at that path");
    check("HTTP 302", Cause::WrongDialect, "Dial the address that it names");
    let refusals = [
        ("HTTP 400", "takes this for no valid upgrade"),
        ("HTTP 401", "--header 'Authorization"),
        ("HTTP 403", "--origin"),
        ("HTTP 404", "Nothing is served at that path"),
        ("HTTP 418", "may not make"),
        ("HTTP 426", "drops the headers Upgrade"),
        ("HTTP 429", "a limit that is set"),
        ("HTTP 500", "its log says why"),
        ("HTTP 502", "the server behind it gave it no valid answer"),
        ("HTTP 503", "overloaded, starts or stops"),
        ("HTTP 504", "did not answer it in time"),
        // A request before the upgrade, or of an event stream, says nothing of a WebSocket.
        ("HTTP 302 to POST of [[before]] (x.toml:4)", ""),
        ("HTTP 404 to a POST", ""),
    ];
    refusals.into_iter().for_each(|(detail, words)| check(detail, Cause::Rejected, words));
}

#[test]
fn whoever_has_heard_of_the_other_is_named_and_whose_part_the_offer_is() {
    let check = |met: &[(u16, bool)], expected: &str| {
        let mut scenario = Scenario::room(50);
        for (seat, offers) in met {
            let event = EdgeEvent::Met { initiates: *offers };
            scenario.tell(60, *seat, EventKind::Edge { other: Seat(1 - seat), event });
        }
        // All that was announced arrived, so that nothing but who waits for whom is left.
        let scenario = scenario.hears(55, 0, &[JOINED, CHAT[0], CHAT[1]]).hears(55, 1, &[JOINED, CHAT[0], CHAT[1]]);
        let insights = insights(&[scenario.failed_in(Phase::Discovery)], &Words::by_name(&KINDS), true);
        assert_eq!(insights[0][0].evidence, [expected], "{met:?}");
    };
    check(&[], "Neither peer 0 nor peer 1 had heard of the other.");
    check(&[(0, true), (1, false)], "Peer 0 and peer 1 had heard of each other, and no offer was made.");
    let deaf = "Peer 1 had heard of peer 0, which had not heard of it";
    check(&[(1, true)], &format!("{deaf}, and peer 1, whose part it is to offer, made no offer."));
    check(&[(1, false)], &format!("{deaf}; the offer is peer 0's to make, and peer 1 waits for it."));
}

#[test]
fn shares_are_in_percent_and_this_machines_limits_are_no_cause() {
    let verdict = |causes: &[Cause], edges| CauseShare { causes: causes.to_vec(), edges, evidence: vec![] };
    let check = |verdicts: &[CauseShare], expected: Option<&str>| {
        assert_eq!(in_percent(verdicts).as_deref(), expected);
    };
    check(
        &[verdict(&[Cause::Timing, Cause::Connection], 5), verdict(&[Cause::Unknown], 3)],
        Some("63 % timing or connection, 38 % unknown"),
    );
    check(&[verdict(&[Cause::None], 5)], None);
    check(&[verdict(&[Cause::IceFailed], 1), verdict(&[Cause::None], 1_999)], Some("1 % ice-failed"));
}
