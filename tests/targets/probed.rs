//! The probe against every real server: healthy, it says so; with a fault, it names the fault and nothing else.

use super::{addpeer, matchbox, peerjs, relay, simple_signal, tracker, y_webrtc};
use serde_json::Value;
use std::process::{Command, Output};
use std::thread;
use support::target::{Running, Target};

pub fn probe(dialect: &str, target: &Target, server: &Running, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command.args(["probe", "--quiet", "--format", "json", "--timeout", "2s", "--dialect", dialect]);
    command.args(["--target", &target.url(server)]).args(more).output().unwrap()
}

pub fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Probes a server, and gives the report if the cause and the exit code are right.
fn check(dialect: &str, target: &Target, cause: &str, code: i32, more: &[&str]) -> Option<Value> {
    let server = target.start()?;
    let output = probe(dialect, target, &server, more);
    let report = report(&output);
    let diagnosis = &report["diagnosis"];
    println!("{dialect}: {diagnosis}");
    assert_eq!((diagnosis["cause"].as_str(), output.status.code()), (Some(cause), Some(code)), "{dialect}: {report:#}");
    assert!(report["planned"].as_u64() > Some(0), "{dialect}: nothing was tried: {report:#}");
    // A healthy server gets no finding but what was not tested.
    let found = report["findings"].as_array().unwrap();
    assert!(cause != "none" || found.iter().all(|found| found["id"] == "untested"), "{dialect}: {found:#?}");
    Some(report)
}

#[test]
fn a_healthy_server_of_each_kind_works_and_is_blamed_for_nothing() {
    check("peerjs", &peerjs(), "none", 0, &[]);
    check("socketio-addpeer", &addpeer(), "none", 0, &[]);
    check("simple-signal", &simple_signal(), "none", 0, &[]);
    check("y-webrtc", &y_webrtc(), "none", 0, &[]);
    check("webtorrent-tracker", &tracker(), "none", 0, &[]);
    check("matchbox", &matchbox(), "none", 0, &[]);
    for shape in ["channel", "global", "open"] {
        let dialect = if shape == "channel" { "relay".to_owned() } else { format!("relay-{shape}") };
        check(&dialect, &relay(shape), "none", 0, &[]);
    }
}

/// The handler awaits before it registers its own handlers: a join said at once is lost, and nothing says so.
#[test]
fn a_join_that_is_said_at_once_and_lost_is_told_from_a_late_subscription() {
    let late = addpeer().environment("LATE", "always").environment("LATE_MS", "300");
    let Some(report) = check("socketio-addpeer", &late, "connection", 99, &["--try-remedies"]) else { return };
    assert_eq!(
        (&report["diagnosis"]["phase"], &report["diagnosis"]["confidence"]),
        (&"discovery".into(), &"high".into())
    );
    let evidence = report["diagnosis"]["evidence"][0].as_str().unwrap();
    assert!(evidence.starts_with("`join`, said ") && evidence.contains("had no effect; the same `join`"), "{evidence}");
    let wait = &report["remedies"][0];
    assert!(wait["remedy"].as_str().unwrap().contains("before `join`") && wait["worked"] == true, "{report:#}");
}

#[test]
fn a_fault_of_each_kind_is_named_in_the_words_of_its_own_dialect() {
    let cases = [
        ("peerjs", peerjs().losing("OFFER", Some(1)), "lost-first-offer"),
        ("peerjs", peerjs().losing("ANSWER", None), "no-answer"),
        ("y-webrtc", y_webrtc().losing("\"type\":\"answer\"", None), "no-answer"),
        ("simple-signal", simple_signal().losing("\"type\":\"answer\"", None), "no-answer"),
        ("socketio-addpeer", addpeer().losing("iceCandidate", None), "candidate-drop"),
        ("webtorrent-tracker", tracker().losing("\"answer\":", None), "no-answer"),
        ("relay", relay("channel").losing("\"candidate\",", None), "candidate-drop"),
    ];
    let judge = |(dialect, target, cause): (&str, Target, &str)| {
        let Some(report) = check(dialect, &target, cause, 99, &[]) else { return };
        let said = report["diagnosis"].to_string();
        assert!(!said.contains("webrtc-") && !said.contains("peer-ready"), "{dialect}: {said}");
    };
    // Each mostly waits.
    thread::scope(|scope| cases.into_iter().for_each(|case| _ = scope.spawn(move || judge(case))));
}

/// Whatever is done to candidates is told with its fields, also when these peers forgive it; no firewall is to blame.
#[test]
fn altered_candidates_are_told_and_not_blamed_on_the_network() {
    let cases = [
        ("mid", 0, Value::Null, "sdpMid in ", "A browser refuses"),
        ("bare", 0, Value::Null, "sdpMid in ", "A browser refuses"),
        ("mdns", 99, "ice".into(), "became \"b5e6.local\"", "A browser can't use"),
        ("drop-host", 99, "ice".into(), "became \"\"", "A browser takes"),
    ];
    for (mode, code, phase, change, effect) in cases {
        let mangled = relay("channel").environment("MANGLE", mode);
        let Some(report) = check("relay", &mangled, "altered-candidates", code, &[]) else { return };
        assert_eq!(report["diagnosis"]["phase"], phase, "{mode}");
        let evidence = report["diagnosis"]["evidence"][0].as_str().unwrap();
        assert!(evidence.contains(change) && evidence.contains(effect), "{mode}: {evidence}");
    }
}

/// Without --dialect the dashboard is spoken: the verdict names what the server speaks.
#[test]
fn a_server_of_another_protocol_is_named_with_the_dialect_that_fits() {
    for (target, fits) in [(peerjs(), "--dialect peerjs"), (addpeer(), "--dialect socketio-addpeer")] {
        let Some(server) = target.start() else { return };
        let output = probe("dashboard", &target, &server, &[]);
        let report = report(&output);
        let diagnosis = &report["diagnosis"];
        println!("{diagnosis}");
        assert_eq!(diagnosis["cause"], "wrong-dialect", "{report:#}");
        assert!(diagnosis["evidence"].to_string().contains(fits), "{diagnosis}");
    }
}

/// A server that ignores what it can't read, and says nothing first: nothing rules out that it speaks another protocol.
#[test]
fn a_server_that_never_says_a_word_is_not_blamed_for_losing_frames() {
    for target in [y_webrtc(), relay("open")] {
        let Some(report) = check("dashboard", &target, "unknown", 99, &[]) else { return };
        let evidence = report["diagnosis"]["evidence"].to_string();
        assert!(evidence.contains("wrong-dialect") && evidence.contains("No frame ever came"), "{report:#}");
    }
}

/// PeerJS closes a client without an id, again and again: no loss of the server, and no rule that a built-in lacks.
#[test]
fn a_run_on_a_server_of_another_protocol_blames_the_dialect_alone() {
    for (target, fits) in [(peerjs(), "Try --dialect peerjs."), (tracker(), "Try --dialect webtorrent-tracker.")] {
        let Some(server) = target.start() else { continue };
        let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
        command.args(["run", "--quiet", "--format", "json", "--rooms", "2", "--room-size", "3", "--timeout", "2s"]);
        command.args(["--duration", "1s", "--report", "none", "--target", &target.url(&server)]);
        let summary = report(&command.output().unwrap());
        let found: Vec<_> = summary["findings"].as_array().unwrap().iter().collect();
        let brief: Vec<_> = found.iter().map(|found| (&found["id"], &found["remedy"])).collect();
        assert_eq!(brief, [(&"wrong-dialect".into(), &fits.into())], "{summary:#}");
        let causes = summary["failures"].as_array().unwrap().iter().map(|row| &row["cause"]);
        assert!(causes.clone().count() > 0 && causes.clone().all(|cause| cause == "wrong-dialect"), "{summary:#}");
        assert_eq!(summary["diagnosis"], Value::Null);
    }
}

/// With a fault, so that the probe makes its experiments and tries remedies.
#[test]
fn nothing_but_the_dialects_own_frames_reaches_the_server() {
    let strict = relay("channel").environment("STRICT", "yes").losing("\"candidate\",", None);
    let Some(report) = check("relay", &strict, "candidate-drop", 99, &["--try-remedies"]) else { return };
    let remedies = report["remedies"].as_array().unwrap();
    assert!(!remedies.is_empty() && !report.to_string().contains("REFUSED"), "the server has ended: {report:#}");
}

#[test]
fn a_trigger_is_only_for_dialects_that_have_one() {
    let target = relay("channel");
    let Some(server) = target.start() else { return };
    let output = probe("relay", &target, &server, &["--trigger", "peer-ready"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
