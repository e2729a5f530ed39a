//! Field case 7: rooms that the server deals out, a roster that is an object, and talk that goes through the server.

use super::changed::run;
use meshload::summary::Summary;
use std::process::Command;
use support::target::{Target, is_installed};

const DEALT: &str = include_str!("dialects/dealt.toml");

/// A server that seats `max` together.
fn dealt(max: &str) -> Target {
    Target::script("dealt.cjs").environment("MAX", max)
}

/// Runs the plan: the exit code, the summary, and what was printed.
fn play(target: &Target, dialect: &str, more: &[&str]) -> Option<(Option<i32>, Summary, String)> {
    let (output, summary) = run(target, dialect, &[&["--engine", "none"], more].concat())?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    Some((output.status.code(), Summary::read(&summary).unwrap(), printed))
}

#[test]
fn a_roster_that_is_an_object_is_met_and_what_is_told_each_second_is_timed() {
    let plan = ["--rooms", "2", "--room-size", "6", "--timeout", "30s", "--duration", "2s"];
    let gate = [&plan[..], &["--gate", "signal_delivery.move: p(95) < 5s"]].concat();
    let Some((code, summary, printed)) = play(&dealt("50"), DEALT, &gate) else { return };
    assert_eq!(code, Some(0), "{printed}");
    assert_eq!((summary.counts.edges.planned, summary.counts.edges.opened), (30, 30), "{printed}");
    let moves = &summary.timers["signal_delivery.move"].due;
    let counted = &summary.counts.signaling.by_type["move"];
    // Each is heard by the five others of its room, once they are there and until the run ends.
    assert!(counted.sent >= 12 && moves.count >= 2 * counted.sent, "{counted:?} {moves:?}");
    // Nothing reaches another room: each frame concerns whoever reads it.
    assert_eq!(summary.amplification, Some(1.0));
}

/// The order of joining tells dealing apart from islands: arrivals are far apart, and a machine that stood still meanwhile
/// plays again, at most twice.
#[test]
fn a_room_that_the_server_splits_is_told_with_the_edges_that_are_possible() {
    let plan =
        ["--rooms", "1", "--room-size", "5", "--arrivals", "5/s", "--timeout", "4s", "--no-gates", "--duration", "2s"];
    let told = "is in groups of 3 and 2 (1 of 1 rooms are split). 4 of 10 edges are possible, and all of them opened.";
    let is_told = (0..3).any(|_| {
        let Some((_, summary, printed)) = play(&dealt("3"), DEALT, &plan) else { return true };
        println!("{printed}");
        let split = summary.findings.iter().find(|finding| finding.id == "rooms-split");
        let is_told = summary.counts.edges.opened == 4 && split.is_some_and(|found| found.sentence.contains(told));
        // The six others are that finding's, and no failure to look for a cause of.
        let rows: Vec<_> = summary.failures.iter().map(|row| (row.count, row.cause.as_deref())).collect();
        let is_explained = rows == [(6, Some("rooms-split"))] && summary.diagnosis.is_none();
        assert_eq!(is_told, is_explained, "{rows:?} {printed}");
        is_told
    });
    assert!(is_told, "{told}");
}

/// Twelve peers that each say where they are five times a second.
#[test]
fn what_the_dialect_repeats_is_in_the_cost_of_a_plan() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/targets/dialects/dealt.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command.args(["check", "smoke", "--rooms", "2", "--room-size", "6", "--dialect", file]);
    let output = command.args(["--target", "ws://127.0.0.1:1/"]).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let row = printed.lines().find(|line| line.contains("move frames sent a second"));
    assert!(row.is_some_and(|row| row.ends_with(" 60")), "{output:?}");
}

/// Presence alone: no word of a negotiation, no edge, and the server's figures all the same; here it tells all rooms all.
#[test]
fn presence_alone_loads_the_server_and_passes() {
    if !is_installed("socket.io") {
        return;
    }
    let is_negotiation = |line: &&str| ["offer", "answer", "candidate"].iter().any(|part| line.starts_with(part));
    let said: Vec<&str> = DEALT.lines().filter(|line| !is_negotiation(line)).collect();
    let blocks = said.join("\n");
    let rules = blocks.split("\n\n").filter(|block| !block.contains("[\"send\""));
    let presence = rules.collect::<Vec<_>>().join("\n\n");
    // They stay so long that both rooms are there at once on a machine that is slow to seat them.
    let stay = "churn.stay={ min = \"4s\", max = \"5s\" }";
    let plan = ["--rooms", "2", "--room-size", "6", "--duration", "6s", "--set", stay];
    let leaky = dealt("50").environment("LEAKY", "yes");
    let gates = ["--no-gates", "--gate", "signal_delivery.move: p(95) < 5s", "--gate", "peers_failed: rate < 1%"];
    let Some((code, summary, printed)) = play(&leaky, &presence, &[&plan[..], &gates].concat()) else { return };
    assert_eq!((code, summary.counts.edges.planned, summary.counts.rooms.planned), (Some(0), 0, 0), "{printed}");
    assert!(printed.contains("presence alone: the dialect has no word of an offer"), "{printed}");
    assert!(summary.timers["signal_delivery.move"].due.count > 0 && summary.findings.len() == 1, "{printed}");
    // A move that says no room concerns the peers that its sender's roster shows, and is read by all others too.
    assert!(summary.amplification > Some(1.4), "{:?}", summary.amplification);
}
