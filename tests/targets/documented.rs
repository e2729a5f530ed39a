//! The probes of docs/my-channel-never-opens.md, played as shown, print what the page shows.

use regex_lite::Regex;
use std::process::Command;
use support::serving::Serving;
use support::target::Target;

const PAGE: &str = include_str!("../../docs/my-channel-never-opens.md");

/// The fenced blocks of a language: each `sh` starts a server, and the `console` of the same place probes it.
fn blocks(language: &str) -> Vec<&'static str> {
    let open = format!("```{language}\n");
    PAGE.split(&open).skip(1).map(|rest| rest.split_once("```").unwrap().0).collect()
}

/// Plays a shown probe against the server at `port` and compares what it prints, times aside.
fn check(place: usize, port: u16) {
    let (line, shown) = blocks("console")[place].split_once('\n').unwrap();
    let here = |word: &str| match word.strip_prefix("ws://127.0.0.1:") {
        Some(rest) => {
            format!("ws://127.0.0.1:{port}{}", rest.trim_start_matches(|letter: char| letter.is_ascii_digit()))
        }
        None => word.to_owned(),
    };
    let arguments = line.strip_prefix("$ meshload ").unwrap().split(' ').map(here);
    let output = Command::new(env!("CARGO_BIN_EXE_meshload")).args(arguments).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(masked(shown), masked(&printed), "the page is of another day; today it prints:\n{printed}");
    assert_eq!(output.status.code(), Some(99));
}

/// The words of each line, with `#` for a port, a token, a date and a time: a number with decimals, or before `ms`. Steps of the two peers that happen
/// at about the same time come in any order, so those of a ladder are sorted.
fn masked(text: &str) -> Vec<String> {
    let drawn = Regex::new(r"(127\.0\.0\.1:|token=)\w+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d").unwrap();
    let text = drawn.replace_all(text, "$1#");
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_time = |at: usize, word: &str| {
            word.parse::<f64>().is_ok() && (word.contains('.') || words.get(at + 1) == Some(&"ms"))
        };
        let masked = words.iter().enumerate().map(|(at, word)| if is_time(at, word) { "#" } else { word });
        masked.collect::<Vec<_>>().join(" ")
    };
    let (mut steps, others): (Vec<String>, Vec<String>) =
        text.lines().map(line).partition(|line| line.starts_with("# "));
    steps.sort();
    [others, steps].concat()
}

/// Starts a shown server that is a program of node, on a free port instead of the one shown.
fn check_node(place: usize) {
    let (port, line) = blocks("sh")[place].split_once(' ').unwrap();
    assert!(port.starts_with("LOOPBACK_PORT="), "{port}");
    let Some(server) = Target::shell(line).start() else { return };
    check(place, server.port());
}

/// Those of the dashboard, of PeerJS and of Socket.IO; another one would need a test of its own.
#[test]
fn every_output_of_the_page_is_played() {
    assert_eq!((blocks("sh").len(), blocks("console").len(), PAGE.matches("\n$ meshload ").count()), (3, 3, 3));
}

#[test]
fn the_dashboards_walk_is_what_is_printed_today() {
    let arguments = blocks("sh")[0].trim().strip_prefix("meshload serve ").unwrap();
    let server = Serving::start(&arguments.split(' ').collect::<Vec<_>>());
    check(0, server.address().port());
}

#[test]
fn the_walk_with_peerjs_is_what_is_printed_today() {
    check_node(1);
}

#[test]
fn the_walk_with_socketio_is_what_is_printed_today() {
    check_node(2);
}
