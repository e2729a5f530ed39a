//! Rooms whose host is asked to let the others in: it approves, says no, or never answers.

use meshload::controller::{self, Capture, RunSpec};
use meshload::dialect::Dialect;
use meshload::plan::Plan;
use meshload::profile::{self, ProfileSource};
use meshload::server::{self, RoomModel, Routing};
use meshload::summary::{FailureRow, Summary};
use meshload::vocabulary::Seed;
use std::process::Command;

const KINDS: [RoomModel; 2] = [RoomModel::Relay, RoomModel::Registry];

/// Two rooms of three, all peers at once, so that some ask before their host is there.
fn play(kind: RoomModel, routing: Routing, approval: &str, more: &str) -> Summary {
    let text = format!(
        "[rooms]\ncount = 2\nsize = 3\n[arrivals]\nshape = \"burst\"\n[phases]\nsteady = \"0s\"\ndrain = \"1s\"\n\
         [messages]\npattern = \"none\"\n[handshake]\ntimeout = \"1500ms\"\napproval = \"{approval}\"\n{more}"
    );
    let profile = profile::read(ProfileSource { name: "test.toml", text: &text }, &[], &|_| None).unwrap();
    let order = RunSpec {
        embedded: server::Config { kind, routing, ..server::Config::default() },
        workers: 1,
        keep: Capture { traces: 2, events_bytes_max: None },
        ..RunSpec::new(Plan::new(profile, Seed(1)), "a1".to_owned(), Dialect::named("dashboard").expect("a built-in"))
    };
    let summary = controller::run(order).unwrap().summary;
    summary.counts.conserved().unwrap();
    summary
}

/// Peers and edges that failed to join for that reason, with that text in the detail of each row that counts peers; other
/// failures are none of them. Edges that time out are one row without a detail: their other end never knew one.
fn kept_out(summary: &Summary, reason: &str, detail: &str) -> Option<(u64, u64)> {
    let is_right = |row: &FailureRow| {
        let of_edges = row.peers == 0 && row.detail.is_empty() && reason == "timed_out";
        (&*row.phase, &*row.reason) == ("join", reason) && (of_edges || row.detail.contains(detail))
    };
    let rows = || summary.failures.iter();
    let sum = |count: fn(&FailureRow) -> u64| rows().map(count).sum();
    rows().all(is_right).then(|| (sum(|row| row.peers), sum(|row| row.count)))
}

fn causes(summary: &Summary) -> Vec<(String, u64)> {
    let rows = summary.diagnosis.iter().flat_map(|diagnosis| &diagnosis.causes);
    rows.map(|row| (row.name(), row.edges)).collect()
}

#[test]
fn whom_the_host_approves_of_is_met_by_all() {
    for kind in KINDS {
        for routing in [Routing::All, Routing::Room] {
            let summary = play(kind, routing, "approve", "");
            let (peers, edges) = (&summary.counts.peers, &summary.counts.edges);
            let case = format!("{kind:?}, {routing:?}: {:#?}", summary.failures);
            assert_eq!((peers.joined, peers.failed, edges.opened, edges.failed), (6, 0, 6, 0), "{case}");
            let said = |kind: &str| summary.counts.signaling.by_type.get(kind).map_or(0, |traffic| traffic.sent);
            assert!(said("join-request") >= 4 && said("join-approved") >= 4, "{case}");
            assert_eq!(said("join-rejected"), 0, "{case}");
        }
    }
}

#[test]
fn an_existing_peer_that_offers_meets_whom_the_host_let_in_after_it() {
    for kind in KINDS {
        for initiator in ["existing", "newcomer"] {
            let summary = play(kind, Routing::All, "approve", &format!("initiator = \"{initiator}\"\n"));
            assert_eq!(summary.counts.edges.opened, 6, "{kind:?}, {initiator}: {:#?}", summary.failures);
        }
    }
}

/// Only the two hosts join; all others fail to for that reason, and of each edge the cause is named.
fn check_shut_out(approval: &str, (reason, detail): (&str, &str), cause: &str) {
    for kind in KINDS {
        let summary = play(kind, Routing::All, approval, "");
        let peers = &summary.counts.peers;
        assert_eq!((peers.joined, peers.failed), (2, 4), "{kind:?}: {peers:?}");
        assert_eq!(kept_out(&summary, reason, detail), Some((4, 6)), "{kind:?}: {:#?}", summary.failures);
        assert_eq!(causes(&summary), [(cause.to_owned(), 6)], "{kind:?}: {:#?}", summary.diagnosis);
    }
}

#[test]
fn whom_the_host_turns_away_has_failed_to_join_and_the_cause_is_named() {
    check_shut_out("reject", ("rejected", "REJECTED_BY_HOST"), "rejected");
}

#[test]
fn a_host_that_never_answers_is_the_cause_of_joins_that_time_out() {
    check_shut_out("ignore", ("timed_out", "waits for {type:\"join-approved\""), "no-answer");
}

#[test]
fn what_the_dialect_does_not_allow_is_told_with_its_place_and_nothing_is_run() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("p.toml"),
        "[target]\ndialect = \"peerjs\"\n\n[handshake]\napproval = \"reject\"\n",
    )
    .unwrap();
    let check = |args: &[&str], expected: &str| {
        let mut meshload = Command::new(env!("CARGO_BIN_EXE_meshload"));
        let output = meshload.args(args).current_dir(folder.path()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), told.as_str()), (Some(2), expected), "{args:?}");
    };
    let nobody = "handshake.approval: the dialect peerjs has no join-request, so nobody would ask; leave it off";
    let target = ["--target", "ws://127.0.0.1:9/peerjs"];
    for command in ["run", "check", "capacity"] {
        check(&[&[command, "p.toml"], &target[..]].concat(), &format!("{nobody} (p.toml:5)\n"));
    }
    let typed = ["probe", "--dialect", "peerjs", "--set", "handshake.approval=approve"];
    check(&[&typed[..], &target[..]].concat(), &format!("{nobody} (--set handshake.approval)\n"));
    let embedded = "target.dialect: the embedded server doesn't speak peerjs; name yours, such as --target";
    check(&["run", "p.toml"], &format!("{embedded} ws://127.0.0.1:9000/peerjs (p.toml:2)\n"));
}
