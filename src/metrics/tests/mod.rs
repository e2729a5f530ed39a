//! Event sequences and the figures they must come to.

mod edges;
mod generator_share;
mod guests;
mod laws;
mod traces;
mod traffic;

use crate::metrics::{HealthFigures, Recorder, RoomFacts, RunFacts, RunFigures, summarize};
use crate::profile::{self, ProfileSource, Thresholds};
use crate::summary::{Build, Machine, Summary, TargetRoute};
use crate::vocabulary::{EdgeEvent, EngineKind, Event, EventKind, PeerEvent, PeerIndex, Place, RoomIndex, Seat};
use std::time::{Duration, Instant, SystemTime};

/// The thresholds of a profile that sets none.
pub(in crate::metrics) fn thresholds() -> Thresholds {
    profile::read(ProfileSource { name: "", text: "" }, &[], &|_| None).unwrap().validity.thresholds
}

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
        let recorder = Recorder::new(&rooms(sizes, measured), start, KINDS.len());
        Self { start, sizes: sizes.to_vec(), recorder }
    }

    fn ms(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn tell(&mut self, room: u32, at_ms: u64, seat: u16, what: EventKind) -> &mut Self {
        let place = place(&self.sizes, room, seat);
        self.recorder.record(&Event::new(self.ms(at_ms), place, what));
        self
    }

    /// An event that was handled `late_ms` after what caused it had arrived.
    fn tell_late(&mut self, room: u32, (at_ms, late_ms): (u64, u64), seat: u16, what: EventKind) -> &mut Self {
        let place = place(&self.sizes, room, seat);
        let event = Event::new(self.ms(at_ms), place, what).arrived(self.ms(at_ms - late_ms));
        self.recorder.record(&event);
        self
    }

    /// Dialed when due, upgraded and joined.
    fn join(&mut self, room: u32, at_ms: u64, seat: u16) -> &mut Self {
        let due = self.ms(at_ms);
        self.tell(room, at_ms, seat, EventKind::Peer(PeerEvent::Began { due }));
        self.tell(room, at_ms + 2, seat, EventKind::Peer(PeerEvent::Upgraded));
        self.tell(room, at_ms + 3, seat, EventKind::Peer(PeerEvent::Joined))
    }

    /// The lower seat meets, offers and gets its answer; then all layers come up, one a millisecond.
    fn open(&mut self, room: u32, at_ms: u64, low: u16, high: u16) -> &mut Self {
        let (to_high, to_low) = (Seat(high), Seat(low));
        self.tell(room, at_ms, low, EventKind::Edge { other: to_high, event: EdgeEvent::Met { initiates: true } });
        self.tell(room, at_ms, low, EventKind::Edge { other: to_high, event: EdgeEvent::Offers });
        self.tell(room, at_ms + 1, low, EventKind::Edge { other: to_high, event: EdgeEvent::Answered });
        for (seat, other) in [(low, to_high), (high, to_low)] {
            self.tell(room, at_ms + 2, seat, EventKind::Edge { other, event: EdgeEvent::IceUp });
            self.tell(room, at_ms + 3, seat, EventKind::Edge { other, event: EdgeEvent::DtlsUp });
            self.tell(room, at_ms + 4, seat, EventKind::Edge { other, event: EdgeEvent::Open });
        }
        self
    }

    fn summary(&self) -> Summary {
        summary_of(&self.recorder)
    }
}

/// Rooms of two scenarios in turn.
fn rooms(sizes: &[u16], measured: usize) -> Vec<RoomFacts> {
    let facts = |(index, size): (usize, &u16)| RoomFacts {
        index: RoomIndex(index as u32),
        first: place(sizes, index as u32, 0).peer,
        due: vec![Duration::ZERO; usize::from(*size)],
        warmup: index >= measured,
        meshes: true,
        scenario: index % 2,
        timeout: Duration::from_secs(10),
        guests: 0,
        label: format!("room-{index}"),
    };
    sizes.iter().enumerate().map(facts).collect()
}

fn place(sizes: &[u16], room: u32, seat: u16) -> Place {
    let before: u32 = sizes.iter().take(room as usize).map(|size| u32::from(*size)).sum();
    Place { room: RoomIndex(room), seat: Seat(seat), peer: PeerIndex(before + u32::from(seat)) }
}

fn summary_of(recorder: &Recorder) -> Summary {
    summary_of_figures(&recorder.clone().into_figures(false))
}

fn summary_of_figures(figures: &RunFigures) -> Summary {
    let facts = RunFacts {
        build: Build::default(),
        name: "story".into(),
        id: "m1".into(),
        seed: 1,
        started_at: SystemTime::UNIX_EPOCH,
        duration: Duration::from_secs(1),
        plan_sha256: String::new(),
        dialect: "dashboard".into(),
        engine: EngineKind::Lean,
        target: String::new(),
        way: TargetRoute::default(),
        interrupted: false,
        complete: true,
        stopped_by: None,
        machine: Machine::default(),
        phases: vec![],
        kinds: KINDS.map(str::to_owned).to_vec(),
        thresholds: thresholds(),
        traced: true,
        tags: Default::default(),
        scenarios: vec!["even".to_owned(), "odd".to_owned()],
    };
    let summary = summarize(figures, &HealthFigures::default(), facts);
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
