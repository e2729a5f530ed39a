//! Runs that are repeated, as a script sees them: folders, seeds, the spread, and what the exit code rests on.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const TINY: [&str; 8] = ["--rooms", "2", "--room-size", "2", "--duration", "100ms", "--no-progress", "--no-gates"];

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command.current_dir(folder).env_clear().arg("run").args(TINY).args(args);
    command.output().expect("the program starts")
}

fn json(path: &Path) -> serde_json::Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn each_repeat_has_its_folder_and_its_seed_and_stdout_has_their_spread() {
    let folder = tempfile::tempdir().expect("a folder");
    // What another machine would call this one's figures is no matter here.
    let lenient = ["--set", "validity.on_invalid=warn", "--gate", "edges.opened: count == 2"];
    let output = run(folder.path(), &[&lenient[..], &["--repeat", "3", "--seed", "7", "-o", "all"]].concat());
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    for (name, seed) in [("1", 7), ("2", 8), ("3", 9)] {
        let summary = json(&folder.path().join("all").join(name).join("summary.json"));
        assert_eq!(summary["run"]["seed"], seed);
    }
    let repeats = json(&folder.path().join("all/repeats.json"));
    assert_eq!(repeats["runs"].as_array().map(Vec::len), Some(3));
    assert_eq!(repeats["gates"][0]["ok"], true);
    let p50 = &repeats["timers"]["time_to_open"]["p50"];
    assert!(p50["min_us"].as_u64() <= p50["median_us"].as_u64() && p50["median_us"].as_u64() <= p50["max_us"].as_u64());
    assert!(shown.starts_with("PASSED smoke: 3 runs") && shown.contains("Median (min to max)"), "{shown}");
    assert!(String::from_utf8_lossy(&output.stderr).ends_with("report: all\n"));
}

#[test]
fn a_gate_that_the_median_run_fails_fails_them_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let gates = ["--set", "validity.on_invalid=warn", "--gate", "edges.opened: count > 2", "--format", "json"];
    let output = run(folder.path(), &[&gates[..], &["--repeat", "3", "-q", "-o", "all"]].concat());
    assert_eq!(output.status.code(), Some(99), "{}", String::from_utf8_lossy(&output.stderr));
    let repeats: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!((&repeats["result"], &repeats["exit_code"]), (&"failed".into(), &99.into()));
}

/// The number of a total in the suite's opening tag.
fn total(junit: &str, name: &str) -> u32 {
    let rest = junit.split(&format!(" {name}=\"")).nth(1).expect("the total");
    rest.split('"').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn every_file_of_repeats_agrees_with_the_exit_code_and_is_rendered_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| fs::read_to_string(folder.path().join("all").join(name)).unwrap_or_default();
    for (gate, code, failures) in [("edges.opened: count == 2", 0, 0), ("edges.opened: count > 2", 99, 1)] {
        let gates = ["--set", "validity.on_invalid=warn", "--gate", gate, "--repeat", "3", "-q", "-o", "all"];
        let output = run(folder.path(), &gates);
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        let word = if code == 0 { "PASSED smoke" } else { "FAILED smoke" };
        assert!(file("report.md").starts_with(&format!("# meshload: {word}\n")), "{}", file("report.md"));
        assert!(file("report.html").contains(&format!("<title>{word}: 3 runs")));
        // A machine under load may call each run INVALID, which is a failure of its own.
        let invalid = u32::from(file("junit.xml").contains("every run is INVALID"));
        assert_eq!(total(&file("junit.xml"), "failures"), failures + invalid, "{}", file("junit.xml"));
        let ok = u32::from(code == 0);
        assert!(file("metrics.prom").contains(&format!("meshload_gate_ok{{gate=\"{gate}\"}} {ok}\n")));
    }
    let before = file("report.md");
    fs::remove_file(folder.path().join("all/report.md")).expect("it was there");
    let mut again = Command::new(env!("CARGO_BIN_EXE_meshload"));
    let again = again.current_dir(folder.path()).env_clear().args(["report", "all", "--report", "md"]).output();
    let again = again.expect("the program starts");
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(file("report.md"), before);
    // A single run in the same folder leaves nothing of the repeats behind that a reader would take for its own.
    run(folder.path(), &["-q", "-o", "all", "--report", "md"]);
    assert_eq!((file("repeats.json"), file("junit.xml")), (String::new(), String::new()));
}

#[test]
fn a_target_that_is_not_there_is_asked_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), &["--repeat", "5", "--target", "ws://127.0.0.1:1/", "-o", "all"]);
    assert_eq!(output.status.code(), Some(96));
    assert!(folder.path().join("all/1").exists() && !folder.path().join("all/2").exists());
}

#[test]
fn the_floor_stands_beside_each_figure() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), &["--set", "validity.on_invalid=warn", "--control", "-q", "-o", "here"]);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("ours p50") && shown.contains("is ours"), "{shown}");
    let summary = json(&folder.path().join("here/summary.json"));
    assert_eq!(summary["control"]["opened"], 2);
}
