//! Ctrl-C and its kin in every phase: a valid partial report within 5 s, and a second one that ends at once.

use super::hostile::{Hostile, Script};
use crate::common::play::{PATIENCE, PROGRAM, Played, Playing, start, start_unread};
use meshload::summary::Outcome;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// docs/spec/interface.md, "Exit codes": after the first signal all files are on disk within 5 s.
const PROMPTLY: Duration = Duration::from_secs(5);

/// Less than the drain of any run here, and than what a run does to end well.
const AT_ONCE: Duration = Duration::from_secs(2);

const SIGNALS: [(&str, i32); 3] = [("HUP", 129), ("INT", 130), ("TERM", 143)];

/// Sends each signal to a run of its own once `begin` has brought it to the phase under test.
fn check(begin: impl Fn() -> Playing + Sync, expected: impl Fn(&Played) + Sync) {
    thread::scope(|scope| {
        for (signal, code) in SIGNALS {
            let (begin, expected) = (&begin, &expected);
            scope.spawn(move || {
                let playing = begin();
                playing.signal(signal);
                let played = playing.end_within(PROMPTLY);
                assert_eq!(played.code, Some(code), "SIG{signal}: {}", played.stderr);
                let summary = played.summary();
                assert_eq!((summary.result, summary.run.complete), (Outcome::Interrupted, true));
                assert!(played.stdout.contains("edges"), "{}", played.stdout);
                expected(&played);
            });
        }
    });
}

fn was_stopped(played: &Played) {
    let run = &played.summary().run;
    assert!(run.interrupted && run.stopped_by.as_ref().is_some_and(|by| by.starts_with("SIG")), "{run:?}");
}

#[test]
fn while_it_waits_for_its_target() {
    let begin = || {
        let hostile = Hostile::start(Script::Silence);
        let playing = start(&["--target", &hostile.url(), "--wait-for-target", "60s"]);
        hostile.arrivals.recv().expect("it knocks");
        playing
    };
    check(begin, |played| {
        was_stopped(played);
        let peers = &played.summary().counts.peers;
        assert_eq!((peers.planned, peers.unfinished), (40, 40));
    });
}

#[test]
fn while_it_plays_the_control_run() {
    let begin = || {
        let playing =
            start(&["--control", "--rooms", "3", "--room-size", "2", "--arrivals", "1/s", "--duration", "60s"]);
        playing.wait_for(&["the control run"]);
        playing
    };
    check(begin, |played| {
        was_stopped(played);
        let summary = played.summary();
        assert_eq!((summary.counts.peers.unfinished, &summary.control), (6, &None));
    });
}

#[test]
fn while_peers_arrive() {
    let begin = || {
        let hostile = Hostile::start(Script::Silence);
        let playing = start(&["--target", &hostile.url(), "--arrivals", "1/s", "--timeout", "60s"]);
        hostile.arrivals.recv().expect("a peer dials");
        playing
    };
    check(begin, |played| {
        was_stopped(played);
        let counts = &played.summary().counts;
        assert!(counts.peers.unfinished > 0 && counts.edges.unfinished == 60, "{counts:?}");
    });
}

#[test]
fn while_messages_flow() {
    let begin = || {
        let playing = start(&["--rooms", "2", "--room-size", "3", "--duration", "60s"]);
        playing.wait_for(&["steady", "edges 6/6"]);
        playing
    };
    check(begin, |played| {
        was_stopped(played);
        let counts = &played.summary().counts;
        assert_eq!((counts.edges.opened, counts.edges.unfinished, counts.messages.lost), (6, 0, 0), "{counts:?}");
        assert!(counts.messages.delivered > 0);
    });
}

#[test]
fn while_it_drains() {
    let begin = || {
        // What is given up after a millisecond never arrives, so the drain lasts as long as it may.
        let lossy =
            ["--set", "messages.max_lifetime=1ms", "--set", "messages.size=16KiB", "--set", "messages.rate=200/s"];
        let short = ["--rooms", "1", "--room-size", "3", "--duration", "2s", "--set", "phases.drain=60s"];
        let playing = start(&[&lossy[..], &short].concat());
        playing.wait_for(&["drain"]);
        playing
    };
    check(begin, |played| {
        was_stopped(played);
        let phases: Vec<_> = played.summary().phases.iter().map(|phase| phase.name.as_str()).collect();
        assert_eq!(phases, ["ramp", "steady", "drain"]);
    });
}

const TINY: [&str; 10] =
    ["--rooms", "1", "--room-size", "2", "--duration", "100ms", "--engine", "none", "--arrivals", "100/s"];

/// A run whose files are written and whose result, longer than the pipe to which it goes, nobody reads.
fn showing() -> Playing {
    let mut command = Command::new(PROGRAM);
    command.args(["run", "--format", "json", "--out", "report"]).args(TINY);
    let playing = start_unread(command);
    let stdout = playing.child.stdout.as_ref().expect("stdout is a pipe");
    rustix::pipe::fcntl_setpipe_size(stdout, 4096).expect("a pipe can be made smaller");
    let (last, until) = (playing.report().join("profile.toml"), Instant::now() + PATIENCE);
    while !last.exists() {
        assert!(Instant::now() < until, "the report is never written");
        thread::sleep(Duration::from_millis(2));
    }
    playing
}

#[test]
fn while_the_result_is_shown() {
    thread::scope(|scope| {
        for (signal, code) in SIGNALS {
            scope.spawn(move || {
                let mut playing = showing();
                playing.signal(signal);
                playing.wait_for(&[signal, "a second signal ends at once"]);
                playing.read_stdout();
                let played = playing.end_within(PROMPTLY);
                assert_eq!(played.code, Some(code), "{}", played.stderr);
                let summary = played.summary();
                assert_eq!((summary.result, summary.run.interrupted), (Outcome::Interrupted, false), "all was played");
            });
        }
    });
}

#[test]
fn a_second_and_other_signal_ends_a_run_whose_result_nobody_reads() {
    let playing = showing();
    playing.signal("INT");
    playing.wait_for(&["SIGINT", "a second signal ends at once"]);
    playing.signal("TERM");
    let played = playing.end_within(AT_ONCE);
    assert_eq!(played.code, Some(143), "{}", played.stderr);
    assert_eq!(played.summary.map(|summary| summary.exit_code), Some(0), "what was written stays whole");
}

#[test]
fn the_same_signal_at_once_is_the_first_and_a_second_later_the_second() {
    let mut playing = showing();
    playing.signal("TERM");
    playing.wait_for(&["SIGTERM"]);
    let first = Instant::now();
    let mut ended_after = None;
    // One signal after the other, until one counts: those within the second must not.
    while ended_after.is_none() && first.elapsed() < PROMPTLY {
        playing.signal("TERM");
        thread::sleep(Duration::from_millis(50));
        ended_after = playing.child.try_wait().expect("a child can be waited for").map(|_| first.elapsed());
    }
    let ended_after = ended_after.expect("a signal more than a second later ends it");
    assert!(ended_after > Duration::from_millis(900), "{ended_after:?}");
    assert_eq!(playing.end_within(AT_ONCE).code, Some(143));
}

#[test]
fn the_same_signal_twice_while_peers_arrive_still_leaves_a_report() {
    let hostile = Hostile::start(Script::Silence);
    let playing = start(&["--target", &hostile.url(), "--arrivals", "1/s", "--timeout", "60s"]);
    hostile.arrivals.recv().expect("a peer dials");
    playing.signal("INT");
    playing.signal("INT");
    let played = playing.end_within(PROMPTLY);
    assert_eq!((played.code, played.summary().result), (Some(130), Outcome::Interrupted));
}
