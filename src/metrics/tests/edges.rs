//! Edges that open or fail, and the times they take.

use super::{Story, only_sample_ms, timeout_ms};
use crate::vocabulary::{EdgeEvent, EventKind, Failure, PeerEvent, Phase, Reason, RoomIndex, Seat};
use std::time::Duration;

#[test]
fn the_phases_of_an_edge_run_from_milestone_to_milestone() {
    let mut timeline = Story::of(&[2]);
    timeline.join(0, 0, 0).join(0, 100, 1).open(0, 140, 0, 1);
    let summary = timeline.summary();
    let phases = summary.slowest[0].phases;
    let in_order = [phases.connect_us, phases.join_us, phases.discovery_us, phases.negotiation_us];
    assert_eq!(in_order, [2_000, 1_000, 37_000, 1_000]);
    assert_eq!([phases.ice_us, phases.dtls_us, phases.channel_us], [Some(1_000); 3]);
    assert_eq!(only_sample_ms(&summary, "time_to_open"), (44, 44));
    assert_eq!(only_sample_ms(&summary, "discovery"), (37, 37));
    assert_eq!(only_sample_ms(&summary, "room_complete"), (44, 44));
    assert_eq!(summary.rates.mesh_complete, Some(1.0));
    assert!(timeline.recorder.room_decided(RoomIndex(0)) && timeline.recorder.all_decided());
}

#[test]
fn the_phases_of_the_mean_edge_add_up_to_the_mean_time_to_open() {
    let mut timeline = Story::of(&[3]);
    let due = timeline.ms(0);
    // The last peer connects slowly, and is the later one of two of the three edges: no mean over peers is theirs.
    timeline.join(0, 0, 0).join(0, 10, 1).open(0, 20, 0, 1);
    timeline
        .tell(0, 30, 2, EventKind::Peer(PeerEvent::Began { due }))
        .tell(0, 131, 2, EventKind::Peer(PeerEvent::Upgraded))
        .tell(0, 133, 2, EventKind::Peer(PeerEvent::Joined));
    timeline.open(0, 140, 0, 2).open(0, 151, 1, 2);
    let summary = timeline.summary();
    let mean = summary.mean_edge.unwrap();
    let of_transport = [mean.ice_us, mean.dtls_us, mean.channel_us].map(Option::unwrap);
    let of_signaling = [mean.connect_us, mean.join_us, mean.discovery_us, mean.negotiation_us];
    // Edges took 14, 114 and 125 ms, of which their later peers' connects had 2, 101 and 101.
    assert_eq!(of_signaling, [68_000, 1_666, 10_667, 1_000]);
    assert_eq!(of_transport, [1_000; 3]);
    let sum: u64 = of_signaling.into_iter().chain(of_transport).sum();
    assert_eq!(sum, (14_000 + 114_000 + 125_000) / 3);
    assert!(sum.abs_diff(summary.timers["time_to_open"].began.mean_us) <= sum / 1_000, "a histogram has three digits");
    assert!(mean.connect_us > summary.timers["connect"].began.mean_us, "one slow peer is late for all its edges");
}

#[test]
fn due_counts_what_the_generator_was_late() {
    let mut timeline = Story::of(&[2]);
    let due = timeline.ms(0);
    timeline.join(0, 0, 0);
    timeline
        .tell(0, 60, 1, EventKind::Peer(PeerEvent::Began { due }))
        .tell(0, 61, 1, EventKind::Peer(PeerEvent::Upgraded))
        .tell(0, 62, 1, EventKind::Peer(PeerEvent::Joined));
    timeline.open(0, 70, 0, 1);
    let summary = timeline.summary();
    assert_eq!(only_sample_ms(&summary, "time_to_open"), (74, 14));
    assert_eq!(only_sample_ms(&summary, "room_complete"), (74, 14));
    assert_eq!(summary.health.late, 1);
}

#[test]
fn an_event_before_its_milestone_is_early_and_takes_no_time() {
    let mut timeline = Story::of(&[2]);
    let due = timeline.ms(0);
    timeline.join(0, 0, 0).tell(0, 10, 1, EventKind::Peer(PeerEvent::Began { due: due + Duration::from_millis(10) }));
    timeline.tell(0, 11, 1, EventKind::Peer(PeerEvent::Upgraded)).tell(
        0,
        12,
        0,
        EventKind::Edge { other: Seat(1), event: EdgeEvent::Met { initiates: true } },
    );
    timeline.tell(0, 20, 1, EventKind::Peer(PeerEvent::Joined)).open(0, 30, 0, 1);
    let summary = timeline.summary();
    assert_eq!((summary.counts.edges.early, summary.slowest[0].phases.discovery_us), (1, 0));
    assert_eq!(summary.slowest[0].began_us, 24_000);
}

#[test]
fn without_a_transport_its_phases_are_absent() {
    let mut timeline = Story::of(&[2]);
    timeline.join(0, 0, 0).join(0, 10, 1);
    let (zero, one) = (Seat(0), Seat(1));
    timeline.tell(0, 20, 0, EventKind::Edge { other: one, event: EdgeEvent::Met { initiates: true } }).tell(
        0,
        20,
        0,
        EventKind::Edge { other: one, event: EdgeEvent::Offers },
    );
    timeline.tell(0, 25, 1, EventKind::Edge { other: zero, event: EdgeEvent::Open }).tell(
        0,
        30,
        0,
        EventKind::Edge { other: one, event: EdgeEvent::Answered },
    );
    timeline.tell(0, 30, 0, EventKind::Edge { other: one, event: EdgeEvent::Open });
    let summary = timeline.summary();
    let absent = ["ice", "dtls", "channel"].map(|timer| summary.timers.contains_key(timer));
    assert_eq!(absent, [false; 3]);
    assert_eq!(only_sample_ms(&summary, "negotiation"), (10, 10));
    assert_eq!(summary.slowest[0].phases.ice_us, None);
    assert_eq!(summary.mean_edge.unwrap().ice_us, None);
    assert_eq!(summary.shares.unwrap().peers, 0.0);
}

/// One side reports `reported`; the failure shown must be in `shown`.
fn check_stuck(prepare: impl FnOnce(&mut Story), reported: Phase, shown: &str) {
    let mut timeline = Story::of(&[2]);
    prepare(&mut timeline);
    timeline.tell(
        0,
        10_050,
        1,
        EventKind::Edge { other: Seat(0), event: EdgeEvent::Failed { failure: Failure::timed_out(reported) } },
    );
    let summary = timeline.summary();
    let row = &summary.failures[0];
    assert_eq!((row.phase.as_str(), row.reason.as_str(), row.count), (shown, "timed_out", 1));
    assert_eq!(row.example, format!("peer 0 ↔ peer 1 in room-0: {shown} timed_out"));
    assert_eq!(timeout_ms(&summary, "time_to_open"), (10_000, 10_000));
    assert_eq!(timeout_ms(&summary, "room_complete"), (10_000, 10_000));
    assert_eq!(summary.rates.edges_failed, Some(1.0));
}

#[test]
fn a_timeout_is_in_the_phase_of_the_first_unmet_milestone_whatever_the_reporter_says() {
    let met = |timeline: &mut Story| {
        timeline.join(0, 0, 0).join(0, 50, 1);
        timeline.tell(0, 60, 1, EventKind::Edge { other: Seat(0), event: EdgeEvent::Met { initiates: true } });
    };
    check_stuck(
        |timeline| {
            timeline.join(0, 0, 0);
            let due = timeline.ms(50);
            timeline.tell(0, 50, 1, EventKind::Peer(PeerEvent::Began { due }));
        },
        Phase::Negotiation,
        "connect",
    );
    check_stuck(met, Phase::Negotiation, "discovery");
    check_stuck(
        |timeline| {
            met(timeline);
            timeline
                .tell(0, 61, 0, EventKind::Edge { other: Seat(1), event: EdgeEvent::Met { initiates: true } })
                .tell(0, 61, 0, EventKind::Edge { other: Seat(1), event: EdgeEvent::Offers });
        },
        Phase::Discovery,
        "negotiation",
    );
}

#[test]
fn an_end_that_gives_ice_up_while_its_answer_is_on_no_way_fails_in_the_negotiation() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0).join(0, 0, 1);
    story.tell(0, 5, 0, EdgeEvent::Met { initiates: true }.to(Seat(1)));
    story.tell(0, 5, 0, EdgeEvent::Offers.to(Seat(1)));
    let failure = Failure::new(Phase::Ice, Reason::IceFailed, "no check was answered");
    story.tell(0, 8_000, 1, EdgeEvent::Failed { failure }.to(Seat(0)));
    let row = &story.summary().failures[0];
    assert_eq!((row.phase.as_str(), row.reason.as_str(), row.count), ("negotiation", "ice_failed", 1));
}

#[test]
fn an_edge_that_times_out_in_the_join_has_one_row_whichever_timer_fires_first() {
    let rows = |joiner_first: bool| {
        let mut story = Story::of(&[2]);
        story.join(0, 0, 0);
        let due = story.ms(0);
        story.tell(0, 0, 1, EventKind::Peer(PeerEvent::Began { due }));
        story.tell(0, 2, 1, EventKind::Peer(PeerEvent::Upgraded));
        let failure = Failure::new(Phase::Join, Reason::TimedOut, "step 1 of the join waits for an answer");
        let of_joiner = (1, EventKind::Peer(PeerEvent::PeerFailed { failure }));
        let failure = Failure::timed_out(Phase::Discovery);
        let of_host = (0, EdgeEvent::Failed { failure }.to(Seat(1)));
        let ends = if joiner_first { [of_joiner, of_host] } else { [of_host, of_joiner] };
        for (seat, event) in ends {
            story.tell(0, 10_000, seat, event);
        }
        let rows = story.summary().failures.into_iter();
        let rows = rows.map(|row| (row.phase, row.reason, row.detail, row.count, row.peers));
        rows.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(rows(true), rows(false));
    assert_eq!(rows(true).len(), 2, "{:?}", rows(true));
}

#[test]
fn a_silent_target_does_not_look_fast() {
    let mut timeline = Story::of(&[3]);
    timeline.join(0, 0, 0).join(0, 0, 1).join(0, 0, 2).open(0, 10, 0, 1);
    for seat in [0, 1] {
        timeline.tell(
            0,
            10_000,
            2,
            EventKind::Edge { other: Seat(seat), event: EdgeEvent::Failed { failure: Failure::timed_out(Phase::Ice) } },
        );
    }
    let summary = timeline.summary();
    let to_open = &summary.timers["time_to_open"].due;
    assert_eq!((to_open.count, to_open.p.p50 / 1_000), (3, 10_002));
    assert_eq!(summary.timers["channel"].due.count, 1);
    let rooms = &summary.counts.rooms;
    assert_eq!((rooms.complete, rooms.incomplete, rooms.timed_out, summary.counts.edges.timed_out), (0, 1, 1, 2));
}

#[test]
fn a_failed_peer_takes_its_undecided_edges_with_it_and_no_others() {
    let mut timeline = Story::of(&[3]);
    timeline.join(0, 0, 0).join(0, 0, 1).open(0, 10, 0, 1);
    let due = timeline.ms(20);
    let failure = Failure::new(Phase::Connect, Reason::Rejected, "HTTP 429");
    timeline.tell(0, 20, 2, EventKind::Peer(PeerEvent::Began { due })).tell(
        0,
        25,
        2,
        EventKind::Peer(PeerEvent::PeerFailed { failure }),
    );
    let summary = timeline.summary();
    let edges = &summary.counts.edges;
    assert_eq!((edges.opened, edges.failed, summary.counts.peers.failed), (1, 2, 1));
    assert_eq!((summary.failures[0].count, summary.failures[0].peers), (2, 1));
    assert_eq!(summary.failures[0].example, "peer 2 in room-0: connect rejected (HTTP 429)");
    assert!(timeline.recorder.all_decided());
}

#[test]
fn a_dropped_arrival_drops_its_edges() {
    let mut timeline = Story::of(&[3]);
    let due = timeline.ms(0);
    timeline.join(0, 0, 0).tell(0, 500, 2, EventKind::Peer(PeerEvent::Dropped { due }));
    let summary = timeline.summary();
    assert_eq!((summary.counts.edges.dropped, summary.counts.edges.unfinished), (2, 1));
    assert_eq!((summary.counts.peers.dropped, summary.counts.peers.unfinished), (1, 1));
    assert_eq!(summary.rates.edges_failed, Some(2.0 / 3.0));
    assert_eq!((summary.offered.offered, summary.offered.doubts.len()), (false, 1));
}

#[test]
fn an_edge_open_on_one_side_is_not_open() {
    let mut timeline = Story::of(&[2]);
    timeline.join(0, 0, 0).join(0, 0, 1).tell(0, 9, 0, EventKind::Edge { other: Seat(1), event: EdgeEvent::Open });
    assert_eq!(timeline.summary().counts.edges.one_sided, 1);
    let failure = Failure::new(Phase::Channel, Reason::ChannelFailed, "");
    timeline.tell(0, 10, 1, EventKind::Edge { other: Seat(0), event: EdgeEvent::Failed { failure } });
    let edges = timeline.summary().counts.edges;
    assert_eq!((edges.one_sided, edges.opened, edges.failed), (1, 0, 1));
}

#[test]
fn what_is_decided_stays_decided() {
    let mut timeline = Story::of(&[2]);
    timeline.join(0, 0, 0).join(0, 0, 1).open(0, 10, 0, 1).open(0, 500, 0, 1);
    let failure = Failure::new(Phase::Ice, Reason::IceFailed, "");
    timeline.tell(0, 600, 1, EventKind::Edge { other: Seat(0), event: EdgeEvent::Failed { failure } });
    timeline.tell(0, 700, 1, EventKind::Edge { other: Seat(0), event: EdgeEvent::Closed { planned: false } });
    timeline.tell(0, 700, 0, EventKind::Edge { other: Seat(1), event: EdgeEvent::Closed { planned: false } });
    let edges = timeline.summary().counts.edges;
    assert_eq!((edges.opened, edges.failed, edges.closed_early), (1, 0, 1));
}

#[test]
fn warm_up_is_kept_apart_and_out_of_the_counts() {
    let mut timeline = Story::with_warmup(&[2, 2], 1);
    for room in [0, 1] {
        timeline.join(room, 0, 0).join(room, 0, 1).open(room, 10, 0, 1);
    }
    let summary = timeline.summary();
    assert_eq!((summary.counts.edges.planned, summary.timers["time_to_open"].due.count), (1, 1));
    assert_eq!(summary.counts_warmup.unwrap().edges.opened, 1);
    assert_eq!(summary.timers_warmup["time_to_open"].due.count, 1);
    assert_eq!(timeline.recorder.tally().edges_opened, 2);
}
