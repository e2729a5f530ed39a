//! Edges with guests: a room waits for them, and no other figure counts them.

use super::*;
use crate::vocabulary::{Failure, Phase};

/// One room of two that admits one guest, at seat 2.
fn timeline() -> Story {
    let mut timeline = Story::of(&[2]);
    let rooms: Vec<_> = rooms(&[2], 1).into_iter().map(|room| RoomFacts { guests: 1, ..room }).collect();
    timeline.recorder = Recorder::new(&rooms, timeline.start, KINDS.len());
    timeline.join(0, 0, 0).join(0, 0, 1);
    timeline
}

fn check(timeline: &Story, expected: &[(&str, u64)]) {
    let shown = timeline.recorder.guests.counts[0].by_name();
    for (name, count) in expected {
        assert_eq!(shown.get(*name), Some(count), "{name} of {shown:?}");
    }
    let of = |name: &str| shown[name];
    let ends = of("opened") + of("failed") + of("abandoned") + of("unfinished");
    assert_eq!(of("planned") + of("rejoins"), ends, "{shown:?}");
}

const GUEST: Seat = Seat(2);

#[test]
fn a_room_waits_for_its_guests_and_our_edges_do_not_count_theirs() {
    let mut timeline = timeline();
    for (seat, other) in [(0, 1), (1, 0)] {
        timeline.tell(0, 10, seat, EventKind::Edge { other: Seat(other), event: EdgeEvent::Open });
    }
    assert!(!timeline.recorder.room_decided(RoomIndex(0)));
    timeline.tell(0, 20, 0, EventKind::Edge { other: GUEST, event: EdgeEvent::Open }).tell(
        0,
        20,
        1,
        EventKind::Edge { other: GUEST, event: EdgeEvent::Open },
    );
    assert!(timeline.recorder.room_decided(RoomIndex(0)) && timeline.recorder.all_decided());
    assert_eq!(timeline.recorder.tally().edges_opened, 1);
    timeline.tell(0, 30, 0, EventKind::Edge { other: GUEST, event: EdgeEvent::GuestMessage { bytes: 5 } });
    timeline.tell(0, 30, 0, EventKind::Peer(PeerEvent::Surprise { other: Some(GUEST) }));
    check(&timeline, &[("planned", 2), ("opened", 2), ("messages_received", 1), ("surprises", 1), ("unfinished", 0)]);
}

#[test]
fn a_guest_is_lost_once_however_its_leave_is_noticed() {
    let mut timeline = timeline();
    timeline.tell(0, 20, 0, EventKind::Edge { other: GUEST, event: EdgeEvent::Open });
    timeline.tell(0, 30, 0, EventKind::Edge { other: GUEST, event: EdgeEvent::NoticedLeave });
    timeline.tell(0, 31, 0, EventKind::Edge { other: GUEST, event: EdgeEvent::Closed { planned: true } });
    timeline.tell(0, 31, 0, EventKind::Edge { other: GUEST, event: EdgeEvent::NoticedLeave });
    timeline.tell(0, 40, 1, EventKind::Edge { other: GUEST, event: EdgeEvent::NoticedLeave });
    check(&timeline, &[("leaves_noticed", 2), ("closed", 1), ("closed_early", 0), ("opened", 1), ("abandoned", 1)]);
    assert_eq!(timeline.recorder.tally().guest_edges_undecided, 0);
}

#[test]
fn a_guest_that_comes_too_late_is_planned_anew() {
    let mut timeline = timeline();
    let failure = Failure::timed_out(Phase::Discovery);
    timeline.tell(0, 10_000, 0, EventKind::Edge { other: GUEST, event: EdgeEvent::Failed { failure } });
    check(&timeline, &[("failed", 1), ("failed_in_discovery", 1), ("unfinished", 1)]);
    timeline.tell(0, 11_000, 0, EventKind::Edge { other: GUEST, event: EdgeEvent::Met { initiates: true } });
    timeline.tell(0, 11_100, 0, EventKind::Edge { other: GUEST, event: EdgeEvent::Open });
    check(&timeline, &[("rejoins", 1), ("opened", 1), ("unfinished", 1)]);
}

#[test]
fn a_seat_past_the_guests_is_nobodys() {
    let mut timeline = timeline();
    timeline.tell(0, 20, 0, EventKind::Edge { other: Seat(3), event: EdgeEvent::Open });
    check(&timeline, &[("opened", 0), ("unfinished", 2)]);
    assert_eq!(timeline.recorder.unmatched, 1);
}
