//! Whole stories, told as events, against the figures they must come to.

use crate::metrics::{Facts, Health, Recorder, RoomFacts, Tally, Thresholds, summarize};
use crate::summary::Summary;
use crate::summary::run::{Build, Machine};
use crate::vocabulary::choice::EngineKind;
use crate::vocabulary::event::{Concern, Event, What};
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::ids::{PeerIndex, Place, RoomIndex, Seat};
use crate::vocabulary::message::Kind;
use crate::vocabulary::phase::Phase;
use proptest::prelude::*;
use std::time::{Duration, Instant, SystemTime};

const KINDS: [&str; 2] = ["join", "offer"];

/// Rooms of the given sizes; room 0 is first, a room past `measured` is warm-up.
struct Story {
    start: Instant,
    sizes: Vec<u16>,
    recorder: Recorder,
}

impl Story {
    fn of(sizes: &[u16]) -> Self {
        Self::with_warmup(sizes, sizes.len())
    }

    fn with_warmup(sizes: &[u16], measured: usize) -> Self {
        let start = Instant::now();
        let recorder = Recorder::new(&rooms(sizes, measured), start, Duration::from_secs(10), KINDS.len());
        Self { start, sizes: sizes.to_vec(), recorder }
    }

    fn ms(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn tell(&mut self, room: u32, at_ms: u64, seat: u16, what: What) -> &mut Self {
        let place = place(&self.sizes, room, seat);
        self.recorder.record(&Event { at: self.ms(at_ms), place, what });
        self
    }

    /// Dialed when due, upgraded and joined.
    fn join(&mut self, room: u32, at_ms: u64, seat: u16) -> &mut Self {
        let due = self.ms(at_ms);
        self.tell(room, at_ms, seat, What::Began { due });
        self.tell(room, at_ms + 2, seat, What::Upgraded);
        self.tell(room, at_ms + 3, seat, What::Joined)
    }

    /// The lower seat meets, offers and gets its answer; then all layers come up, one a millisecond.
    fn open(&mut self, room: u32, at_ms: u64, low: u16, high: u16) -> &mut Self {
        let (to_high, to_low) = (Seat(high), Seat(low));
        self.tell(room, at_ms, low, What::Met { other: to_high });
        self.tell(room, at_ms, low, What::Offers { other: to_high });
        self.tell(room, at_ms + 1, low, What::Answered { other: to_high });
        for (seat, other) in [(low, to_high), (high, to_low)] {
            self.tell(room, at_ms + 2, seat, What::IceUp { other });
            self.tell(room, at_ms + 3, seat, What::DtlsUp { other });
            self.tell(room, at_ms + 4, seat, What::Open { other });
        }
        self
    }

    fn summary(&self) -> Summary {
        summary_of(&self.recorder)
    }
}

fn rooms(sizes: &[u16], measured: usize) -> Vec<RoomFacts> {
    let facts = |(index, size): (usize, &u16)| RoomFacts {
        index: RoomIndex(index as u32),
        first: place(sizes, index as u32, 0).peer,
        due: vec![Duration::ZERO; usize::from(*size)],
        warmup: index >= measured,
        label: format!("room-{index}"),
    };
    sizes.iter().enumerate().map(facts).collect()
}

fn place(sizes: &[u16], room: u32, seat: u16) -> Place {
    let before: u32 = sizes.iter().take(room as usize).map(|size| u32::from(*size)).sum();
    Place { room: RoomIndex(room), seat: Seat(seat), peer: PeerIndex(before + u32::from(seat)) }
}

fn summary_of(recorder: &Recorder) -> Summary {
    let facts = Facts {
        build: Build::default(),
        name: "story".into(),
        id: "m1".into(),
        seed: 1,
        started_at: SystemTime::UNIX_EPOCH,
        duration: Duration::from_secs(1),
        plan_sha256: String::new(),
        dialect: "dashboard".into(),
        engine: EngineKind::Rtc,
        target: String::new(),
        interrupted: false,
        complete: true,
        stopped_by: None,
        machine: Machine::default(),
        phases: vec![],
        kinds: KINDS.map(str::to_owned).to_vec(),
        thresholds: Thresholds::default(),
    };
    let summary = summarize(recorder, &Health::new(1.0), facts);
    summary.counts.conserved().unwrap();
    if let Some(counts) = &summary.counts_warmup {
        counts.conserved().unwrap();
    }
    summary
}

/// Milliseconds of a timer's only sample, due and began; three digits of a histogram are enough for them.
fn only_sample_ms(summary: &Summary, timer: &str) -> (u64, u64) {
    let timer = summary.timers.get(timer).unwrap_or_else(|| panic!("{timer} has no sample"));
    assert_eq!((timer.due.count, timer.began.count), (1, 1));
    let ms = |us: u64| (us as f64 / 1e3).round() as u64;
    (ms(timer.due.min_us), ms(timer.began.min_us))
}

/// The same for ten seconds, where three digits are ten milliseconds.
fn timeout_ms(summary: &Summary, timer: &str) -> (u64, u64) {
    let (due, began) = only_sample_ms(summary, timer);
    (due.next_multiple_of(10), began.next_multiple_of(10))
}

#[test]
fn the_phases_of_an_edge_run_from_milestone_to_milestone() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0).join(0, 100, 1).open(0, 140, 0, 1);
    let summary = story.summary();
    let phases = summary.slowest[0].phases;
    let in_order = [phases.connect_us, phases.join_us, phases.discovery_us, phases.negotiation_us];
    assert_eq!(in_order, [2_000, 1_000, 37_000, 1_000]);
    assert_eq!([phases.ice_us, phases.dtls_us, phases.channel_us], [Some(1_000); 3]);
    assert_eq!(only_sample_ms(&summary, "time_to_open"), (44, 44));
    assert_eq!(only_sample_ms(&summary, "discovery"), (37, 37));
    assert_eq!(only_sample_ms(&summary, "room_complete"), (44, 44));
    assert_eq!(summary.rates.mesh_complete, Some(1.0));
    assert!(story.recorder.room_decided(RoomIndex(0)) && story.recorder.all_decided());
}

#[test]
fn due_counts_what_the_generator_was_late() {
    let mut story = Story::of(&[2]);
    let due = story.ms(0);
    story.join(0, 0, 0);
    story.tell(0, 60, 1, What::Began { due }).tell(0, 61, 1, What::Upgraded).tell(0, 62, 1, What::Joined);
    story.open(0, 70, 0, 1);
    let summary = story.summary();
    assert_eq!(only_sample_ms(&summary, "time_to_open"), (74, 14));
    assert_eq!(only_sample_ms(&summary, "room_complete"), (74, 14));
    assert_eq!(summary.health.late, 1);
}

#[test]
fn an_event_before_its_milestone_is_early_and_takes_no_time() {
    let mut story = Story::of(&[2]);
    let due = story.ms(0);
    story.join(0, 0, 0).tell(0, 10, 1, What::Began { due: due + Duration::from_millis(10) });
    story.tell(0, 11, 1, What::Upgraded).tell(0, 12, 0, What::Met { other: Seat(1) });
    story.tell(0, 20, 1, What::Joined).open(0, 30, 0, 1);
    let summary = story.summary();
    assert_eq!((summary.counts.edges.early, summary.slowest[0].phases.discovery_us), (1, 0));
    assert_eq!(summary.slowest[0].began_us, 24_000);
}

#[test]
fn without_a_transport_its_phases_are_absent() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0).join(0, 10, 1);
    let (zero, one) = (Seat(0), Seat(1));
    story.tell(0, 20, 0, What::Met { other: one }).tell(0, 20, 0, What::Offers { other: one });
    story.tell(0, 25, 1, What::Open { other: zero }).tell(0, 30, 0, What::Answered { other: one });
    story.tell(0, 30, 0, What::Open { other: one });
    let summary = story.summary();
    let absent = ["ice", "dtls", "channel"].map(|timer| summary.timers.contains_key(timer));
    assert_eq!(absent, [false; 3]);
    assert_eq!(only_sample_ms(&summary, "negotiation"), (10, 10));
    assert_eq!(summary.slowest[0].phases.ice_us, None);
    assert_eq!(summary.shares.unwrap().peers, 0.0);
}

/// One side reports `reported`; the failure shown must be in `shown`.
fn check_stuck(prepare: impl FnOnce(&mut Story), reported: Phase, shown: &str) {
    let mut story = Story::of(&[2]);
    prepare(&mut story);
    story.tell(0, 10_050, 1, What::EdgeFailed { other: Seat(0), failure: Failure::timed_out(reported) });
    let summary = story.summary();
    let row = &summary.failures[0];
    assert_eq!((row.phase.as_str(), row.reason.as_str(), row.count), (shown, "timed_out", 1));
    assert_eq!(row.example, format!("peer 1 → peer 0 in room-0: {shown} timed_out"));
    assert_eq!(timeout_ms(&summary, "time_to_open"), (10_000, 10_000));
    assert_eq!(timeout_ms(&summary, "room_complete"), (10_000, 10_000));
    assert_eq!(summary.rates.edges_failed, Some(1.0));
}

#[test]
fn a_timeout_is_in_the_phase_of_the_first_unmet_milestone_whatever_the_reporter_says() {
    let met = |story: &mut Story| {
        story.join(0, 0, 0).join(0, 50, 1);
        story.tell(0, 60, 1, What::Met { other: Seat(0) });
    };
    check_stuck(
        |story| {
            story.join(0, 0, 0);
            let due = story.ms(50);
            story.tell(0, 50, 1, What::Began { due });
        },
        Phase::Negotiation,
        "connect",
    );
    check_stuck(met, Phase::Negotiation, "discovery");
    check_stuck(
        |story| {
            met(story);
            story.tell(0, 61, 0, What::Met { other: Seat(1) }).tell(0, 61, 0, What::Offers { other: Seat(1) });
        },
        Phase::Discovery,
        "negotiation",
    );
}

#[test]
fn a_silent_target_does_not_look_fast() {
    let mut story = Story::of(&[3]);
    story.join(0, 0, 0).join(0, 0, 1).join(0, 0, 2).open(0, 10, 0, 1);
    for seat in [0, 1] {
        story.tell(0, 10_000, 2, What::EdgeFailed { other: Seat(seat), failure: Failure::timed_out(Phase::Ice) });
    }
    let summary = story.summary();
    let to_open = &summary.timers["time_to_open"].due;
    assert_eq!((to_open.count, to_open.p.p50 / 1_000), (3, 10_002));
    assert_eq!(summary.timers["channel"].due.count, 1);
    assert_eq!((summary.counts.rooms.complete, summary.counts.rooms.incomplete), (0, 1));
}

#[test]
fn a_failed_peer_takes_its_undecided_edges_with_it_and_no_others() {
    let mut story = Story::of(&[3]);
    story.join(0, 0, 0).join(0, 0, 1).open(0, 10, 0, 1);
    let due = story.ms(20);
    let failure = Failure::new(Phase::Connect, Reason::Rejected, "HTTP 429");
    story.tell(0, 20, 2, What::Began { due }).tell(0, 25, 2, What::PeerFailed { failure });
    let summary = story.summary();
    let edges = &summary.counts.edges;
    assert_eq!((edges.opened, edges.failed, summary.counts.peers.failed), (1, 2, 1));
    assert_eq!((summary.failures[0].count, summary.failures[0].peers), (2, 1));
    assert_eq!(summary.failures[0].example, "peer 2 in room-0: connect rejected (HTTP 429)");
    assert!(story.recorder.all_decided());
}

#[test]
fn a_dropped_arrival_drops_its_edges() {
    let mut story = Story::of(&[3]);
    let due = story.ms(0);
    story.join(0, 0, 0).tell(0, 500, 2, What::Dropped { due });
    let summary = story.summary();
    assert_eq!((summary.counts.edges.dropped, summary.counts.edges.unfinished), (2, 1));
    assert_eq!((summary.counts.peers.dropped, summary.counts.peers.unfinished), (1, 1));
    assert_eq!(summary.rates.edges_failed, Some(2.0 / 3.0));
    assert_eq!(summary.validity.verdict.name(), "INVALID");
}

#[test]
fn an_edge_open_on_one_side_is_not_open() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0).join(0, 0, 1).tell(0, 9, 0, What::Open { other: Seat(1) });
    assert_eq!(story.summary().counts.edges.one_sided, 1);
    let failure = Failure::new(Phase::Channel, Reason::ChannelFailed, "");
    story.tell(0, 10, 1, What::EdgeFailed { other: Seat(0), failure });
    let edges = story.summary().counts.edges;
    assert_eq!((edges.one_sided, edges.opened, edges.failed), (1, 0, 1));
}

#[test]
fn what_is_decided_stays_decided() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0).join(0, 0, 1).open(0, 10, 0, 1).open(0, 500, 0, 1);
    let failure = Failure::new(Phase::Ice, Reason::IceFailed, "");
    story.tell(0, 600, 1, What::EdgeFailed { other: Seat(0), failure });
    story.tell(0, 700, 1, What::ChannelClosed { other: Seat(0), planned: false });
    story.tell(0, 700, 0, What::ChannelClosed { other: Seat(1), planned: false });
    let edges = story.summary().counts.edges;
    assert_eq!((edges.opened, edges.failed, edges.closed_early), (1, 0, 1));
}

#[test]
fn warm_up_is_kept_apart_and_out_of_the_counts() {
    let mut story = Story::with_warmup(&[2, 2], 1);
    for room in [0, 1] {
        story.join(room, 0, 0).join(room, 0, 1).open(room, 10, 0, 1);
    }
    let summary = story.summary();
    assert_eq!((summary.counts.edges.planned, summary.timers["time_to_open"].due.count), (1, 1));
    assert_eq!(summary.counts_warmup.unwrap().edges.opened, 1);
    assert_eq!(summary.timers_warmup["time_to_open"].due.count, 1);
    assert_eq!(story.recorder.tally().edges_opened, 2);
}

fn said(kind: u8, bytes: u32, to: Option<u16>) -> What {
    What::Said { kind: Kind(kind), bytes, to: to.map(Seat) }
}

fn heard(kind: u8, bytes: u32, from: u16) -> What {
    What::Frame { kind: Kind(kind), bytes, concern: Concern::Me { from: Some(Seat(from)) } }
}

#[test]
fn a_signal_is_timed_from_its_write_to_each_of_its_reads() {
    let mut story = Story::of(&[3]);
    story.join(0, 0, 0).join(0, 0, 1).join(0, 0, 2);
    story.tell(0, 10, 0, said(0, 90, None)).tell(0, 11, 0, said(1, 500, Some(2)));
    story.tell(0, 30, 1, heard(0, 90, 0)).tell(0, 30, 2, heard(0, 90, 0)).tell(0, 61, 2, heard(1, 500, 0));
    let summary = story.summary();
    assert_eq!(only_sample_ms(&summary, "signal_delivery.offer"), (50, 50));
    let joins = &summary.timers["signal_delivery.join"].due;
    assert_eq!((joins.count, joins.min_us / 100, joins.max_us / 100), (2, 200, 200));
    assert_eq!(summary.timers["signal_delivery"].due.count, 3);
    assert_eq!(summary.amplification, Some(1.0));
}

#[test]
fn signals_of_one_kind_are_matched_in_order_and_a_lost_one_is_skipped_by_its_size() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0).join(0, 0, 1);
    for (at, bytes) in [(10, 101), (11, 102), (12, 103)] {
        story.tell(0, at, 0, said(1, bytes, Some(1)));
    }
    story.tell(0, 30, 1, heard(1, 101, 0)).tell(0, 32, 1, heard(1, 103, 0)).tell(0, 33, 1, heard(1, 102, 0));
    let delivery = &story.summary().timers["signal_delivery"].due;
    assert_eq!((delivery.count, delivery.min_us / 100, delivery.max_us / 100), (2, 200, 200));
}

#[test]
fn a_broadcast_from_before_a_peer_had_joined_did_not_go_to_it() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0).tell(0, 10, 0, said(0, 90, None)).join(0, 100, 1);
    story.tell(0, 110, 0, said(0, 90, None)).tell(0, 115, 1, heard(0, 90, 0));
    assert_eq!(only_sample_ms(&story.summary(), "signal_delivery"), (5, 5));
}

#[test]
fn frames_for_others_are_amplification() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0).join(0, 0, 1).tell(0, 10, 1, heard(0, 100, 0));
    for _ in 0..3 {
        story.tell(0, 11, 1, What::Frame { kind: Kind(9), bytes: 50, concern: Concern::Others });
    }
    let summary = story.summary();
    assert_eq!(summary.amplification, Some(4.0));
    assert_eq!(summary.counts.signaling.by_type["other"].received_bytes, 150);
    assert_eq!(summary.series[0].frames, 4);
}

#[test]
fn a_message_in_flight_when_its_sender_leaves_is_cut_and_the_leave_is_noticed_once() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0).join(0, 0, 1).open(0, 10, 0, 1);
    for sequence in [0, 1] {
        let due = story.ms(20);
        story.tell(0, 25, 0, What::MessageSent { other: Seat(1), sequence, due, bytes: 16 });
    }
    let (due, began) = (story.ms(20), story.ms(25));
    story.tell(0, 27, 1, What::MessageReceived { other: Seat(0), sequence: 0, due, began, bytes: 16 });
    story.tell(0, 30, 0, What::Left { silent: false });
    story.tell(0, 34, 1, What::NoticedLeave { other: Seat(0) }).tell(0, 39, 1, What::NoticedLeave { other: Seat(0) });
    let summary = story.summary();
    let messages = &summary.counts.messages;
    assert_eq!((messages.sent, messages.delivered, messages.cut, messages.lost), (2, 1, 1, 0));
    assert_eq!(only_sample_ms(&summary, "message_latency"), (7, 2));
    assert_eq!(only_sample_ms(&summary, "leave_notice"), (4, 4));
}

#[test]
fn a_peer_that_comes_back_is_planned_anew_with_its_edges() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0).join(0, 0, 1).open(0, 10, 0, 1);
    story.tell(0, 30, 1, What::Left { silent: true });
    story.join(0, 100, 1);
    assert_eq!((story.recorder.tally().edges_undecided, story.recorder.room_decided(RoomIndex(0))), (1, false));
    story.open(0, 110, 0, 1);
    let counts = story.summary().counts;
    assert_eq!((counts.peers.rejoins, counts.peers.reconnects, counts.peers.joined), (1, 0, 3));
    assert_eq!((counts.edges.rejoins, counts.edges.opened, counts.edges.unfinished), (1, 2, 0));
    assert_eq!(counts.rooms.complete, 1);
}

#[test]
fn an_edge_abandoned_by_a_leave_keeps_nobody_waiting() {
    let mut story = Story::of(&[2]);
    story.join(0, 0, 0).join(0, 0, 1).tell(0, 5, 0, What::Left { silent: false });
    assert!(story.recorder.all_decided());
    assert_eq!(story.summary().counts.edges.unfinished, 1);
}

#[test]
fn the_tally_says_who_lives_and_who_is_still_to_come() {
    let mut story = Story::of(&[3]);
    story.join(0, 0, 0).join(0, 0, 1).tell(0, 5, 0, What::Left { silent: false });
    let Tally { peers_alive, peers_waiting, peers_began, peers_joined, .. } = story.recorder.tally();
    assert_eq!((peers_alive, peers_waiting, peers_began, peers_joined), (1, 1, 2, 2));
}

/// Any event at any time of any peer, most of them nonsense; seats and rooms reach one past what exists.
fn any_event() -> impl Strategy<Value = (u32, u64, u16, u16, u8, u8)> {
    (0..4u32, 0..20_000u64, 0..5u16, 0..5u16, 0..26u8, any::<u8>())
}

fn told(start: Instant, sizes: &[u16], (room, ms, seat, other, what, extra): (u32, u64, u16, u16, u8, u8)) -> Event {
    let at = start + Duration::from_millis(ms);
    let before = at - Duration::from_millis(u64::from(extra).min(ms));
    let (other, kind, sequence) = (Seat(other), Kind(extra % 4), u32::from(extra % 8));
    let failure = || {
        Failure::new(Phase::ALL[usize::from(extra % 8)], [Reason::TimedOut, Reason::Closed][usize::from(extra % 2)], "")
    };
    let from = (extra % 3 > 0).then_some(other);
    let bytes = u32::from(extra);
    let what = match what {
        0 | 1 => What::Began { due: before },
        2 => What::Dropped { due: before },
        3 => What::Upgraded,
        4 | 5 => What::Joined,
        6 => What::PeerFailed { failure: failure() },
        7 => What::Left { silent: extra > 9 },
        8 => What::Said { kind, bytes, to: from },
        9 => What::Frame { kind, bytes, concern: Concern::Me { from } },
        10 => {
            What::Frame { kind, bytes, concern: [Concern::Others, Concern::Elsewhere { from }][usize::from(extra % 2)] }
        }
        11 => What::Met { other },
        12 => What::Offers { other },
        13 => What::Answered { other },
        14 => What::OwnWork { other, spent: Duration::from_millis(u64::from(extra)) },
        15 => What::Glare { other },
        16 => What::Surprise { other: from },
        17 => What::IceUp { other },
        18 => What::DtlsUp { other },
        19 | 20 => What::Open { other },
        21 => What::EdgeFailed { other, failure: failure() },
        22 => What::ChannelClosed { other, planned: extra > 99 },
        23 => What::NoticedLeave { other },
        24 => What::MessageSent { other, sequence, due: before, bytes },
        _ => What::MessageReceived { other, sequence, due: before, began: before, bytes },
    };
    Event { at, place: place(sizes, room, seat), what }
}

proptest! {
    #[test]
    fn counts_add_up_whatever_happens_in_whatever_order(
        events in prop::collection::vec(any_event(), 0..400),
        measured in 0..4usize,
    ) {
        let sizes = [2, 4, 3];
        let start = Instant::now();
        let mut recorder = Recorder::new(&rooms(&sizes, measured), start, Duration::from_secs(10), KINDS.len());
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
        let timeout = Duration::from_secs(10);
        let mut whole = Recorder::new(&facts, start, timeout, KINDS.len());
        let mut parts: Vec<Recorder> = (0..3)
            .map(|part| {
                let own: Vec<RoomFacts> = facts.iter().zip(owners).filter(|(_, owner)| *owner == part).map(|(room, _)| room.clone()).collect();
                Recorder::new(&own, start, timeout, KINDS.len())
            })
            .collect();
        for event in events.iter().filter(|event| event.0 < 3) {
            let event = told(start, &sizes, *event);
            whole.record(&event);
            parts[owners[event.place.room.0 as usize]].record(&event);
        }
        let mut merged = Recorder::new(&[], start, timeout, KINDS.len());
        order.reverse();
        order.iter().for_each(|part| merged.merge(parts[*part].clone()));
        prop_assert_eq!(merged.tally(), whole.tally());
        prop_assert_eq!(summary_of(&merged), summary_of(&whole));
    }
}
