//! Our own peers through `meshload record`, a dialect learned from the recording, and a room of four that meets by it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::recording::{RecordingProcess, learn, learn_whole, probe};
use support::target::Target;

/// Records three peers of `dialect`, learns from them, and probes a room of four. With UPDATE=1 the recording becomes the
/// one that src/learning/tests learns from, long enough for keep-alives.
pub fn check(dialect: &str, target: &Target) {
    let Some(server) = target.start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (har, file) = (folder.path().join("talk.har"), folder.path().join("mine.toml"));
    let updates = std::env::var_os("UPDATE").is_some();
    let (shown, told) = record(dialect, &target.url(&server), &har, if updates { "12s" } else { "0s" });
    assert!(shown.contains("  A  >> ") || dialect == "peerjs", "{shown}");
    assert!(told.contains("3 WebSocket connections, ") && told.contains("next: meshload dialects learn "), "{told}");
    let has_hole = dialect == "webtorrent-tracker";
    let understood = if has_hole { learn(&[&har], &file) } else { learn_whole(&[&har], &file) };
    println!("{dialect}: {understood}");
    if updates {
        let kept: PathBuf = [env!("CARGO_MANIFEST_DIR"), "src/learning/tests/talks", dialect].iter().collect();
        std::fs::copy(&har, kept.with_extension("har")).unwrap();
    }
    if has_hole {
        assert!(understood.contains("TODO: offers in a list"), "{understood}");
        return;
    }
    probe(&file, &target.url(&server), "4");
}

/// Learns from the recording of a client library in a browser, and probes a room of four on the server that it is for.
pub fn check_client(library: &str, target: &Target) {
    let Some(server) = target.start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let recording: PathBuf = [env!("CARGO_MANIFEST_DIR"), "src/learning/tests/clients", library].iter().collect();
    let (har, file) = (recording.with_extension("har"), folder.path().join("mine.toml"));
    learn_whole(&[&har], &file);
    probe(&file, &target.url(&server), "4");
}

/// Plays a room of three through the proxy; returns what it showed and told.
fn record(dialect: &str, url: &str, har: &Path, steady: &str) -> (String, String) {
    let proxy = RecordingProcess::start(url, har);
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command.args([
        "run",
        "--rooms",
        "1",
        "--room-size",
        "3",
        "--arrivals",
        "4/s",
        "--no-gates",
        "--on-invalid",
        "warn",
    ]);
    command.args([
        "--set",
        "messages.pattern=none",
        "--duration",
        steady,
        "--dialect",
        dialect,
        "--target",
        &proxy.url,
    ]);
    command.args(["--report", "none", "--quiet", "--out"]).arg(har.with_extension("run"));
    let status = command.stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{dialect}: {status}");
    proxy.interrupt()
}
