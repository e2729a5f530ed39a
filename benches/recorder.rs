//! The cost of measuring: nanoseconds for each event in the Recorder, and its share of the CPU that an edge takes.
//! Plays a run for the CPU and the number of frames of an edge, then folds as many events of the same mix again.

use meshload::controller::{self, RunSpec};
use meshload::diagnosis::findings::{RunRecord, findings};
use meshload::dialect::Dialect;
use meshload::metrics::{Recorder, RoomFacts, TraceSample, all_timers};
use meshload::plan::Plan;
use meshload::profile::{self, ProfileSource};
use meshload::report::{MetricsSamples, MetricsSnapshot, OtlpDeltas};
use meshload::summary::{DialectFacts, Summary};
use meshload::vocabulary::{
    Candidate, Concern, EdgeEvent, Event, EventKind, Failure, FrameKind, PeerEvent, PeerIndex, Phase, Place, RoomIndex,
    Seat, Seed, Signal, SignalDigest, SignalPart,
};
use rand::RngExt;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

const ROOMS: u32 = 100;
const SIZE: u16 = 6;
const TIMEOUT: Duration = Duration::from_secs(10);
const KINDS: usize = 16;
const PASSES: u32 = 20;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [way @ ("scrape" | "export"), count] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return show(way == "scrape", count.parse().expect("a number of snapshots"));
    }
    let summary = run();
    let edges = summary.counts.edges.opened as f64;
    let heard = &summary.counts.signaling;
    let for_others = (heard.received - heard.concerned) as f64 / edges;
    let facts: Vec<RoomFacts> = (0..ROOMS).map(room).collect();
    let start = Instant::now();
    let events = events(start, for_others.round() as usize);
    let mut spent = Duration::ZERO;
    for _ in 0..PASSES {
        let mut recorder = Recorder::new(&facts, start, KINDS);
        let began = Instant::now();
        events.iter().for_each(|event| recorder.record(black_box(event)));
        spent += began.elapsed();
        assert_eq!(recorder.tally().edges_opened, u64::from(ROOMS) * edges_of_a_room() as u64);
    }
    let traced = traced_ns(&facts, start, &events);
    let folded = f64::from(PASSES) * events.len() as f64;
    let ns = spent.as_nanos() as f64 / folded;
    let per_edge = events.len() as f64 / (f64::from(ROOMS) * edges_of_a_room() as f64);
    let us_per_edge = summary.health.us_per_edge as f64;
    println!("{edges:.0} edges opened, {us_per_edge:.0} µs of CPU for each, server included");
    println!(
        "{ns:.1} ns for each event, {per_edge:.0} events for each edge, {for_others:.1} of them frames for others"
    );
    println!("{traced:.1} ns for each event with every room traced, as a run of up to 2,000 edges is");
    let found = findings_ns(&summary, &facts, start, &events);
    let peers = f64::from(ROOMS) * f64::from(SIZE);
    let of_findings = (traced - ns) * per_edge / us_per_edge / 10.0;
    let at_the_end = found / (f64::from(ROOMS) * edges_of_a_room() as f64) / us_per_edge / 10.0;
    println!("findings: {of_findings:.2} % of the CPU of an edge while a run of up to 2,000 edges is traced,");
    println!("          {at_the_end:.3} % at its end (expected: under 2 % together)");
    let bytes = traced_bytes();
    println!("          {bytes:.0} bytes a peer (expected: under 1,024); {peers:.0} peers were timed");
    println!("measuring: {:.2} % of the CPU of an edge (expected: under 2 %)", ns * per_edge / us_per_edge / 10.0);
}

/// Shows a run of two workers `count` times, to a scraper or whole to a collector: scripts/instructions counts it under
/// callgrind.
fn show(to_scraper: bool, count: usize) {
    let start = Instant::now();
    let kinds: Vec<String> = (0..KINDS).map(|kind| format!("kind-{kind}")).collect();
    let timers = all_timers(&kinds);
    let workers = [0, 1].map(|worker| {
        let facts: Vec<RoomFacts> = (0..ROOMS).filter(|room| room % 2 == worker).map(room).collect();
        let mut recorder = Recorder::new(&facts, start, KINDS);
        events(start, 0).iter().for_each(|event| recorder.record(event));
        recorder
    });
    for _ in 0..count {
        let mut live = workers[0].live(&timers, &kinds, &[]);
        live.merge(workers[1].live(&timers, &kinds, &[]));
        let snapshot = MetricsSnapshot {
            samples: MetricsSamples { timers: live.whole().timers(&kinds), ..MetricsSamples::default() },
            ..MetricsSnapshot::default()
        };
        if to_scraper {
            black_box(snapshot.text());
        } else {
            black_box(OtlpDeltas::default().export(&snapshot, &BTreeMap::new(), SystemTime::UNIX_EPOCH));
        }
    }
}

/// The same events, with every room traced until it is open.
fn traced_ns(facts: &[RoomFacts], start: Instant, events: &[Event]) -> f64 {
    let sample = TraceSample::of(facts.iter().map(|room| (room.index, SIZE)), 0);
    let mut spent = Duration::ZERO;
    for _ in 0..PASSES {
        let mut recorder = Recorder::new(facts, start, KINDS).tracing(&sample);
        let began = Instant::now();
        events.iter().for_each(|event| recorder.record(black_box(event)));
        spent += began.elapsed();
        assert!(recorder.into_figures(false).traces().is_empty(), "all went well");
    }
    spent.as_nanos() as f64 / (f64::from(PASSES) * events.len() as f64)
}

/// Nanoseconds that the findings of the whole run take at its end.
fn findings_ns(summary: &Summary, facts: &[RoomFacts], start: Instant, events: &[Event]) -> f64 {
    let sample = TraceSample::of(facts.iter().map(|room| (room.index, SIZE)), 0);
    let mut recorder = Recorder::new(facts, start, KINDS).tracing(&sample);
    events.iter().for_each(|event| recorder.record(event));
    let figures = recorder.into_figures(false);
    let began = Instant::now();
    for _ in 0..PASSES {
        let evidence = figures.evidence(DialectFacts::default());
        black_box(findings(&RunRecord { summary, evidence: &evidence }));
    }
    began.elapsed().as_nanos() as f64 / f64::from(PASSES)
}

/// Bytes a peer that the traces of the largest sample hold when no edge opens and each fails at the timeout.
fn traced_bytes() -> f64 {
    let facts: Vec<RoomFacts> = (0..ROOMS).map(room).collect();
    let start = Instant::now();
    let mut unopened = events(start, 0);
    for event in &mut unopened {
        if let EventKind::Edge { event: kind @ EdgeEvent::Open, .. } = &mut event.kind {
            *kind = EdgeEvent::Failed { failure: Failure::timed_out(Phase::Channel) };
            event.at += TIMEOUT;
        }
    }
    let sample = TraceSample::of(facts.iter().map(|room| (room.index, SIZE)), 0);
    let held = |sample: &TraceSample| {
        let mut recorder = None;
        let count = allocation_counter::measure(|| {
            let recorder = recorder.insert(Recorder::new(&facts, start, KINDS).tracing(sample));
            unopened.iter().for_each(|event| recorder.record(event));
        });
        count.bytes_current as f64
    };
    (held(&sample) - held(&TraceSample::default())) / (f64::from(ROOMS) * f64::from(SIZE))
}

fn run() -> Summary {
    let text = format!(
        "[rooms]\ncount = 30\nsize = {SIZE}\n[arrivals]\nrate = \"40/s\"\n[messages]\npattern = \"none\"\n\
         [phases]\nsteady = \"0s\"\ndrain = \"0s\"\n"
    );
    let profile = profile::read(ProfileSource { name: "bench", text: &text }, &[], &|_| None).unwrap();
    let order = RunSpec::new(Plan::new(profile, Seed(1)), "b1".to_owned(), Dialect::named("dashboard").unwrap());
    controller::run(order).unwrap().summary
}

fn edges_of_a_room() -> usize {
    usize::from(SIZE) * (usize::from(SIZE) - 1) / 2
}

fn room(index: u32) -> RoomFacts {
    RoomFacts {
        index: RoomIndex(index),
        first: PeerIndex(index * u32::from(SIZE)),
        due: vec![Duration::ZERO; usize::from(SIZE)],
        warmup: false,
        meshes: true,
        scenario: 0,
        timeout: TIMEOUT,
        guests: 0,
        label: format!("room-{index}"),
    }
}

/// Every event of every handshake, in the order of a run, with its share of the frames for others.
fn events(start: Instant, for_others: usize) -> Vec<Event> {
    let mut events = vec![];
    let mut random = Seed(1).stream("bench", 0);
    for room in 0..ROOMS {
        let mut now = start + Duration::from_millis(10) * room;
        let mut tell = |seat: u16, what: EventKind| {
            // As spread as those of a real run: three decades.
            now += Duration::from_micros(random.random_range(0.0..10.0_f64).exp2() as u64);
            let peer = PeerIndex(room * u32::from(SIZE) + u32::from(seat));
            events.push(Event::new(now, Place { room: RoomIndex(room), seat: Seat(seat), peer }, what));
        };
        for seat in 0..SIZE {
            tell(seat, EventKind::Peer(PeerEvent::Began { due: start }));
            tell(seat, EventKind::Peer(PeerEvent::Upgraded));
            tell(seat, EventKind::Peer(PeerEvent::Joined));
            for low in 0..seat {
                handshake(low, seat, for_others, &mut tell);
            }
        }
    }
    events
}

fn handshake(low: u16, high: u16, for_others: usize, tell: &mut impl FnMut(u16, EventKind)) {
    let (to_low, to_high) = (Seat(low), Seat(high));
    tell(low, EventKind::Edge { other: to_high, event: EdgeEvent::Met { initiates: true } });
    tell(high, EventKind::Edge { other: to_low, event: EdgeEvent::Met { initiates: true } });
    tell(low, EventKind::Edge { other: to_high, event: EdgeEvent::Offers });
    for (from, to, kind) in [(low, high, 0), (low, high, 2), (high, low, 1), (high, low, 2)] {
        let bytes = 400 + u32::from(kind);
        tell(from, EventKind::Edge { other: Seat(to), event: EdgeEvent::OwnWork { spent: Duration::from_micros(90) } });
        tell(from, signal(from, to, kind, true).to(Seat(to)));
        tell(from, EventKind::Peer(PeerEvent::Said { kind: FrameKind(kind), bytes, to: Some(Seat(to)) }));
        tell(
            to,
            EventKind::Peer(PeerEvent::Frame {
                kind: FrameKind(kind),
                bytes,
                concern: Concern::Me { from: Some(Seat(from)) },
            }),
        );
        tell(to, signal(from, to, kind, false).to(Seat(from)));
    }
    for _ in 0..for_others {
        tell(high, EventKind::Peer(PeerEvent::Frame { kind: FrameKind(2), bytes: 402, concern: Concern::Others }));
    }
    tell(low, EventKind::Edge { other: to_high, event: EdgeEvent::Answered });
    for (seat, other) in [(low, to_high), (high, to_low)] {
        tell(seat, EventKind::Edge { other, event: EdgeEvent::IceUp });
        tell(seat, EventKind::Edge { other, event: EdgeEvent::DtlsUp });
        tell(seat, EventKind::Edge { other, event: EdgeEvent::Open });
    }
}

/// A description of the pair's own, or the one candidate of `from`.
fn signal(from: u16, to: u16, kind: u8, said: bool) -> EdgeEvent {
    let sdp = || format!("a=ice-ufrag:{from}-{to}\r\n");
    let signal = match kind {
        0 => Signal::Offer { sdp: sdp() },
        1 => Signal::Answer { sdp: sdp() },
        _ => Signal::Candidate(Candidate {
            candidate: format!("candidate:1 1 udp 2130706431 127.0.0.1 {} typ host", 40_000 + from),
            mid: Some("0".to_owned()),
            line: Some(0),
            ufrag: None,
        }),
    };
    let (part, digest) =
        ([SignalPart::Offer, SignalPart::Answer, SignalPart::Candidate][usize::from(kind)], SignalDigest::of(&signal));
    let candidate = if let Signal::Candidate(candidate) = signal { Some(Box::new(candidate)) } else { None };
    EdgeEvent::Signal { said, part, digest, candidate }
}
