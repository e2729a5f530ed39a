//! The choice of handshakes whose traces are kept, and the events in them.

use super::*;
use crate::metrics::{RunFigures, TraceSample};
use crate::vocabulary::{Concern, Failure, FrameKind, Phase};

fn traced(sizes: &[u16], slowest: usize) -> Story {
    let mut timeline = Story::of(sizes);
    let rooms = sizes.iter().enumerate().map(|(index, size)| (RoomIndex(index as u32), *size));
    let sample = TraceSample::of(rooms, slowest);
    timeline.recorder = timeline.recorder.tracing(&sample);
    timeline
}

fn figures(timeline: &Story) -> RunFigures {
    timeline.recorder.clone().into_figures(false)
}

fn kept(timeline: &Story) -> Vec<u32> {
    figures(timeline).traces().iter().map(|traced| traced.room.0).collect()
}

#[test]
fn a_room_in_which_an_edge_failed_is_kept_as_it_was_counted_and_others_are_not() {
    let mut timeline = traced(&[2, 2], 0);
    timeline.join(0, 0, 0).join(0, 10, 1).open(0, 20, 0, 1);
    timeline.join(1, 0, 0).join(1, 10, 1);
    assert_eq!(kept(&timeline), [] as [u32; 0]);
    let failure = Failure::timed_out(Phase::Negotiation);
    timeline.tell(1, 10_010, 1, EventKind::Edge { other: Seat(0), event: EdgeEvent::Failed { failure } });
    let figures = figures(&timeline);
    let traced = figures.traces();
    assert_eq!(traced.iter().map(|traced| traced.room.0).collect::<Vec<_>>(), [1]);
    // Neither side offered, so the edge got stuck in discovery whatever phase one side reports.
    let counted = Failure::timed_out(Phase::Discovery);
    assert_eq!((&traced[0].failed, traced[0].events(timeline.start).count()), (&vec![(Seat(0), Seat(1), counted)], 7));
    assert_eq!(timeline.summary().failures[0].phase, "discovery");
}

#[test]
fn the_slowest_are_kept_where_that_was_asked_for() {
    let play = |slowest| {
        let mut timeline = traced(&[2, 2, 2], slowest);
        for (room, opens_at) in [(0, 900), (1, 50), (2, 400)] {
            timeline.join(room, 0, 0).join(room, 10, 1).open(room, opens_at, 0, 1);
        }
        kept(&timeline)
    };
    assert_eq!(play(0), [] as [u32; 0]);
    assert_eq!(play(1), [0]);
    assert_eq!(play(2), [0, 1, 2], "room 1 was among the slowest two until room 2 came");
}

#[test]
fn a_target_that_never_stops_talking_fills_no_memory() {
    let mut timeline = traced(&[2], 0);
    timeline.join(0, 0, 0).join(0, 10, 1);
    for _ in 0..2_000 {
        let heard =
            |from| EventKind::Peer(PeerEvent::Frame { kind: FrameKind(0), bytes: 9, concern: Concern::Me { from } });
        timeline.tell(0, 20, 0, heard(None)).tell(0, 20, 0, heard(Some(Seat(1))));
        timeline.tell(
            0,
            20,
            0,
            EventKind::Peer(PeerEvent::Frame { kind: FrameKind(0), bytes: 9, concern: Concern::Others }),
        );
    }
    let failure = Failure::timed_out(Phase::Discovery);
    timeline.tell(0, 10_010, 1, EventKind::Edge { other: Seat(0), event: EdgeEvent::Failed { failure } });
    let figures = figures(&timeline);
    let traced = figures.traces();
    let events = traced[0].events(timeline.start).count();
    assert!(traced[0].is_cut && events < 300, "{events}");
}

#[test]
fn workers_that_are_merged_keep_what_one_worker_would() {
    let play = |own: &[u32]| {
        let mut timeline = traced(&[2, 2], 0);
        for room in own {
            timeline.join(*room, 0, 0).join(*room, 10, 1);
            let failure = Failure::timed_out(Phase::Discovery);
            timeline.tell(*room, 10_010, 1, EventKind::Edge { other: Seat(0), event: EdgeEvent::Failed { failure } });
        }
        timeline
    };
    assert_eq!(kept(&play(&[1, 0])), [0, 1]);
    let mut merged = RunFigures::none();
    merged.merge(play(&[1]).recorder.into_figures(false));
    merged.merge(play(&[0]).recorder.into_figures(false));
    assert_eq!(merged.traces().iter().map(|traced| traced.room.0).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn of_who_leaves_and_comes_back_the_first_session_is_kept_and_the_return_is_counted_only() {
    for slowest in [0, 1] {
        let mut timeline = traced(&[2, 2], slowest);
        for room in [0, 1] {
            timeline.join(room, 0, 0).join(room, 10, 1);
        }
        let failure = || Failure::timed_out(Phase::Discovery);
        timeline.tell(
            0,
            10_010,
            1,
            EventKind::Edge { other: Seat(0), event: EdgeEvent::Failed { failure: failure() } },
        );
        timeline.open(1, 20, 0, 1);
        let facts = |timeline: &Story| {
            figures(timeline).traces().iter().map(|room| room.events(timeline.start).count()).collect::<Vec<_>>()
        };
        let (kept_before, facts_before) = (kept(&timeline), facts(&timeline));
        assert_eq!(kept_before, if slowest == 0 { vec![0] } else { vec![0, 1] });
        for room in [0, 1] {
            timeline
                .tell(room, 11_000, 1, EventKind::Peer(PeerEvent::Left { silent: false, early: true }))
                .join(room, 12_000, 1);
        }
        // Slower than any first session, and worse.
        timeline.open(0, 15_000, 0, 1);
        timeline.tell(
            1,
            22_000,
            1,
            EventKind::Edge { other: Seat(0), event: EdgeEvent::Failed { failure: failure() } },
        );
        assert_eq!((kept(&timeline), facts(&timeline)), (kept_before, facts_before));
        let edges = timeline.summary().counts.edges;
        assert_eq!((edges.rejoins, edges.opened, edges.failed), (2, 2, 2));
    }
}
