//! Frames, messages, leaves and returns.

use super::{Story, only_sample_ms};
use crate::metrics::Tally;
use crate::vocabulary::{Concern, EdgeEvent, EventKind, Failure, FrameKind, PeerEvent, Phase, Reason, RoomIndex, Seat};

fn said(kind: u8, bytes: u32, to: Option<u16>) -> EventKind {
    EventKind::Peer(PeerEvent::Said { kind: FrameKind(kind), bytes, to: to.map(Seat) })
}

fn heard(kind: u8, bytes: u32, from: u16) -> EventKind {
    EventKind::Peer(PeerEvent::Frame { kind: FrameKind(kind), bytes, concern: Concern::Me { from: Some(Seat(from)) } })
}

#[test]
fn a_signal_is_timed_from_its_write_to_each_of_its_reads() {
    let mut timeline = Story::of(&[3]);
    timeline.join(0, 0, 0).join(0, 0, 1).join(0, 0, 2);
    timeline.tell(0, 10, 0, said(0, 90, None)).tell(0, 11, 0, said(1, 500, Some(2)));
    timeline.tell(0, 30, 1, heard(0, 90, 0)).tell(0, 30, 2, heard(0, 90, 0)).tell(0, 61, 2, heard(1, 500, 0));
    let summary = timeline.summary();
    assert_eq!(only_sample_ms(&summary, "signal_delivery.offer"), (50, 50));
    let joins = &summary.timers["signal_delivery.join"].due;
    assert_eq!((joins.count, joins.min_us / 100, joins.max_us / 100), (2, 200, 200));
    assert_eq!(summary.timers["signal_delivery"].due.count, 3);
    assert_eq!(summary.amplification, Some(1.0));
}

#[test]
fn signals_of_one_kind_are_matched_in_order_and_a_lost_one_is_skipped_by_its_size() {
    let mut timeline = Story::of(&[2]);
    timeline.join(0, 0, 0).join(0, 0, 1);
    for (at, bytes) in [(10, 101), (11, 102), (12, 103)] {
        timeline.tell(0, at, 0, said(1, bytes, Some(1)));
    }
    timeline.tell(0, 30, 1, heard(1, 101, 0)).tell(0, 32, 1, heard(1, 103, 0)).tell(0, 33, 1, heard(1, 102, 0));
    let delivery = &timeline.summary().timers["signal_delivery"].due;
    assert_eq!((delivery.count, delivery.min_us / 100, delivery.max_us / 100), (2, 200, 200));
}

#[test]
fn a_broadcast_from_before_a_peer_had_joined_did_not_go_to_it() {
    let mut timeline = Story::of(&[2]);
    timeline.join(0, 0, 0).tell(0, 10, 0, said(0, 90, None)).join(0, 100, 1);
    timeline.tell(0, 110, 0, said(0, 90, None)).tell(0, 115, 1, heard(0, 90, 0));
    assert_eq!(only_sample_ms(&timeline.summary(), "signal_delivery"), (5, 5));
}

#[test]
fn frames_for_others_are_amplification() {
    let mut timeline = Story::of(&[2]);
    timeline.join(0, 0, 0).join(0, 0, 1).tell(0, 10, 1, heard(0, 100, 0));
    for _ in 0..3 {
        timeline.tell(
            0,
            11,
            1,
            EventKind::Peer(PeerEvent::Frame { kind: FrameKind(9), bytes: 50, concern: Concern::Others }),
        );
    }
    let summary = timeline.summary();
    assert_eq!(summary.amplification, Some(4.0));
    assert_eq!(summary.counts.signaling.by_type["other"].received_bytes, 150);
    assert_eq!(summary.series[0].frames, 4);
}

#[test]
fn a_message_in_flight_when_its_sender_leaves_is_cut_and_the_leave_is_noticed_once() {
    let mut timeline = Story::of(&[2]);
    timeline.join(0, 0, 0).join(0, 0, 1).open(0, 10, 0, 1);
    for sequence in [0, 1] {
        let due = timeline.ms(20);
        timeline.tell(
            0,
            25,
            0,
            EventKind::Edge { other: Seat(1), event: EdgeEvent::MessageSent { sequence, due, bytes: 16 } },
        );
    }
    let (due, began) = (timeline.ms(20), timeline.ms(25));
    timeline.tell(
        0,
        27,
        1,
        EventKind::Edge { other: Seat(0), event: EdgeEvent::MessageReceived { sequence: 0, due, began, bytes: 16 } },
    );
    timeline.tell(0, 30, 0, EventKind::Peer(PeerEvent::Left { silent: false, early: true }));
    timeline.tell(0, 34, 1, EventKind::Edge { other: Seat(0), event: EdgeEvent::NoticedLeave }).tell(
        0,
        39,
        1,
        EventKind::Edge { other: Seat(0), event: EdgeEvent::NoticedLeave },
    );
    let summary = timeline.summary();
    let messages = &summary.counts.messages;
    assert_eq!((messages.sent, messages.delivered, messages.cut, messages.lost), (2, 1, 1, 0));
    assert_eq!(only_sample_ms(&summary, "message_latency"), (7, 2));
    assert_eq!(only_sample_ms(&summary, "leave_notice"), (4, 4));
}

#[test]
fn a_peer_that_comes_back_is_planned_anew_with_its_edges() {
    let mut timeline = Story::of(&[2]);
    timeline.join(0, 0, 0).join(0, 0, 1).open(0, 10, 0, 1);
    timeline.tell(0, 30, 1, EventKind::Peer(PeerEvent::Left { silent: true, early: true }));
    timeline.join(0, 100, 1);
    assert_eq!((timeline.recorder.tally().edges_undecided, timeline.recorder.room_decided(RoomIndex(0))), (1, false));
    timeline.open(0, 110, 0, 1);
    let counts = timeline.summary().counts;
    assert_eq!((counts.peers.rejoins, counts.peers.reconnects, counts.peers.joined), (1, 0, 3));
    assert_eq!((counts.edges.rejoins, counts.edges.opened, counts.edges.unfinished), (1, 2, 0));
    assert_eq!((counts.edges.closed_early, counts.edges.left), (1, 1));
    assert_eq!(counts.rooms.complete, 1);
}

#[test]
fn an_edge_that_failed_before_the_other_came_is_not_planned_again_when_it_comes() {
    let failed = |other: u16| EventKind::Edge {
        other: Seat(other),
        event: EdgeEvent::Failed { failure: Failure::new(Phase::Join, Reason::Rejected, "DUPLICATE_USERNAME") },
    };
    let mut timeline = Story::of(&[3]);
    // The server rejects the first two after their joins were sent.
    timeline.join(0, 0, 0).tell(0, 10, 0, failed(1)).tell(0, 10, 0, failed(2));
    timeline.join(0, 20, 1).tell(0, 30, 1, failed(0)).tell(0, 30, 1, failed(2));
    timeline.join(0, 40, 2);
    let counts = timeline.summary().counts;
    assert_eq!((counts.edges.planned, counts.edges.rejoins, counts.edges.failed), (3, 0, 3));
    assert_eq!(counts.edges.unfinished, 0);
}

#[test]
fn who_comes_back_is_planned_to_meet_those_who_have_yet_to_come_for_the_first_time() {
    let mut timeline = Story::of(&[2]);
    timeline.join(0, 0, 0).tell(0, 10, 0, EventKind::Peer(PeerEvent::Left { silent: false, early: true }));
    timeline.join(0, 50, 0);
    assert!(!timeline.recorder.room_decided(RoomIndex(0)));
    timeline.join(0, 100, 1).open(0, 110, 0, 1);
    let counts = timeline.summary().counts;
    assert_eq!((counts.edges.planned, counts.edges.rejoins, counts.edges.opened), (1, 1, 1));
}

#[test]
fn at_the_end_of_a_run_nobody_leaves_early_and_nobody_notices() {
    let mut timeline = Story::of(&[2]);
    timeline.join(0, 0, 0).join(0, 0, 1).open(0, 10, 0, 1);
    timeline.tell(0, 30, 0, EventKind::Peer(PeerEvent::Left { silent: false, early: false }));
    timeline.tell(0, 34, 1, EventKind::Edge { other: Seat(0), event: EdgeEvent::NoticedLeave });
    timeline.tell(0, 34, 1, EventKind::Edge { other: Seat(0), event: EdgeEvent::Closed { planned: true } });
    let summary = timeline.summary();
    assert_eq!((summary.counts.edges.closed_early, summary.counts.edges.left), (0, 0));
    assert!(!summary.timers.contains_key("leave_notice"));
}

#[test]
fn nobody_waits_for_messages_whose_channel_has_closed() {
    let mut timeline = Story::of(&[2]);
    let sent = |timeline: &mut Story, sequence: u32| {
        let due = timeline.ms(20);
        timeline.tell(
            0,
            25,
            0,
            EventKind::Edge { other: Seat(1), event: EdgeEvent::MessageSent { sequence, due, bytes: 16 } },
        );
    };
    let in_flight = |timeline: &Story| {
        let tally = timeline.recorder.tally();
        tally.messages_sent - tally.messages_delivered - tally.messages_cut
    };
    timeline.join(0, 0, 0).join(0, 0, 1).open(0, 10, 0, 1);
    sent(&mut timeline, 0);
    sent(&mut timeline, 1);
    assert_eq!(in_flight(&timeline), 2);
    timeline.tell(0, 30, 1, EventKind::Peer(PeerEvent::Left { silent: true, early: true }));
    assert_eq!(in_flight(&timeline), 0);
    // The other has not noticed yet.
    sent(&mut timeline, 2);
    assert_eq!(in_flight(&timeline), 0);
    let messages = timeline.summary().counts.messages;
    assert_eq!((messages.sent, messages.cut, messages.lost), (3, 3, 0));
}

#[test]
fn an_edge_abandoned_by_a_leave_keeps_nobody_waiting() {
    let mut timeline = Story::of(&[2]);
    timeline.join(0, 0, 0).join(0, 0, 1).tell(0, 5, 0, EventKind::Peer(PeerEvent::Left { silent: false, early: true }));
    assert!(timeline.recorder.all_decided());
    assert_eq!(timeline.summary().counts.edges.unfinished, 1);
}

#[test]
fn the_tally_says_who_lives_and_who_is_still_to_come() {
    let mut timeline = Story::of(&[3]);
    timeline.join(0, 0, 0).join(0, 0, 1).tell(0, 5, 0, EventKind::Peer(PeerEvent::Left { silent: false, early: true }));
    let Tally { peers_alive, peers_waiting, peers_began, peers_joined, .. } = timeline.recorder.tally();
    assert_eq!((peers_alive, peers_waiting, peers_began, peers_joined), (1, 1, 2, 2));
}

#[test]
fn a_server_that_closes_before_a_rejoin_is_written_has_refused_a_redial() {
    let rejected = || Failure::new(Phase::Join, Reason::Rejected, "close 4429: too many");
    let lost = || EventKind::Peer(PeerEvent::ServerLost { failure: rejected() });
    let mut story = Story::of(&[2]);
    story.join(0, 10, 0).join(0, 10, 1);
    story.tell(0, 5_000, 0, lost()).tell(0, 5_200, 0, lost()).tell(0, 5_900, 0, lost());
    story.tell(0, 6_000, 0, EventKind::Peer(PeerEvent::Left { silent: false, early: false }));
    let summary = story.summary();
    let [outage] = &summary.outages[..] else { panic!("{:?}", summary.outages) };
    assert_eq!((outage.lost, outage.losses, outage.redials, outage.never), (1, 1, 2, 1));
    assert_eq!((summary.counts.peers.lost, outage.causes[0].count), (1, 3));
}
