//! Which targets a run may load, and waiting for one that is not up yet.

use super::hostile::{Deed, Hostile, Script};
use crate::common::play::{start, start_without_network};
use std::fs;
use std::net::TcpListener;
use std::time::Duration;
use support::serving::Serving;

const QUICKLY: Duration = Duration::from_secs(10);

const SMALL: [&str; 8] = ["--rooms", "1", "--room-size", "2", "--duration", "100ms", "--timeout", "1s"];

#[test]
fn a_far_target_is_refused_with_the_option_to_paste_and_leaves_nothing() {
    let played = start(&["--target", "ws://203.0.113.5/ws/"]).end_within(QUICKLY);
    assert_eq!((played.code, played.stdout.as_str()), (Some(95), ""));
    assert!(played.stderr.trim_end().ends_with("--allow-target 203.0.113.5"), "{}", played.stderr);
    assert_eq!(fs::read_dir(played.folder.path()).expect("a folder").count(), 0);
}

#[test]
fn bad_usage_leaves_nothing() {
    for args in [&["--rooms", "0"][..], &["--no-such-option"], &["--rooms", "1000000", "--room-size", "1000"]] {
        let played = start(args).end_within(QUICKLY);
        assert_eq!(played.code, Some(2), "{args:?} {}", played.stderr);
        assert_eq!(fs::read_dir(played.folder.path()).expect("a folder").count(), 0, "{args:?}");
    }
}

#[test]
fn a_far_target_that_was_named_is_tried() {
    let args = ["--target", "ws://203.0.113.5/ws/", "--allow-target", "203.0.113.5", "--engine", "none"];
    let Some(playing) = start_without_network(&[&args, &SMALL[..]].concat()) else { return };
    let played = playing.end_within(QUICKLY);
    assert_eq!((played.code, played.failures()), (Some(96), vec!["connect refused ENETUNREACH".to_owned()]));
}

#[test]
fn a_target_that_comes_up_later_is_waited_for() {
    // Bound and not listening: a port that refuses until the server takes it.
    let address = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let url = format!("ws://{address}/ws/");
    let playing = start(&[&["--target", &url, "--wait-for-target", "30s"], &SMALL[..]].concat());
    playing.wait_for(&["2 peers in 1 room"]);
    let began = std::time::Instant::now();
    while began.elapsed() < Duration::from_secs(1) {
        // It is given time to knock in vain: that is what is tested.
        std::thread::sleep(Duration::from_millis(100));
    }
    let _server = Serving::start(&["--listen", &address.to_string()]);
    let played = playing.end_within(Duration::from_secs(30));
    assert_eq!((played.code, played.failures()), (Some(0), vec![]), "{}", played.stderr);
    let connect = &played.summary().timers["connect"].due;
    assert!(connect.max_us < 1_000_000, "the wait is not measured: {connect:?}");
}

#[test]
fn a_target_that_never_comes_up_is_waited_for_as_long_as_was_asked() {
    let hostile = Hostile::start(Script::Silence);
    let played = start(&[&["--target", &hostile.url(), "--wait-for-target", "500ms"], &SMALL[..]].concat());
    let played = played.end_within(Duration::from_secs(20));
    assert_eq!((played.code, played.failures()), (Some(96), vec!["connect timed_out".to_owned()]));
}

#[test]
fn channels_outlive_a_server_that_is_killed() {
    let mut server = Serving::start(&[]);
    let args = ["--target", &server.url.clone(), "--rooms", "2", "--room-size", "3", "--duration", "8s"];
    let playing = start(&args);
    playing.wait_for(&["steady", "edges 6/6"]);
    server.child.kill().expect("it runs");
    let played = playing.end_within(Duration::from_secs(30));
    let counts = &played.summary().counts;
    // The channels live, and yet a run whose peers have no server in the end is failed (docs/spec/measurement.md).
    assert_eq!((played.code, counts.edges.opened, counts.edges.closed_early), (Some(99), 6, 0), "{}", played.stderr);
    // The second half of the steady phase talks as much as the first.
    assert!(counts.messages.delivered > 80, "{:?}", counts.messages);
}

#[test]
fn a_server_that_is_killed_while_peers_arrive_is_told_by_phase_and_reason() {
    let mut server = Serving::start(&[]);
    let url = server.url.clone();
    let args = ["--target", &url, "--rooms", "6", "--room-size", "2", "--arrivals", "1/s", "--timeout", "2s"];
    let playing = start(&args);
    playing.wait_for(&["ramp", "edges"]);
    server.child.kill().expect("it runs");
    let played = playing.end_within(Duration::from_secs(40));
    let counts = &played.summary().counts;
    assert_eq!(played.code, Some(99), "{}", played.stderr);
    assert!(counts.edges.opened >= 1 && counts.edges.failed >= 1, "{counts:?}");
    assert!(played.failures().contains(&"connect refused ECONNREFUSED".to_owned()), "{:?}", played.failures());
}

#[test]
fn a_server_that_upgrades_and_resets_was_reached() {
    let hostile = Hostile::start(Script::Upgraded(Deed::Reset));
    let played = start(&[&["--target", &hostile.url()], &SMALL[..]].concat()).end_within(QUICKLY);
    assert_eq!(played.code, Some(99), "{}", played.stderr);
    assert!(hostile.arrivals.try_iter().count() >= 2);
}
