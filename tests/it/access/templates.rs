//! Values of each peer in its upgrade request, as a server reads them.

use super::between::Between;
use crate::common::play::{PROGRAM, Played, start, start_command};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Duration;
use support::serving::Serving;

const LONGEST: Duration = Duration::from_secs(50);

const SMALL: [&str; 10] =
    ["--rooms", "2", "--room-size", "2", "--timeout", "5s", "--duration", "100ms", "--engine", "none"];

/// The values of a header in all heads, sorted.
fn values(heads: &[String], name: &str) -> Vec<String> {
    let value = |line: &str| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then(|| value.to_owned())
    };
    let mut values: Vec<_> = heads.iter().flat_map(|head| head.lines().filter_map(value)).collect();
    values.sort();
    values
}

fn play(url: &str, args: &[&str]) -> Played {
    start(&[&["--target", url], &SMALL[..], args].concat()).end_within(LONGEST)
}

#[test]
fn each_peer_shows_its_own_token_and_no_other() {
    let server = Serving::start(&[]);
    let listener = Between::listener(server.address());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tokens");
    fs::write(&file, "t-0\n\n  t-1  \nt-2\nt/3&=\nt-4\n").expect("a file");
    let url = format!("ws://{}/ws/?t={{token}}&room={{room.id}}", listener.address);
    let file = file.display().to_string();
    let played = play(&url, &["--tokens", &file, "-H", "Authorization: Bearer {token}", "-H", "X-Index: {peer.index}"]);
    assert_eq!((played.code, played.failures()), (Some(0), vec![]), "{}", played.stderr);
    let heads = listener.heard();
    assert_eq!(values(&heads, "authorization"), ["Bearer t-0", "Bearer t-1", "Bearer t-2", "Bearer t/3&="]);
    assert_eq!(values(&heads, "x-index"), ["0", "1", "2", "3"]);
    let lines: BTreeSet<_> = heads.iter().map(|head| head.split("&room=").next().unwrap_or("").to_owned()).collect();
    let expected = ["GET /ws/?t=t%2F3%26%3D", "GET /ws/?t=t-0", "GET /ws/?t=t-1", "GET /ws/?t=t-2"];
    assert_eq!(lines.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn too_few_tokens_are_told_with_both_figures_and_bad_ones_with_their_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let url = "ws://127.0.0.1:9/?t={token}";
    let check = |args: &[&str], complaint: &str| {
        let played = play(url, args);
        assert_eq!(played.code, Some(2), "{}", played.stderr);
        assert!(played.stderr.contains(complaint) && !played.stderr.contains("s3cret"), "{}", played.stderr);
    };
    check(&["--tokens", &write("few", "s3cret\ns3cret\n\ns3cret\n")], "few: 3 tokens are too few for 4 peers");
    check(&["--tokens", &write("bad", "a\nb\ns3cret x\nd")], "bad:3: a token has visible ASCII characters only");
    check(&["--tokens", "/nowhere/tokens"], "--tokens /nowhere/tokens: No such file");
    check(&[], "{token} stands for nothing: --tokens FILE has one a peer");
}

#[test]
fn tokens_that_a_probe_shows_are_its_own_peers() {
    let server = Serving::start(&[]);
    let listener = Between::listener(server.address());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tokens");
    fs::write(&file, "p-0\np-1\np-2\n").expect("a file");
    let url = format!("ws://{}/ws/?t={{token}}", listener.address);
    let probe = |more: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(["probe", "--target", &url, "--engine", "none", "--tokens"]).arg(&file).args(more);
        command.output().expect("the program starts")
    };
    let output = probe(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    let shown: BTreeSet<_> =
        listener.heard().iter().map(|head| head.split(' ').nth(1).unwrap_or("").to_owned()).collect();
    assert_eq!(shown.iter().map(String::as_str).collect::<Vec<_>>(), ["/ws/?t=p-0", "/ws/?t=p-1", "/ws/?t=p-2"]);
    let output = probe(&["--peers", "4"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("3 tokens are too few for 4 peers"));
}

#[test]
fn headers_come_from_the_line_from_files_and_from_the_environment() {
    let server = Serving::start(&[]);
    let listener = Between::listener(server.address());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("headers");
    fs::write(&file, "# of the test\nX-File: {room.id}\n\nX-Both: ${A_VALUE}-${NOT_SET:-default}\n").expect("a file");
    let mut command = Command::new("env");
    command.args(["A_VALUE=from outside", "MESHLOAD_HEADER=X-Outside: yes", PROGRAM, "run"]).args(SMALL);
    command.args(["--target", &format!("ws://{}/ws/", listener.address)]);
    command.args(["--origin", "https://${A_HOST:-a.example}", "--out", "report"]);
    let played = start_command(command).end_within(LONGEST);
    assert_eq!(played.code, Some(0), "{}", played.stderr);
    let heads = listener.heard();
    assert_eq!(values(&heads, "x-outside"), ["yes"; 4]);
    assert_eq!(values(&heads, "origin"), ["https://a.example"; 4]);

    let mut command = Command::new("env");
    command.args(["A_VALUE=from outside", PROGRAM, "run"]).args(SMALL);
    command.args(["--target", &format!("ws://{}/ws/", listener.address), "--out", "report"]);
    command.args(["-H", &format!("@{}", file.display()), "-H", "X-Line: ${A_VALUE}"]);
    let played = start_command(command).end_within(LONGEST);
    assert_eq!(played.code, Some(0), "{}", played.stderr);
    let heads = listener.heard();
    assert_eq!(values(&heads, "x-both"), ["from outside-default"; 4]);
    assert_eq!(values(&heads, "x-line"), ["from outside"; 4]);
    let rooms = values(&heads, "x-file");
    assert!(rooms.len() == 4 && rooms[0] == rooms[1] && rooms[1] != rooms[2], "{rooms:?}");
}

#[test]
fn a_file_of_headers_is_blamed_by_its_line_and_never_quoted() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("headers");
    fs::write(&file, "X-Good: yes\n\nno colon, s3cret\nUpgrade: s3cret\nX-Unset: ${NOT_SET}\n").expect("a file");
    let played = play("ws://127.0.0.1:9/", &["-H", &format!("@{}", file.display())]);
    assert_eq!(played.code, Some(2), "{}", played.stderr);
    for complaint in ["headers:3", "headers:4", "headers:5"] {
        assert!(played.stderr.contains(complaint) && !played.stderr.contains("s3cret"), "{}", played.stderr);
    }
}

#[test]
fn a_subprotocol_is_asked_for_and_a_userinfo_is_sent_as_a_header() {
    let server = Serving::start(&[]);
    let listener = Between::listener(server.address());
    let url = format!("ws://us%40er:p%3Aw@{}/ws/", listener.address);
    // The reference server speaks none, so no peer gets in; what was asked for is what counts.
    let played = play(&url, &["--subprotocol", "v1.{peer.index}"]);
    let heads = listener.heard();
    assert_eq!(values(&heads, "sec-websocket-protocol"), ["v1.0", "v1.1", "v1.2", "v1.3"]);
    assert_eq!(values(&heads, "authorization"), ["Basic dXNAZXI6cDp3"; 4]);
    assert!(values(&heads, "host").iter().all(|host| *host == listener.address.to_string()), "{heads:?}");
    assert!(played.code.is_some_and(|code| [0, 96].contains(&code)), "{}", played.stderr);
}

#[test]
fn what_is_dialled_may_be_another_host_than_the_urls() {
    let server = Serving::start(&[]);
    let listener = Between::listener(server.address());
    let address = listener.address.to_string();
    let played = play("ws://signal.example:8080/ws/", &["--connect-to", &address]);
    assert_eq!((played.code, played.failures()), (Some(0), vec![]), "{}", played.stderr);
    assert_eq!(values(&listener.heard(), "host"), ["signal.example:8080"; 4]);
    assert!(played.stdout.contains(&format!("at {address} (--connect-to)")), "{}", played.stdout);
    // Where it leads is what has to be near.
    let far = play(&server.url, &["--connect-to", "203.0.113.5:80"]);
    assert_eq!(far.code, Some(95), "{}", far.stderr);
    assert!(far.stderr.trim_end().ends_with("--allow-target 203.0.113.5"), "{}", far.stderr);
}
