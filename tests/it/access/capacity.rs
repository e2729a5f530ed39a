//! A search is many runs, and each of them has to get in.

use super::certificates::Authority;
use crate::common::play::PROGRAM;
use std::path::Path;
use std::process::{Command, Output};
use support::serving::Serving;

const PROFILE: &str = r#"
[rooms]
count = 2
size = 2
[arrivals]
rate = "16/s"
[phases]
steady = "0s"
drain = "0s"
[handshake]
timeout = "5s"
[messages]
pattern = "none"
[engine]
kind = "none"
[gates]
edges_failed = ["rate < 50%"]
"#;

fn meshload(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).env_clear().env("MESHLOAD_ON_INVALID", "warn").args(args);
    command.output().expect("the program starts")
}

#[test]
fn every_probe_of_a_search_gets_in_and_so_does_the_run_that_the_report_names() {
    let authority = Authority::new();
    // Nobody resolves that name, and no root of the machine's has signed it.
    let files = authority.issue("server", &["signal.example"]);
    let server = Serving::start(&["--tls-cert", &files.certificate, "--tls-key", &files.key]);
    let (ca, dialled) = (authority.file(), server.address().to_string());
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("tiny.toml"), PROFILE).expect("a profile");
    let search = ["capacity", "tiny.toml", "--to", "4", "--out", "found", "--format", "json"];
    let target = ["--target", "wss://signal.example/ws/", "--allow-target", "signal.example", "--connect-to", &dialled];
    let common = [&search[..], &target].concat();

    let output = meshload(folder.path(), &common);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(96), "without its authority: {told}");

    let output = meshload(folder.path(), &[&common[..], &["--ca", &ca]].concat());
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let probes = found["probes"].as_array().expect("probes");
    let opened = |probe: &serde_json::Value| (probe["edges_planned"] == probe["edges_opened"], probe["rooms"].as_u64());
    let opened: Vec<_> = probes.iter().map(opened).collect();
    assert!(opened.len() >= 2 && opened.iter().all(|(all, rooms)| *all && *rooms > Some(1)), "{opened:?}: {told}");
    assert_eq!(found["limit"].as_f64(), Some(4.0), "{told}");

    let run = found["reproduction"]["run"].as_str().expect("a command");
    let words: Vec<_> = run.split(' ').skip(1).chain(["--allow-target", "signal.example"]).collect();
    let output = meshload(&folder.path().join("found"), &words);
    assert_eq!(output.status.code(), Some(0), "{run}: {output:?}");
}
