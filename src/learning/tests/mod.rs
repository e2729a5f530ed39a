//! Recordings of every built-in dialect against its real server, learned from.
//! `UPDATE=1 cargo test --test targets learned` records them anew.

use super::*;
use crate::recording;
use crate::vocabulary::Seed;
use std::fs;
use std::path::PathBuf;

fn talk(name: &str) -> Recording {
    read("talks", name)
}

fn read(folder: &str, name: &str) -> Recording {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "src/learning/tests", folder].iter().collect();
    recording::read(&fs::read_to_string(folder.join(name).with_extension("har")).unwrap()).unwrap()
}

fn learned(recordings: Vec<Recording>) -> LearnedDialect {
    learn(recordings, "mine", None, Instant::now()).unwrap()
}

#[track_caller]
fn is_whole(learned: &LearnedDialect) {
    let ReplayResult { heard, understood, said, written, faults } = &learned.replay;
    assert!(learned.problems.is_empty() && learned.holes.is_empty(), "{learned:#?}");
    assert!(faults.is_empty() && heard == understood && said == written && *said > 0, "{learned:#?}");
}

/// No part of a description or a candidate is in the file, nor anything that was masked.
#[track_caller]
fn is_clean(text: &str) {
    for word in ["v=0\\r", "a=ice", "fingerprint:", "candidate:", "masked-"] {
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(word)).collect();
        assert!(lines.is_empty(), "{word}: {lines:#?}");
    }
}

#[test]
fn every_protocol_but_one_is_learned_whole() {
    let names = [
        "dashboard",
        "matchbox",
        "peerjs",
        "relay",
        "relay-global",
        "relay-open",
        "simple-signal",
        "socketio-addpeer",
        "y-webrtc",
    ];
    for name in names {
        let learned = learned(vec![talk(name)]);
        is_whole(&learned);
        is_clean(&learned.text);
        // The port is another recording's own; the rest is the same each time.
        let lines: Vec<&str> = learned.text.lines().filter(|line| !line.starts_with("sample = ")).collect();
        insta::assert_snapshot!(name, lines.join("\n"));
    }
}

/// Recordings of the clients themselves in Chromium 156: peerjs 1.5.5 (two tabs), y-webrtc 10.3.0 and simple-peer 9.11.1
/// over Socket.IO 4.8.4, which polls over HTTP before its WebSocket (three tabs each), by tests/targets/clients.cjs.
#[test]
fn what_the_libraries_themselves_say_is_learned_whole() {
    for name in ["peerjs", "y-webrtc", "simple-peer"] {
        let learned = learned(vec![read("clients", name)]);
        is_whole(&learned);
        is_clean(&learned.text);
    }
}

/// A tracker deals out offers that have no addressee: the file says so, and shows the frame.
#[test]
fn a_hole_is_a_line_in_the_file_with_the_frame_beside_it() {
    let learned = learned(vec![talk("webtorrent-tracker")]);
    assert!(learned.problems.is_empty(), "{:#?}", learned.problems);
    let mut lines = learned.text.lines().skip_while(|line| !line.starts_with("# TODO offers in a list"));
    assert!(lines.next().is_some() && lines.next().unwrap().contains(r#">> {"action":"announce""#), "{}", learned.text);
    assert_eq!(learned.holes.len(), 1);
    is_clean(&learned.text);
}

/// The developer tools of each tab save a file of their own.
#[test]
fn a_file_of_each_tab_is_as_good_as_one_of_all() {
    let whole = talk("relay");
    let parts =
        whole.exchanges.iter().map(|exchange| Recording { exchanges: vec![exchange.clone()], ..Recording::default() });
    assert_eq!(learned(parts.rev().collect()).text, learned(vec![whole]).text);
}

#[test]
fn two_peers_are_enough() {
    for name in
        ["relay", "relay-open", "y-webrtc", "peerjs", "matchbox", "simple-signal", "socketio-addpeer", "dashboard"]
    {
        let mut recording = talk(name);
        let third_us = recording.exchanges[2].began_us;
        recording.exchanges.truncate(2);
        for exchange in &mut recording.exchanges {
            exchange.frames.get_or_insert_default().retain(|frame| frame.at_us < third_us);
        }
        is_whole(&learned(vec![recording]));
    }
}

/// On a server that tells everybody everything, others' offers may come before this peer has said a word.
#[test]
fn a_join_after_what_others_said_is_a_join() {
    let mut recording = talk("relay-global");
    let joined_us = recording.exchanges[2].frames.as_ref().unwrap()[0].at_us;
    let mut overheard = recording.exchanges[0].frames.as_ref().unwrap()[1..6].to_vec();
    overheard.iter_mut().for_each(|frame| (frame.sent, frame.at_us) = (false, joined_us - 1));
    recording.exchanges[2].frames.as_mut().unwrap().splice(0..0, overheard);
    is_whole(&learned(vec![recording]));
}

/// A token that the page sends is a hole of its own, and no file has it.
#[test]
fn a_secret_of_the_client_becomes_a_token() {
    let mut recording = talk("relay");
    for (number, exchange) in recording.exchanges.iter_mut().enumerate() {
        let frames = exchange.frames.iter_mut().flatten();
        for frame in frames.filter(|frame| frame.sent) {
            if let recording::FramePayload::Text(text) = &mut frame.payload {
                *text = text.replacen(
                    "{\"type\":\"join\"",
                    &format!("{{\"type\":\"join\",\"authToken\":\"s3cret-{number}\""),
                    1,
                );
            }
        }
        exchange.request.headers.push(("Cookie".to_owned(), "sid=0123456789abcdef".to_owned()));
    }
    let learned = learned(vec![recording]);
    assert!(learned.text.contains(r#"authToken = "{token}""#), "{}", learned.text);
    assert!(learned.text.contains(r#"headers = { Cookie = "sid={token}" }"#), "{}", learned.text);
    assert!(!learned.text.contains("s3cret") && !learned.table.contains("s3cret"), "{}", learned.table);
    assert!(!learned.text.contains("0123456789abcdef"));
    assert_eq!(learned.holes.len(), 2, "{:?}", learned.holes);
}

#[test]
fn recordings_without_a_meeting_are_refused_in_a_sentence() {
    let refused = |recording: Recording| learn(vec![recording], "mine", None, Instant::now()).unwrap_err();
    assert_eq!(refused(Recording::default()), "no WebSocket is in the recording");
    let mut one = talk("relay");
    one.exchanges.truncate(1);
    assert!(refused(one).starts_with("an SDP that one connection sent is received by no other"));
    let mut silent = talk("relay");
    silent.exchanges.iter_mut().for_each(|exchange| exchange.frames = Some(vec![]));
    assert!(refused(silent).starts_with("no frame has an SDP"));
}

/// Frames lost, repeated, cut and swapped: whatever comes of it, it is an answer.
#[test]
fn no_recording_makes_the_learner_panic() {
    use rand::RngExt;
    for (round, name) in
        ["relay", "peerjs", "simple-signal", "y-webrtc", "webtorrent-tracker"].into_iter().cycle().take(100).enumerate()
    {
        let mut draws = Seed(round as u64).stream("garbled", 0);
        let mut recording = talk(name);
        for frame in recording.exchanges.iter_mut().flat_map(|exchange| exchange.frames.iter_mut().flatten()) {
            let recording::FramePayload::Text(text) = &mut frame.payload else { continue };
            match draws.random_range(0..12_u8) {
                0 => text.clear(),
                1 => text.truncate(text.floor_char_boundary(draws.random_range(0..=text.len()))),
                2 => *text = text.replace("v=0", "v=1"),
                3 => *text = format!("[{text},{text}]"),
                4 => frame.sent = !frame.sent,
                5 => frame.at_us += draws.random_range(0..5_000_000_u64),
                _ => {}
            }
        }
        let _answer = learn(vec![recording], "mine", None, Instant::now());
    }
}

#[test]
fn a_replay_takes_the_id_of_the_file_and_no_word_of_the_protocol() {
    let file = |id: &str| format!("name = \"x\"\n{id}\n[vars]\nid = \"{{random:3}}\"\n");
    assert_eq!(for_replay(&file("id = \"{random:9}\"")), file(""));
    assert_eq!(for_replay(&file("id = \"server\"")), file("id = \"server\""));
}
