//! The live view on screens of several sizes.

use super::course::{LiveCourse, PlannedCourse};
use super::draw::draw;
use super::leaves;
use crate::gates::{Gate, judge};
use crate::metrics::{EdgeState, LiveRoom, Tally};
use crate::report::MetricsSnapshot;
use crate::summary::{
    Distribution, FailureRow, Histogram, PhaseSpan, SparseHistogram, Summary, Timer, TimerSamples, Verdict,
};
use crate::vocabulary::RoomIndex;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::sync::Arc;
use std::time::{Duration, Instant};

const TIMERS: [(&str, u64); 10] = [
    ("connect", 1_200),
    ("join", 400),
    ("discovery", 900),
    ("negotiation", 9_000),
    ("ice", 21_000),
    ("dtls", 12_000),
    ("channel", 700),
    ("time_to_open", 44_000),
    ("own_work", 2_300),
    ("message_latency", 350),
];

fn timer(middle_us: u64, samples: u64) -> Histogram {
    let mut histogram = Histogram::default();
    (0..samples).for_each(|sample| histogram.record_us(middle_us * (50 + 100 * sample / samples.max(1)) / 100));
    histogram
}

/// The run after so many seconds; each second opens two rooms of four.
fn snapshot(second: u64, rooms: Vec<LiveRoom>) -> MetricsSnapshot {
    let mut summary = Summary::default();
    let run = &mut summary.run;
    (run.name, run.id, run.seed) = ("smoke".to_owned(), "m3f9c1".to_owned(), 7);
    (run.target, run.dialect, run.engine) =
        ("ws://127.0.0.1:9000/ws/".to_owned(), "dashboard".to_owned(), "lean".to_owned());
    (run.duration_us, run.machine.cores) = (second * 1_000_000, 2.0);
    run.started_at = "2026-11-30T05:00:00.000Z".to_owned();
    let phases = [("ramp", "2026-11-30T05:00:00.000Z"), ("steady", "2026-11-30T05:00:04.000Z")];
    summary.phases = phases
        .into_iter()
        .take(if second < 4 { 1 } else { 2 })
        .map(|(name, at)| PhaseSpan { name: name.to_owned(), started_at: at.to_owned(), ended_at: at.to_owned() })
        .collect();
    let opened = second * 12;
    (summary.counts.edges.planned, summary.counts.edges.opened) = (60, opened);
    let mut snapshot = MetricsSnapshot { rooms, ..MetricsSnapshot::default() };
    for (name, middle_us) in TIMERS {
        let histogram = timer(middle_us * (4 + second) / 5, opened);
        let (due, distribution) = (SparseHistogram::of(&histogram), Distribution::of(&histogram));
        let measured = Timer { due: distribution.clone(), began: distribution, net: None };
        summary.timers.insert(name.to_owned(), measured);
        snapshot.samples.timers.insert(name.to_owned(), TimerSamples { due, ..TimerSamples::default() });
    }
    summary.rates.edges_failed = Some(1.0 / 60.0);
    let gates = [
        "edges_failed: rate < 1%",
        "time_to_open: p(95) < 800ms",
        "time_to_open: p(99.9) < 1s",
        "message_rtt: med < 1s",
    ];
    let gates: Vec<Gate> = gates.iter().map(|gate| Gate::parse_line(gate).unwrap()).collect();
    summary.gates = judge(&gates, &summary);
    if second > 2 {
        let failure = FailureRow {
            phase: "negotiation".to_owned(),
            reason: "timed_out".to_owned(),
            detail: "no answer\x1b[2J".to_owned(),
            count: 1,
            ..FailureRow::default()
        };
        summary.failures = vec![failure];
        summary.validity.verdict = Verdict::Suspect;
    }
    snapshot.samples.lag = SparseHistogram::of(&timer(600, 100));
    (summary.health.cpu_cores, summary.health.rss_bytes_max) = (0.84, 61 << 20);
    snapshot.tally = Tally {
        peers_planned: 40,
        peers_joined: (8 * second).min(40),
        edges_planned: 60,
        edges_opened: opened.min(59),
        edges_failed: u64::from(second > 2),
        messages_sent: second.saturating_sub(4) * 1_200,
        messages_delivered: second.saturating_sub(4) * 1_199,
        ..Tally::default()
    };
    MetricsSnapshot { summary, ..snapshot }
}

/// Ten rooms of four in every state.
fn meshes() -> Vec<LiveRoom> {
    let room = |index: u32| {
        let state = |edge: u32| match index {
            0..5 => EdgeState::Open,
            5 if edge == 4 => EdgeState::Failed,
            5 | 6 => [EdgeState::Open, EdgeState::Closed][usize::from(edge > 2)],
            7 => [EdgeState::Open, EdgeState::Connecting][usize::from(edge > 1)],
            8 => [EdgeState::Connecting, EdgeState::Waiting][usize::from(edge > 0)],
            _ => EdgeState::Waiting,
        };
        let states: Vec<EdgeState> = (0..6).map(state).collect();
        let count = |of: &[EdgeState]| states.iter().filter(|state| of.contains(state)).count() as u32;
        LiveRoom {
            index: RoomIndex(index),
            label: format!("m3f9c1-room-{index}"),
            edges: 6,
            opened: count(&[EdgeState::Open, EdgeState::Closed]),
            failed: count(&[EdgeState::Failed]),
            states,
        }
    };
    (0..10).map(room).collect()
}

/// Rooms of which only counts are known, each a little further than the next.
fn counts(rooms: u32) -> Vec<LiveRoom> {
    let room = |index: u32| LiveRoom {
        index: RoomIndex(index),
        label: String::new(),
        edges: 45,
        opened: 45 - (45 * index / rooms.max(1)).min(45) * 9 / 8 % 46,
        failed: u32::from(index % 97 == 50),
        states: vec![],
    };
    (0..rooms).map(room).collect()
}

fn course(seconds: u64, rooms: &[LiveRoom]) -> LiveCourse {
    let planned =
        PlannedCourse { whole: Duration::from_secs(14), steady: Duration::from_secs(10), ..PlannedCourse::default() };
    let (now, mut course) = (Instant::now(), LiveCourse::new(planned, false));
    course.told(vec!["metrics: http://127.0.0.1:9464/metrics".to_owned()]);
    for second in 1..=seconds {
        course.take(now, Arc::new(snapshot(second, rooms.to_vec())));
    }
    course
}

fn screen(course: &LiveCourse, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(course, frame)).unwrap();
    terminal.backend().to_string()
}

#[test]
fn a_run_of_few_rooms_is_shown_edge_by_edge() {
    let course = course(6, &meshes());
    insta::assert_snapshot!("few_rooms_80", screen(&course, 80, 24));
    insta::assert_snapshot!("few_rooms_140", screen(&course, 140, 40));
}

#[test]
fn a_run_of_many_rooms_has_a_cell_for_each_or_for_several() {
    insta::assert_snapshot!("many_rooms_80", screen(&course(6, &counts(150)), 80, 24));
    insta::assert_snapshot!("many_rooms_140", screen(&course(6, &counts(4_000)), 140, 40));
}

#[test]
fn before_the_run_and_on_a_small_screen_there_is_what_fits() {
    let mut before = LiveCourse::new(PlannedCourse::default(), false);
    before.told(vec!["the control run".to_owned()]);
    insta::assert_snapshot!("before", screen(&before, 80, 8));
    insta::assert_snapshot!("small", screen(&course(6, &meshes()), 48, 12));
}

#[test]
fn every_size_of_screen_can_be_drawn() {
    let courses = [course(0, &[]), course(1, &[]), course(6, &meshes()), course(6, &counts(5_000))];
    for course in courses {
        for (width, height) in (0..=60).flat_map(|step| [(step * 4, 24), (80, step), (step, step), (step, 3)]) {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            terminal.draw(|frame| draw(&course, frame)).unwrap();
            let drawn = terminal.backend().buffer().content().iter().any(|cell| cell.symbol() != " ");
            assert_eq!(drawn, width > 0 && height > 0, "{width}x{height}");
        }
    }
}

#[test]
fn without_colour_no_cell_has_one() {
    let mut course = course(6, &meshes());
    for colour in [false, true] {
        course.colour = colour;
        let mut terminal = Terminal::new(TestBackend::new(140, 40)).unwrap();
        terminal.draw(|frame| draw(&course, frame)).unwrap();
        let cells = terminal.backend().buffer().content();
        let coloured = cells.iter().filter(|cell| cell.fg != ratatui::style::Color::Reset).count();
        assert_eq!(coloured > 0, colour, "{coloured}");
    }
}

#[test]
fn q_and_escape_leave_and_arrows_do_not() {
    assert!(["q", "Q", "xq", "\x1b"].iter().all(|keys| leaves(keys.as_bytes())));
    assert!(["", "x", "\x1b[A", "\x1b[1;5q", "\x1bOq"].iter().all(|keys| !leaves(keys.as_bytes())));
}
