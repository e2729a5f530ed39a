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
    assert!(sentence.starts_with(&format!("holds {held} rooms of 2 at ")), "{sentence}");
    assert!(read("report.html").contains("The knee") && read("report.md").contains("What if"));
    assert!(read("profile.toml").contains("capacity 200/s"));
}

#[test]
fn a_lowest_load_that_fails_already_is_99() {
    check(&["--set", "faults.rules=[\"drop\"]"], 99, "broke edges_failed");
}

#[test]
fn a_requirement_that_is_missed_is_99_and_one_that_is_met_is_not() {
    check(&["--to", "5", "--require", "5"], 0, "held");
    check(&["--require", "3000", "--resolution", "90%", "--from", "16"], 99, "broke");
}

#[test]
fn a_budget_that_is_spent_leaves_what_is_known() {
    check(&["--budget", "1ms"], 0, "held");
}

#[test]
fn what_makes_no_search_is_named() {
    check(&["--from", "8", "--to", "4"], 2, "--from 8 is above --to 4");
    check(&["--to", "8", "--require", "9"], 2, "--require 9 is above --to 8");
    check(&["--from", "2.5"], 2, "rooms come in whole numbers");
    check(&["--vary", "room-size", "--from", "1"], 2, "room-size go from 2 to 10000");
    check(&["--vary", "message-rate"], 2, "the profile sends no messages");
    check(&["--target-pid", "4294967295"], 2, "--target-pid");
    check(&["--vary", "colour"], 2, "message-rate");
}

#[test]
fn an_interrupt_gives_the_bracket_known_so_far() {
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
