//! Transports other than JSON in text frames of a WebSocket: binary frames, MessagePack, MQTT, server-sent events.

use super::changed::{builtin, run};
use super::{relay, rounds};
use meshload::summary::Summary;
use std::fs;
use support::target::{Target, is_installed};

const MQTT: &str = include_str!("dialects/mqtt.toml");
const SIGNALHUB: &str = include_str!("dialects/signalhub.toml");

/// Rooms of 4 in order and of 12 at once, on a server of their own; with MESHLOAD_ROUNDS=10 ten times, and each size in
/// each way.
fn meshes(label: &str, target: &Target, dialect: &str) {
    let usual = [("4", 6, "20/s"), ("12", 66, "1000/s")];
    let others = [("4", 6, "1000/s"), ("12", 66, "20/s")];
    let played = match rounds() {
        Some(rounds) => [usual, others].concat().repeat(rounds),
        None => usual.to_vec(),
    };
    for (size, edges, arrivals) in played {
        let Some(summary) = play(target, dialect, &["--room-size", size, "--arrivals", arrivals]) else { return };
        let counts = &summary.counts.edges;
        assert_eq!((counts.planned, counts.opened), (edges, edges), "{label} {size}: {:#?}", summary.failures);
        assert!(summary.timers["signal_delivery"].due.count > 0, "{label} {size}: {:?}", summary.timers.keys());
        assert!(summary.unmatched.is_empty(), "{label} {size}: {:#?}", summary.unmatched);
    }
}

/// Runs one room; `None` where the server is missing.
fn play(target: &Target, dialect: &str, more: &[&str]) -> Option<Summary> {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens.txt");
    fs::write(&tokens, "secret\n".repeat(12)).unwrap();
    let plan = ["--no-gates", "--rooms", "1", "--duration", "1s", "--timeout", "30s", "--tokens"];
    let (_, summary) = run(target, dialect, &[&plan[..], &[tokens.to_str().unwrap()], more].concat())?;
    assert!(!summary.contains("secret"), "{summary}");
    Some(Summary::read(&summary).unwrap())
}

fn aedes() -> Target {
    Target::script("aedes.cjs")
}

#[test]
fn binary_frames_and_message_pack_mesh() {
    for (format, line) in [("binary", "frames = \"binary\""), ("msgpack", "codec = \"msgpack\"")] {
        if format == "binary" || is_installed("@msgpack/msgpack") {
            let target = relay("channel").environment("FORMAT", format);
            meshes(format, &target, &format!("{line}\n{}", builtin("relay")));
        }
    }
}

#[test]
fn mqtt_meshes_in_both_its_versions() {
    if is_installed("aedes") {
        meshes("mqtt 3.1.1", &aedes(), MQTT);
        let version = MQTT.replace("[connect]\n", "[connect]\nversion = \"5\"\nkeep_alive = \"1s\"\n");
        meshes("mqtt 5", &Target::script("mqtt5.cjs"), &version);
        let Some(summary) = play(&aedes(), &version, &["--room-size", "2"]) else { return };
        let refused = "MQTT connect refused: unacceptable protocol version (1)";
        assert_eq!(summary.failures[0].detail, refused, "{:#?}", summary.failures);
    }
}

#[test]
fn an_mqtt_broker_that_refuses_is_quoted_and_a_token_lets_in() {
    if !is_installed("aedes") {
        return;
    }
    let target = aedes().environment("TOKEN", "secret");
    let Some(summary) = play(&target, MQTT, &["--room-size", "2"]) else { return };
    let failure = &summary.failures[0];
    let expected = ("connect", "rejected", "MQTT connect refused: not authorized (5)");
    assert_eq!((failure.phase.as_str(), failure.reason.as_str(), failure.detail.as_str()), expected);
    let with_token = MQTT.replace("[connect]\n", "[connect]\nuser = \"{me}\"\npassword = \"{token}\"\n");
    let summary = play(&target, &with_token, &["--room-size", "2"]).unwrap();
    assert_eq!(summary.counts.edges.opened, 1, "{:#?}", summary.failures);
}

#[test]
fn server_sent_events_with_posts_mesh() {
    if is_installed("signalhub") {
        meshes("signalhub", &Target::script("signalhub.cjs"), SIGNALHUB);
    }
}
