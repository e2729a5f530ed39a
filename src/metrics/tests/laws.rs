//! Properties that hold for any events in any order, nonsensical ones included.

use super::{KINDS, place, rooms, summary_of, summary_of_figures};
use crate::metrics::{Recorder, RoomFacts, RunFigures};
use crate::summary::Counts;
use crate::vocabulary::{
    Concern, EdgeEvent, Event, EventKind, Failure, FrameKind, PeerEvent, Phase, Reason, RoomIndex, Seat,
};
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Any event at any time of any peer, most of them nonsense; seats and rooms reach one past what exists.
fn any_event() -> impl Strategy<Value = (u32, u64, u16, u16, u8, u8)> {
    (0..4u32, 0..20_000u64, 0..5u16, 0..5u16, 0..26u8, any::<u8>())
}

fn told(start: Instant, sizes: &[u16], (room, ms, seat, other, what, extra): (u32, u64, u16, u16, u8, u8)) -> Event {
    let at = start + Duration::from_millis(ms);
    let before = at - Duration::from_millis(u64::from(extra).min(ms));
    let (other, kind, sequence) = (Seat(other), FrameKind(extra % 4), u32::from(extra % 8));
    let failure = || {
        Failure::new(Phase::ALL[usize::from(extra % 8)], [Reason::TimedOut, Reason::Closed][usize::from(extra % 2)], "")
    };
    let from = (extra % 3 > 0).then_some(other);
    let bytes = u32::from(extra);
    let what = match what {
        0 | 1 => EventKind::Peer(PeerEvent::Began { due: before }),
        2 => EventKind::Peer(PeerEvent::Dropped { due: before }),
        3 => EventKind::Peer(PeerEvent::Upgraded),
        4 | 5 => EventKind::Peer(PeerEvent::Joined),
        6 => EventKind::Peer(PeerEvent::PeerFailed { failure: failure() }),
        7 => EventKind::Peer(PeerEvent::Left { silent: extra > 9, early: extra % 2 == 0 }),
        8 => EventKind::Peer(PeerEvent::Said { kind, bytes, to: from }),
        9 => EventKind::Peer(PeerEvent::Frame { kind, bytes, concern: Concern::Me { from } }),
        10 => EventKind::Peer(PeerEvent::Frame {
            kind,
            bytes,
            concern: [Concern::Others, Concern::Elsewhere { from }][usize::from(extra % 2)],
        }),
        11 => EventKind::Edge { other, event: EdgeEvent::Met { initiates: true } },
        12 => EventKind::Edge { other, event: EdgeEvent::Offers },
        13 => EventKind::Edge { other, event: EdgeEvent::Answered },
        14 => EventKind::Edge { other, event: EdgeEvent::OwnWork { spent: Duration::from_millis(u64::from(extra)) } },
        15 => EventKind::Edge { other, event: EdgeEvent::Glare },
        16 => EventKind::Peer(PeerEvent::Surprise { other: from }),
        17 => EventKind::Edge { other, event: EdgeEvent::IceUp },
        18 => EventKind::Edge { other, event: EdgeEvent::DtlsUp },
        19 | 20 => EventKind::Edge { other, event: EdgeEvent::Open },
        21 => EventKind::Edge { other, event: EdgeEvent::Failed { failure: failure() } },
        22 => EventKind::Edge { other, event: EdgeEvent::Closed { planned: extra > 99 } },
        23 => EventKind::Edge { other, event: EdgeEvent::NoticedLeave },
        24 => EventKind::Edge { other, event: EdgeEvent::MessageSent { sequence, due: before, bytes } },
        _ => {
            EventKind::Edge { other, event: EdgeEvent::MessageReceived { sequence, due: before, began: before, bytes } }
        }
    };
    Event::new(at, place(sizes, room, seat), what)
}

proptest! {
    // Each case records a whole run; sixty-four of them take a second.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn counts_add_up_whatever_happens_in_whatever_order(
        events in prop::collection::vec(any_event(), 0..400),
        measured in 0..4usize,
    ) {
        let sizes = [2, 4, 3];
        let start = Instant::now();
        let mut recorder = Recorder::new(&rooms(&sizes, measured), start, KINDS.len());
        for event in events {
            recorder.record(&told(start, &sizes, event));
            let tally = recorder.tally();
            prop_assert_eq!(recorder.all_decided(), (0..3).all(|room| recorder.room_decided(RoomIndex(room))));
            prop_assert!(tally.edges_opened + tally.edges_failed + tally.edges_dropped + tally.edges_undecided <= tally.edges_planned);
        }
        let summary = summary_of(&recorder);
        for slow in &summary.slowest {
            let p = slow.phases;
            let sum = p.connect_us + p.join_us + p.discovery_us + p.negotiation_us
                + p.ice_us.unwrap_or(0) + p.dtls_us.unwrap_or(0) + p.channel_us.unwrap_or(0);
            prop_assert_eq!(sum, slow.began_us);
        }
        let mut split = Counts::default();
        summary.scenarios.values().for_each(|scenario| split += scenario.counts.clone());
        prop_assert_eq!(&split, &summary.counts);
        let failed = summary.failures.iter().map(|row| row.count).sum::<u64>();
        prop_assert_eq!(failed, summary.counts.edges.failed);
    }

    #[test]
    fn any_split_of_the_rooms_merges_to_the_summary_of_the_whole(
        events in prop::collection::vec(any_event(), 0..400),
        owners in prop::array::uniform3(0..3usize),
        mut order in Just([0usize, 1, 2]).prop_shuffle(),
    ) {
        let sizes = [2, 4, 3];
        let start = Instant::now();
        let facts = rooms(&sizes, 2);
        let mut whole = Recorder::new(&facts, start, KINDS.len());
        let mut parts: Vec<Recorder> = (0..3)
            .map(|part| {
                let own: Vec<RoomFacts> = facts.iter().zip(owners).filter(|(_, owner)| *owner == part).map(|(room, _)| room.clone()).collect();
                Recorder::new(&own, start, KINDS.len())
            })
            .collect();
        for event in events.iter().filter(|event| event.0 < 3) {
            let event = told(start, &sizes, *event);
            whole.record(&event);
            parts[owners[event.place.room.0 as usize]].record(&event);
        }
        let mut merged = RunFigures::none();
        order.reverse();
        order.iter().for_each(|part| merged.merge(parts[*part].clone().into_figures(false)));
        prop_assert_eq!(merged.run_wide.tally, whole.tally());
        prop_assert_eq!(summary_of_figures(&merged), summary_of(&whole));
    }
}
