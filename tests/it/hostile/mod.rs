//! A server that offends one of twelve peers: the others open, the run ends as promised, and it costs a bounded amount.
//!
//! `just hostile` prints the matrix.

mod in_the_middle;
mod roster;
mod signals;
mod upgrade;
mod websocket;

use crate::common::at_once::at_once;
use crate::common::play::{Played, start};
use in_the_middle::{InTheMiddle, Offence};
use std::sync::OnceLock;
use std::time::Duration;
use support::serving::Serving;

const PEERS: u64 = 12;

/// The pairs of the room that the victim is not of.
const OTHER_EDGES: u64 = (PEERS - 1) * (PEERS - 2) / 2;

const EDGES: u64 = PEERS * (PEERS - 1) / 2;

/// An offence, and what a run has to say of it.
struct Case {
    name: &'static str,
    offence: Offence,
    /// The reason and the start of the detail of the victim's failures; `None` if nothing fails.
    expected: Option<&'static str>,
}

/// The cost of a run.
#[derive(Clone, Copy, Debug)]
struct Cost {
    cpu_seconds: f64,
    rss_mib: f64,
    frames: u64,
    said_kib: u64,
}

impl Cost {
    fn of(played: &Played) -> Self {
        let summary = played.summary();
        Self {
            cpu_seconds: summary.health.cpu_cores * summary.run.duration_us as f64 / 1e6,
            rss_mib: summary.health.rss_bytes_max as f64 / f64::from(1 << 20),
            frames: summary.counts.signaling.sent,
            said_kib: summary.counts.signaling.sent_bytes / 1024,
        }
    }
}

/// Plays every case, and prints a row each.
fn check(family: &str, cases: Vec<Case>) {
    let honest = honest();
    in_turn(cases, |Case { name, offence, expected }| {
        let (played, _) = play(offence);
        let (cost, edges) = (Cost::of(&played), &played.summary().counts.edges);
        println!(
            "{family:10} {name:44} opened {:2}, {:4.2} s CPU, {:3.0} MiB, {:4} frames of {:5} KiB said: {}",
            edges.opened,
            cost.cpu_seconds,
            cost.rss_mib,
            cost.frames,
            cost.said_kib,
            played.failures().join(", ")
        );
        let row = format!("{name}: {cost:?} {edges:?} {:?}\n{}", played.failures(), played.stderr);
        assert!(edges.opened >= if expected.is_some() { OTHER_EDGES } else { EDGES }, "{row}");
        assert_eq!(played.code, Some(if expected.is_some() { 99 } else { 0 }), "{row}");
        // The other ends of the victim's edges wait for it in vain.
        let is_known = |failure: &String| {
            let (_phase, what) = failure.split_once(' ').unwrap_or_default();
            expected.is_some_and(|expected| what.starts_with(expected)) || what == "timed_out"
        };
        assert!(played.failures().iter().all(is_known), "{row}");
        let named = |failure: &String| expected.is_none_or(|expected| failure.contains(expected));
        assert!(expected.is_none() || played.failures().iter().any(named), "{row}");
        assert!(cost.cpu_seconds < 3.0 * honest.cpu_seconds + 1.0, "{row}\nhonest: {honest:?}");
        assert!(cost.rss_mib < 2.0 * honest.rss_mib + 16.0, "{row}\nhonest: {honest:?}");
        assert!(cost.frames < 3 * honest.frames, "{row}\nhonest: {honest:?}");
        assert!(cost.said_kib < 3 * honest.said_kib, "{row}\nhonest: {honest:?}");
    });
}

/// Plays the cases a few at a time: each is a run of twelve peers that are to open in time.
fn in_turn<T: Send>(cases: impl IntoIterator<Item = T>, play: impl Fn(T) + Sync) {
    let mut cases = cases.into_iter();
    loop {
        let few: Vec<T> = cases.by_ref().take(3).collect();
        if few.is_empty() {
            return;
        }
        at_once(few, &play);
    }
}

/// The cost of the same run with an honest server.
fn honest() -> Cost {
    static HONEST: OnceLock<Cost> = OnceLock::new();
    *HONEST.get_or_init(|| {
        let (played, _) = play(Offence::None);
        assert_eq!((played.code, played.summary().counts.edges.opened), (Some(0), EDGES), "{}", played.stderr);
        Cost::of(&played)
    })
}

fn play(offence: Offence) -> (Played, InTheMiddle) {
    play_with(offence, &[])
}

fn play_with(offence: Offence, more: &[&str]) -> (Played, InTheMiddle) {
    let server = Serving::start(&[]);
    let middle = InTheMiddle::start(server.address(), offence);
    let room = ["--rooms", "1", "--room-size", "12", "--duration", "500ms", "--timeout", "6s", "--engine", "lean"];
    let playing = start(&[&["--target", &middle.url][..], &room, more].concat());
    (playing.end_within(Duration::from_secs(60)), middle)
}
