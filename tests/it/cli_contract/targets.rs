//! Each way in which a target can be broken, and what the run says of it.

use super::hostile::{Deed, Hostile, Script, text};
use crate::common::play::{Played, start, start_without_network};
use crate::common::websocket::frame;
use meshload::summary::Outcome;
use std::thread;
use std::time::Duration;
use support::closed_port::ClosedPort;

/// Two rooms of two, over as soon as every peer has failed or timed out.
const SMALL: [&str; 12] = [
    "--rooms",
    "2",
    "--room-size",
    "2",
    "--arrivals",
    "100/s",
    "--timeout",
    "1s",
    "--duration",
    "300ms",
    "--engine",
    "none",
];

/// Start, timeout, and a machine that has much else to do.
const LONGEST: Duration = Duration::from_secs(20);

fn play(url: &str) -> Played {
    start(&[&["--target", url], &SMALL[..]].concat()).end_within(LONGEST)
}

/// Plays `script` to a run, which must end with `code` and no other failures than those, worst first.
#[track_caller]
fn check(script: Script, code: i32, failures: &[&str]) {
    let hostile = Hostile::start(script);
    let played = play(&hostile.url());
    assert_eq!((played.code, played.failures()), (Some(code), failures.iter().map(|&line| line.to_owned()).collect()));
    let outcome = if code == 96 { Outcome::Unreachable } else { Outcome::Failed };
    assert_eq!(played.summary().result, outcome);
    assert!(!played.stdout.is_empty() && !played.stderr.contains("panicked"), "{}", played.stderr);
}

/// All of `rows` at once: they do nothing but wait.
fn check_all(rows: Vec<(Script, i32, &[&str])>) {
    thread::scope(|scope| {
        for (script, code, failures) in rows {
            scope.spawn(move || check(script, code, failures));
        }
    });
}

fn answer(text: &str) -> Script {
    Script::Answer(text.to_owned())
}

#[test]
fn a_port_that_nobody_listens_on_is_unreachable() {
    let closed = ClosedPort::bind();
    let played = play(&format!("ws://{}/ws/", closed.address));
    assert_eq!((played.code, played.failures()), (Some(96), vec!["connect refused ECONNREFUSED".to_owned()]));
    let peers = &played.summary().counts.peers;
    assert_eq!((peers.planned, peers.failed), (4, 4));
}

#[test]
fn a_name_without_an_address_is_unreachable() {
    let args = [&["--target", "ws://no-such-host.invalid/ws/"], &SMALL[..]].concat();
    let Some(playing) = start_without_network(&args) else { return };
    let played = playing.end_within(LONGEST);
    assert_eq!(played.code, Some(96), "{}", played.stderr);
    assert!(played.failures()[0].starts_with("connect dns "), "{:?}", played.failures());
}

#[test]
fn what_never_answers_the_upgrade_times_out_and_was_never_reached() {
    check_all(vec![(Script::Silence, 96, &["connect timed_out"]), (Script::Dribble, 96, &["connect timed_out"])]);
}

#[test]
fn an_answer_that_says_no_is_told_by_its_status() {
    check_all(vec![
        (answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 96, &["connect rejected HTTP 200"]),
        (answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), 96, &["connect rejected HTTP 404"]),
        (answer("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"), 96, &["connect rejected HTTP 429"]),
        // Not followed: it may lead anywhere.
        (
            answer("HTTP/1.1 302 Found\r\nLocation: ws://203.0.113.5/ws/\r\nContent-Length: 0\r\n\r\n"),
            96,
            &["connect rejected HTTP 302"],
        ),
    ]);
}

#[test]
fn what_does_not_speak_websocket_is_a_matter_of_protocol() {
    check_all(vec![
        (Script::WrongKey, 96, &["connect protocol Key mismatch in \"Sec-WebSocket-Accept\" header"]),
        (answer("220 mail.example.org ESMTP\r\n"), 96, &["connect protocol not HTTP: invalid HTTP version"]),
        (
            answer(&format!("HTTP/1.1 101 Switching Protocols\r\nX-Long: {}", "x".repeat(10 << 20))),
            96,
            &["connect protocol an HTTP answer without end"],
        ),
        (answer(""), 96, &["connect closed end of stream"]),
    ]);
}

#[test]
fn what_upgrades_and_says_nothing_leaves_every_edge_undiscovered() {
    check(Script::Upgraded(Deed::Nothing), 99, &["discovery timed_out"]);
}

#[test]
fn what_goes_after_the_upgrade_is_told_by_how_it_went() {
    check_all(vec![
        (Script::Joined(Deed::Close(1001)), 99, &["discovery closed close 1001"]),
        (Script::Joined(Deed::Close(4001)), 99, &["discovery rejected close 4001"]),
        (
            Script::Joined(Deed::Bytes(frame(0x8, b"\x0f\xa1room of p-17 is full").into())),
            99,
            &["discovery rejected close 4001: room of … is full"],
        ),
        (Script::Joined(Deed::End), 99, &["discovery closed end of stream"]),
        (Script::Joined(Deed::Reset), 99, &["discovery closed ECONNRESET"]),
    ]);
}

#[test]
fn a_close_that_means_not_now_is_dialled_again_and_one_that_means_no_is_not() {
    for (code, comes_back) in [(4429, true), (1013, true), (4403, false)] {
        let hostile = Hostile::start(Script::Joined(Deed::Close(code)));
        let played = play(&hostile.url());
        assert_eq!(played.failures(), [format!("discovery rejected close {code}")]);
        let connections = hostile.arrivals.try_iter().count();
        assert!(if comes_back { connections > 4 } else { connections == 4 }, "{code}: {connections} of 4 peers");
    }
}

#[test]
fn frames_that_no_signaling_server_sends_end_the_connection() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    check_all(vec![
        (
            Script::Joined(Deed::Bytes(frame(0x2, b"\0\x01").into())),
            99,
            &["discovery protocol a binary frame, where only text belongs: is this another parser (MessagePack)?"],
        ),
        (Script::Joined(Deed::Bytes(text(&"x".repeat(1 << 20)))), 99, &["discovery protocol a message over 256 KiB"]),
        (Script::Joined(Deed::Bytes(frame(0x1, b"\xC3\x28").into())), 99, &["discovery protocol invalid UTF-8"]),
        // What is only nonsense is counted, and waited out.
        (Script::Joined(Deed::Bytes(text(&deep))), 99, &["discovery timed_out"]),
        (Script::Joined(Deed::Bytes(text("garbage \u{2028} ::error::"))), 99, &["discovery timed_out"]),
    ]);
}

#[test]
fn a_flood_of_frames_starves_no_timer() {
    let noise = text(r#"{"type":"client_count","count":1}"#);
    let hostile = Hostile::start(Script::Upgraded(Deed::Flood(noise, 100_000)));
    let played = play(&hostile.url());
    assert_eq!((played.code, played.failures()), (Some(99), vec!["discovery timed_out".to_owned()]));
    assert!(played.summary().counts.signaling.received > 0);
}
