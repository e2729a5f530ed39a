//! A server that says no to one pair: that edge fails at once, by the server's own word, and `run` and `probe` tell it.

use meshload::dialect::builtins;
use meshload::summary::Summary;
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use support::relay::{self, Audience};

/// Rule that the dialect `relay` lacks: the server's notice that an addressee is not there.
const GONE: &str = r#"
[[on]]
match = { type = "gone", channel = "{room}", data = { from = "{from}" } }
error = "the addressee is gone"
class = "pair"
of = "{from}"
"#;

fn play(folder: &tempfile::TempDir, command: &str, more: &[&str]) -> Output {
    let relay = builtins().iter().find(|built_in| built_in.name == "relay").unwrap();
    std::fs::write(folder.path().join("mine.toml"), [relay.text, GONE].concat()).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_meshload"));
    program.args([command, "--dialect", "./mine.toml", "--target", &relay::start(Audience::NotOffers)]).args(more);
    program.current_dir(folder.path()).output().unwrap()
}

#[test]
fn a_run_counts_each_pair_that_was_refused_under_the_servers_word_and_waits_for_no_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let args = ["--rooms", "2", "--room-size", "4", "--timeout", "30s", "--duration", "500ms", "--out", "report"];
    let output = play(&folder, "run", &[&args[..], &["--on-invalid", "warn"]].concat());
    assert!(began.elapsed() < Duration::from_secs(25), "{output:?}");
    assert_eq!(output.status.code(), Some(99), "{output:?}");
    let text = std::fs::read_to_string(folder.path().join("report/summary.json")).unwrap();
    let summary = Summary::read(&text).unwrap();
    summary.counts.conserved().unwrap();
    assert_eq!((summary.counts.edges.failed, summary.counts.peers.joined), (12, 8), "{:#?}", summary.failures);
    let [row] = &summary.failures[..] else { panic!("{:#?}", summary.failures) };
    let words = (row.phase.as_str(), row.reason.as_str(), row.detail.as_str(), row.count, row.peers);
    assert_eq!(words, ("negotiation", "rejected", "the addressee is gone", 12, 0));
    assert_eq!(row.cause.as_deref(), Some("100 % rejected"));
}

#[test]
fn a_probe_names_the_servers_no() {
    let folder = tempfile::tempdir().unwrap();
    let output = play(&folder, "probe", &["--quiet"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(99), "{told}");
    assert!(told.contains("negotiation (rejected: the addressee is gone)"), "{told}");
}
