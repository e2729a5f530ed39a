//! The generator's share of every figure: what waited for this process, and what it worked.

use super::{Story, only_sample_ms};
use crate::summary::Summary;
use crate::vocabulary::{Concern, EdgeEvent, EventKind, Failure, FrameKind, PeerEvent, Phase, Reason, Seat};
use std::time::Duration;

const MET: EdgeEvent = EdgeEvent::Met { initiates: true };

fn net_ms(summary: &Summary, timer: &str) -> u64 {
    let net = summary.timers[timer].net.as_ref().unwrap_or_else(|| panic!("{timer} has no net samples"));
    assert_eq!(net.count, 1, "{timer}");
    (net.min_us as f64 / 1e3).round() as u64
}

fn edge(other: u16, event: EdgeEvent) -> EventKind {
    event.to(Seat(other))
}

#[test]
fn what_waited_for_this_process_is_charged_to_it_and_overlapping_waits_once() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0).join(0, 10, 1);
    // The newcomer is met 20 ms after its word had arrived; a candidate that arrived meanwhile is handled with it.
    story.tell_late(0, (40, 20), 0, edge(1, MET)).tell_late(0, (41, 11), 0, edge(1, EdgeEvent::Received));
    story.tell(0, 41, 0, edge(1, EdgeEvent::Offers)).tell_late(0, (60, 5), 0, edge(1, EdgeEvent::Answered));
    story.tell(0, 61, 0, edge(1, EdgeEvent::IceUp)).tell(0, 61, 1, edge(0, EdgeEvent::IceUp));
    story.tell_late(0, (70, 4), 0, edge(1, EdgeEvent::DtlsUp)).tell_late(0, (70, 4), 1, edge(0, EdgeEvent::DtlsUp));
    story.tell(0, 71, 0, edge(1, EdgeEvent::Open)).tell(0, 71, 1, edge(0, EdgeEvent::Open));
    let summary = story.summary();
    assert_eq!(only_sample_ms(&summary, "time_to_open"), (61, 61));
    // 20 + 1 until the offer is made, 5 in negotiation, 4 in dtls.
    assert_eq!(net_ms(&summary, "time_to_open"), 61 - 30);
    assert_eq!(only_sample_ms(&summary, "own_wait").0, 30);
    let own = summary.mean_edge_own.unwrap();
    assert_eq!([own.connect_us, own.join_us, own.discovery_us], [0, 0, 21_000]);
    assert_eq!([own.negotiation_us, own.dtls_us.unwrap()], [5_000, 4_000]);
    assert_eq!(net_ms(&summary, "discovery"), 40 - 13 - 21);
    assert_eq!(net_ms(&summary, "room_complete"), 61 - 30);
    let shares = summary.shares.unwrap();
    assert!((shares.target + shares.peers + shares.own_work + shares.own_wait - 1.0).abs() < 1e-9);
    assert!((shares.own_wait - 30.0 / 61.0).abs() < 1e-3, "{shares:?}");
}

#[test]
fn own_work_and_what_is_written_late_are_the_generators_too() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0).join(0, 10, 1);
    story.tell(0, 20, 0, edge(1, MET)).tell(0, 20, 0, edge(1, EdgeEvent::Offers));
    // The offer took 3 ms to make, and 5 more until it was written.
    story.tell(0, 23, 0, edge(1, EdgeEvent::OwnWork { spent: Duration::from_millis(3) }));
    let offer = PeerEvent::Said { kind: FrameKind(1), bytes: 500, to: Some(Seat(1)) };
    story.tell_late(0, (28, 8), 0, EventKind::Peer(offer)).open(0, 40, 0, 1);
    let summary = story.summary();
    assert_eq!(only_sample_ms(&summary, "own_work").0, 3);
    assert_eq!(only_sample_ms(&summary, "own_wait").0, 5);
    assert_eq!(net_ms(&summary, "time_to_open"), 34 - 8);
    assert_eq!(only_sample_ms(&summary, "time_to_open"), (34, 34), "gross as ever");
}

#[test]
fn time_before_both_peers_began_is_nobodys() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0);
    let due = story.ms(50);
    story.tell(0, 100, 1, EventKind::Peer(PeerEvent::Began { due }));
    // The upgrade's answer waited 10 ms, and the join was written 5 ms after that.
    story.tell_late(0, (120, 10), 1, EventKind::Peer(PeerEvent::Upgraded));
    story.tell_late(0, (125, 15), 1, EventKind::Peer(PeerEvent::Joined));
    story.tell_late(0, (130, 100), 0, edge(1, MET)).open(0, 130, 0, 1);
    let summary = story.summary();
    assert_eq!(only_sample_ms(&summary, "time_to_open"), (84, 34));
    assert_eq!(net_ms(&summary, "time_to_open"), 34 - 20, "10, 5, and the last 5 of the 100");
    let connect = &summary.timers["connect"];
    let net = connect.net.as_ref().unwrap();
    assert_eq!((connect.due.max_us / 1_000, connect.began.max_us / 1_000, net.max_us / 1_000), (70, 20, 10));
}

#[test]
fn a_signal_a_message_and_a_notice_end_when_they_arrived() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0).join(0, 0, 1).open(0, 10, 0, 1);
    let heard = PeerEvent::Frame { kind: FrameKind(1), bytes: 9, concern: Concern::Me { from: Some(Seat(0)) } };
    story.tell(0, 20, 0, EventKind::Peer(PeerEvent::Said { kind: FrameKind(1), bytes: 9, to: Some(Seat(1)) }));
    story.tell_late(0, (80, 50), 1, EventKind::Peer(heard));
    let (due, began) = (story.ms(100), story.ms(102));
    story.tell(0, 102, 0, edge(1, EdgeEvent::MessageSent { sequence: 0, due, bytes: 16 }));
    let received = EdgeEvent::MessageReceived { sequence: 0, due, began, bytes: 16 };
    story.tell_late(0, (150, 45), 1, edge(0, received));
    story.tell(0, 200, 0, EventKind::Peer(PeerEvent::Left { silent: false, early: true }));
    story.tell_late(0, (260, 52), 1, edge(0, EdgeEvent::NoticedLeave));
    let summary = story.summary();
    assert_eq!(only_sample_ms(&summary, "signal_delivery"), (10, 10));
    assert_eq!(only_sample_ms(&summary, "message_latency"), (5, 3));
    assert_eq!(only_sample_ms(&summary, "leave_notice"), (8, 8));
}

#[test]
fn a_timeout_is_our_own_once_a_tenth_of_it_was_spent_waiting_for_us() {
    for (late_ms, ours) in [(1_000, 0), (1_001, 1)] {
        let mut story = Story::of(&[2]);
        story.join(0, 0, 0).join(0, 0, 1).tell_late(0, (5_000, late_ms), 0, edge(1, MET));
        story.tell(0, 10_000, 0, edge(1, EdgeEvent::Failed { failure: Failure::timed_out(Phase::Negotiation) }));
        let summary = story.summary();
        assert_eq!((summary.counts.edges.failed, summary.counts.edges.ours), (1, ours), "{late_ms} ms");
        assert_eq!(net_ms(&summary, "time_to_open").div_ceil(10) * 10, (10_000 - late_ms).div_ceil(10) * 10);
    }
    let mut story = Story::of(&[2]);
    let failure = Failure::new(Phase::Connect, Reason::GeneratorLimit, "EMFILE");
    story.join(0, 0, 0).tell(0, 1, 1, EventKind::Peer(PeerEvent::PeerFailed { failure }));
    assert_eq!(story.summary().counts.edges.ours, 1);
}

#[test]
fn requests_before_the_connection_are_a_timer_of_their_own_within_connect() {
    let mut story = Story::of(&[2]);
    let took = Duration::from_millis(7);
    story.join(0, 0, 0).tell(0, 2, 0, EventKind::Peer(PeerEvent::Prepared { took }));
    assert_eq!(only_sample_ms(&story.summary(), "before").0, 7);
}
