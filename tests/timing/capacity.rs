//! `meshload capacity` as a script sees it: what it exits with, what it prints, what it leaves.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Rooms of two that arrive within half a second at a server that takes so many frames a second. Other people's work
/// on this machine must not decide a test, so that every probe counts.
const PROFILE: &str = r#"
name = "tiny"
[rooms]
count = 4
size = 2
[arrivals]
rate = "16/s"
[phases]
steady = "0s"
drain = "0s"
[handshake]
timeout = "1500ms"
[messages]
pattern = "none"
[engine]
kind = "none"
[validity]
on_invalid = "warn"
[faults]
rules = ["capacity 200/s"]
[gates]
edges_failed = ["rate < 50%"]
"#;

fn capacity(folder: &Path, args: &[&str]) -> Output {
    fs::write(folder.join("tiny.toml"), PROFILE).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command.current_dir(folder).env_clear().args(["capacity", "tiny.toml", "--out", "found"]).args(args);
    command.output().unwrap()
}

fn check(args: &[&str], code: i32, stderr: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = capacity(folder.path(), args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert!(said.contains(stderr), "{args:?}: {said}");
}

#[test]
fn a_target_that_breaks_is_the_limit_and_the_folder_holds_the_report() {
    let _machine = crate::beside_its_like();
    let folder = tempfile::tempdir().unwrap();
    let output = capacity(folder.path(), &["--format", "json", "--resolution", "50%", "--to", "4000"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["limited_by"], "target", "{said}");
    let (held, broke) = (found["bracket"]["held"].as_f64().unwrap(), found["bracket"]["broke"].as_f64().unwrap());
    assert_eq!(found["limit"].as_f64(), Some(held));
    // Some twenty frames a room: 200/s serve tens of rooms within the timeout, and never hundreds.
    assert!(held < broke && broke <= 1.5 * held + 1.0 && (8.0..400.0).contains(&held), "{held} {broke} {said}");
    assert!(found["probes"].as_array().unwrap().len() >= 5 && found["model"]["says"][0].is_string());
    assert!(found["held_trials"].as_u64().unwrap() >= 3 || found["stopped_by"] == "budget", "{found:#}");

    let read = |name: &str| fs::read_to_string(folder.path().join("found").join(name)).unwrap();
    assert_eq!(read("capacity.json").as_bytes(), output.stdout);
    let sentence = found["sentence"].as_str().unwrap();
    assert!(sentence.starts_with(&format!("holds {held} rooms of 2 (")), "{sentence}");
    assert!(read("report.html").contains("The knee") && read("report.md").contains("What if"));
    assert!(read("profile.toml").contains("capacity 200/s"));
}

#[test]
fn a_lowest_load_that_fails_already_is_99() {
    let _machine = crate::beside_its_like();
    check(&["--set", "faults.rules=[\"drop\"]"], 99, "broke, edges_failed");
}

#[test]
fn a_requirement_that_is_missed_is_99_and_one_that_is_met_is_not() {
    let _machine = crate::beside_its_like();
    check(&["--to", "5", "--require", "5"], 0, "held");
    check(&["--require", "3000", "--resolution", "90%", "--from", "16"], 99, "broke");
}

#[test]
fn a_budget_that_is_spent_leaves_what_is_known() {
    let _machine = crate::beside_its_like();
    check(&["--budget", "1ms"], 0, "held");
}

#[test]
fn what_makes_no_search_is_named() {
    let _machine = crate::beside_its_like();
    check(&["--from", "8", "--to", "4"], 2, "--from 8 is above --to 4");
    check(&["--to", "2"], 2, "--to 2 is below the profile's own 4, where the search begins: give --from as well");
    check(&["--from", "0"], 2, "expected a number above 0");
    check(&["--from", "4/s"], 2, "--from 4/s: rooms are a number, not a rate");
    check(&["--vary", "arrivals", "--from", "4/fortnight"], 2, "a rate is per s, min or h");
    check(&["--vary", "arrivals", "--from", "1/h", "--to", "2000000/s"], 2, "arrivals go from 1/h to 1000000");
    check(&["--no-gates"], 2, "--gate 'time_to_open: p(95) < 800ms'");
    check(&["--to", "8", "--require", "9"], 2, "--require 9 is above --to 8");
    check(&["--from", "2.5"], 2, "rooms come in whole numbers");
    check(&["--vary", "room-size", "--from", "1"], 2, "room-size go from 2 to 10000");
    check(&["--vary", "message-rate"], 2, "the engine none opens no channels");
    let lean = ["--vary", "message-rate", "--set", "engine.kind=\"lean\"", "--duration", "1s"];
    check(&lean, 2, "the profile sends no messages");
    check(&[&lean[..], &["--set", "messages.pattern=\"broadcast\""]].concat(), 2, "no gate is on messages");
    check(&["--target-pid", "4294967295"], 2, "--target-pid");
    check(&["--vary", "colour"], 2, "message-rate");
}

#[test]
fn a_gate_that_cannot_be_judged_is_neither_held_nor_broken() {
    let _machine = crate::beside_its_like();
    let few = ["--gate", "time_to_open: p(95) < 1400ms"];
    check(
        &few,
        2,
        "4 rooms of 2: 4 samples after the warm-up for the gate time_to_open: p(95) < 1400ms, which needs 20",
    );
    check(&few, 2, "begin with --from 32");
    check(&[&few[..], &["--to", "8"]].concat(), 2, "more rooms (--rooms) or a shorter warm-up (--warmup) give it more");
    // What only a run can tell: nobody leaves, so nobody notices.
    check(&["--gate", "leave_notice: max < 1s"], 2, "so leave the gate out");
}

#[test]
fn an_interrupt_gives_the_bracket_known_so_far() {
    let _machine = crate::beside_its_like();
    use std::io::{BufRead, BufReader, Read};
    use std::process::Stdio;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.toml"), PROFILE).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_meshload"))
        .current_dir(folder.path())
        .args(["capacity", "tiny.toml", "--format", "json", "--out", "found"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("held") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended before a probe held");
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let found: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&found["stopped_by"], found["bracket"]["held"].is_f64()), (&"signal".into(), true));
    assert!(folder.path().join("found/capacity.json").exists());
}

/// Result of a short search, with every file that it writes.
fn found(folder: &Path, args: &[&str]) -> serde_json::Value {
    let output = capacity(folder, &[&["--format", "json"], args].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    println!("{args:?}: {}", found["sentence"]);
    found
}

#[test]
fn rooms_grow_until_the_server_lags() {
    let _machine = crate::beside_its_like();
    let folder = tempfile::tempdir().unwrap();
    let found = found(folder.path(), &["--vary", "room-size", "--to", "40", "--resolution", "40%"]);
    let (held, sentence) = (found["limit"].as_f64().unwrap(), found["sentence"].as_str().unwrap());
    assert_eq!(found["limited_by"], "target", "{sentence}");
    let start =
        format!("holds 4 rooms of {held} ({} peers) with edges_failed below 50%; plan for rooms of ", 4.0 * held);
    assert!(sentence.starts_with(&start), "{sentence}");
}

#[test]
fn arrivals_come_faster_until_the_server_lags() {
    let _machine = crate::beside_its_like();
    let folder = tempfile::tempdir().unwrap();
    let args = ["--vary", "arrivals", "--rooms", "40", "--from", "16/s", "--to", "400/s", "--resolution", "90%"];
    let found = found(folder.path(), &args);
    let sentence = found["sentence"].as_str().unwrap();
    assert_eq!(found["limited_by"], "target", "{sentence}");
    assert!(sentence.contains(" peers/s (80 peers) with edges_failed below 50%; plan for "), "{sentence}");
    assert!((16.0..400.0).contains(&found["limit"].as_f64().unwrap()), "{sentence}");
    assert!(found["reproduction"]["run"].as_str().unwrap().contains("--arrivals "), "{found:#}");
}

#[test]
fn messages_come_faster_and_what_held_is_at_least() {
    let _machine = crate::beside_its_like();
    let folder = tempfile::tempdir().unwrap();
    let lean =
        ["--vary", "message-rate", "--set", "engine.kind=\"lean\"", "--duration", "2s", "--set", "faults.rules=[]"];
    let messages = ["--set", "messages.pattern=\"broadcast\"", "--set", "handshake.timeout=\"10s\""];
    let gate = ["--gate", "message_latency: p(95) < 5s", "--from", "5/s", "--to", "20/s"];
    let found = found(folder.path(), &[&lean[..], &messages, &gate].concat());
    let sentence = found["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("holds at least 20 messages/s on each channel ("), "{sentence}");
    assert_eq!(found["limited_by"], "range", "{sentence}");
}

#[test]
fn another_search_stands_beside_and_the_report_is_rendered_again() {
    let _machine = crate::beside_its_like();
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| fs::read_to_string(folder.path().join("found").join(name)).unwrap();
    let report = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
        command.current_dir(folder.path()).env_clear().arg("report").args(args).output().unwrap()
    };
    found(folder.path(), &["--to", "8"]);
    fs::rename(folder.path().join("found"), folder.path().join("addressed")).unwrap();
    let output = capacity(folder.path(), &["--to", "8", "--room-size", "3", "--beside", "addressed"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    for words in
        ["this search", "beside it", "at least 8 rooms of 2", "at least 8 rooms of 3", "peers in a room, 3 and 2"]
    {
        assert!(said.contains(words), "{words:?} in {said}");
    }
    assert!(read("report.html").contains("the search beside") && read("report.md").contains("## Side by side"));

    let again = report(&["found"]);
    assert_eq!((again.status.code(), again.stdout), (Some(0), output.stdout));
    let page = read("report.html");
    fs::remove_file(folder.path().join("found/report.html")).unwrap();
    assert_eq!(report(&["found/capacity.json", "--report", "html"]).status.code(), Some(0));
    assert_eq!(read("report.html"), page);

    for (args, why) in [
        (&["."][..], "holds none of repeats.json, summary.json, capacity.json, compare.json"),
        (&["found", "--report", "junit"], "--report junit: this result has html, md"),
        (&["tiny.toml"], "tiny.toml: "),
    ] {
        let output = report(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(why), "{args:?}: {said}");
    }
    check(&["--beside", "nowhere"], 2, "nowhere: ");
}
