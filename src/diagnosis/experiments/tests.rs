//! Every row of the table, and the conclusion where no row holds.

use super::super::decide::diagnose;
use super::super::timeline::Timeline;
use super::observations::{CheckedDelivery, Observations};
use super::*;
use crate::vocabulary::{Event, EventKind, Failure, PeerEvent, PeerIndex, Phase, Place, Reason, RoomIndex, Seat};
use std::time::Instant;

/// A check in which all messages arrive but `lost`.
fn deliveries(lost: &[CheckedMessage]) -> DeliveryCheck {
    let delivery = |word: &CheckedMessage| CheckedDelivery {
        word: *word,
        outcome: if lost.contains(word) { TrialOutcome::Lost } else { TrialOutcome::Arrived },
    };
    DeliveryCheck(CheckedMessage::ALL.iter().map(delivery).collect())
}

fn trials() -> Experiments {
    Experiments {
        aged: deliveries(&[]),
        again: None,
        fresh_sender: Some(deliveries(&[])),
        fresh_receiver: Some(deliveries(&[])),
        ping_aged: true,
        ping_fresh: Some(true),
        listed: Some(true),
    }
}

const CHAT: &[CheckedMessage] = &[CheckedMessage::Ready, CheckedMessage::MemberJoined];

fn check(trials: Experiments, expected: Option<Cause>) {
    assert_eq!(judge(&trials).map(|insight| insight.cause()), expected, "{trials:?}");
}

#[test]
fn each_row_of_the_table_names_its_cause() {
    check(trials(), None);

    let mut renamed = deliveries(&[]);
    renamed.0[2].outcome = TrialOutcome::Renamed("webrtc-dashboard-rooms".into());
    check(Experiments { aged: renamed, ..trials() }, Some(Cause::ChannelMismatch));

    let isolated = || Experiments { aged: deliveries(CHAT), again: Some(deliveries(CHAT)), ..trials() };
    check(isolated(), Some(Cause::ChannelIsolation));
    check(Experiments { again: Some(deliveries(&[])), ..isolated() }, Some(Cause::Connection));
    check(
        Experiments { aged: deliveries(&CheckedMessage::ALL), again: Some(deliveries(&[])), ..trials() },
        Some(Cause::Connection),
    );
    check(
        Experiments {
            aged: deliveries(&CheckedMessage::ALL),
            again: Some(deliveries(&CheckedMessage::ALL)),
            ..trials()
        },
        Some(Cause::Connection),
    );

    check(Experiments { fresh_receiver: Some(deliveries(&CheckedMessage::ALL)), ..trials() }, Some(Cause::Timing));
    check(Experiments { fresh_sender: Some(deliveries(&CheckedMessage::ALL)), ..trials() }, Some(Cause::Connection));
    let deaf = || Experiments {
        fresh_sender: Some(deliveries(&CheckedMessage::ALL)),
        fresh_receiver: Some(deliveries(&CheckedMessage::ALL)),
        ..trials()
    };
    check(Experiments { ping_fresh: Some(false), ..deaf() }, Some(Cause::Connection));
    check(deaf(), Some(Cause::Unknown));
}

#[test]
fn single_messages_that_never_arrive_have_names_too() {
    check(Experiments { aged: deliveries(&[CheckedMessage::Joined]), ..trials() }, Some(Cause::SwallowJoin));
    check(Experiments { aged: deliveries(&[CheckedMessage::FirstOffer]), ..trials() }, Some(Cause::LostFirstOffer));
    check(
        Experiments { fresh_receiver: Some(deliveries(&[CheckedMessage::FirstOffer])), ..trials() },
        Some(Cause::LostFirstOffer),
    );
    check(Experiments { aged: deliveries(&[CheckedMessage::Candidate]), ..trials() }, Some(Cause::CandidateDrop));
    check(Experiments { aged: deliveries(&[CheckedMessage::Answer]), ..trials() }, Some(Cause::NoAnswer));
    let signaling =
        [CheckedMessage::FirstOffer, CheckedMessage::SecondOffer, CheckedMessage::Answer, CheckedMessage::Candidate];
    check(Experiments { aged: deliveries(&signaling), ..trials() }, Some(Cause::ChannelIsolation));
    check(Experiments { aged: deliveries(&[CheckedMessage::Request]), ..trials() }, None);
    let mut altered = deliveries(&[]);
    altered.0[4].outcome = TrialOutcome::Altered;
    check(Experiments { aged: altered, ..trials() }, Some(Cause::SdpRewrite));
}

#[test]
fn a_refused_connection_and_a_taken_name_are_told_apart() {
    let check = |phase, reason, detail: &'static str, expected: Cause| {
        let mut timeline = Timeline::new(2, vec![]);
        let place = Place { room: RoomIndex(0), seat: Seat(0), peer: PeerIndex(0) };
        let failure = Failure::new(phase, reason, detail);
        timeline.record(&Event::new(Instant::now(), place, EventKind::Peer(PeerEvent::PeerFailed { failure })));
        let findings = Observations { timelines: vec![timeline], ..Observations::default() };
        let diagnosis = diagnose(&findings);
        assert_eq!((diagnosis.cause, diagnosis.phase), (expected, Some(phase)));
    };
    check(Phase::Connect, Reason::Refused, "ECONNREFUSED", Cause::Unreachable);
    check(Phase::Connect, Reason::TimedOut, "", Cause::Unreachable);
    check(Phase::Connect, Reason::Rejected, "HTTP 429", Cause::Rejected);
    check(Phase::Connect, Reason::Rejected, "HTTP 404", Cause::Rejected);
    check(Phase::Connect, Reason::Rejected, "HTTP 200", Cause::WrongDialect);
    check(Phase::Join, Reason::Rejected, "DUPLICATE_USERNAME", Cause::NameTaken);
    check(Phase::Join, Reason::Rejected, "close 4001", Cause::Rejected);
    check(Phase::Discovery, Reason::Rejected, "close 1009", Cause::Closed);
    check(Phase::Discovery, Reason::Closed, "end of stream", Cause::Closed);
    check(Phase::Discovery, Reason::Protocol, "reserved bits are non-zero", Cause::Protocol);
}

#[test]
fn only_a_ghost_that_was_listed_and_stays_is_one() {
    let check = |listed, lingers, expected: Option<Cause>| {
        assert_eq!(roster(&RosterTrial { listed, lingers }).map(|insight| insight.cause()), expected);
    };
    check(true, true, Some(Cause::StaleRoster));
    check(true, false, None);
    check(false, false, None);
}

#[test]
fn a_fanout_is_slow_when_each_subscriber_costs_more_than_a_relays_work() {
    let micros = Duration::from_micros;
    let check = |alone_us: u64, observed_us: u64, expected: bool| {
        let spread = |fastest_us: u64| (0..5).map(|n| micros(fastest_us * (4 + n) / 4)).collect();
        let figures = Fanout { observers: 20, alone: spread(alone_us), observed: spread(observed_us) };
        assert_eq!(fanout(&figures).is_some(), expected, "{figures:?}");
    };
    check(5_000, 105_000, true);
    check(200, 900, false);
    check(300, 30_300, false);
    check(300, 30_400, true);
    check(100_000, 140_000, false);

    // Far from the server: the same shift within the network's variation, and well above it.
    let far = |shift_ms: u64| {
        let times = |least_ms: u64| (0..10).map(|n| Duration::from_millis(least_ms + 10 * n)).collect();
        Fanout { observers: 20, alone: times(80), observed: times(80 + shift_ms) }
    };
    assert!(fanout(&far(50)).is_none() && fanout(&far(100)).is_some());
}
