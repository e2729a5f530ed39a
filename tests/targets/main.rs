//! Every built-in dialect against the real server it is for: meshes with real DataChannels and messages.
//! Skips, and says why, when node or the packages of tests/targets/package.json are not there.

mod changed;
mod dealt;
mod documented;
mod field_cases;
mod idle_proxy;
mod killed;
mod learned;
mod mesh;
mod mistakes;
mod probed;
mod revived;
mod transports;
mod unlisted;
mod variants;

use killed::check as check_killed;
use mesh::{Arrival, Farewell, Mesh};
use meshload::dialect::Dialect;
use meshload::summary::Summary;
use revived::{check_churn, check_churn_around_an_outage, check_revived};
use std::process::Command;
use support::target::Target;

/// The rounds of each mesh, with MESHLOAD_ROUNDS=10 ten; `None`: one.
fn rounds() -> Option<usize> {
    std::env::var("MESHLOAD_ROUNDS").ok().map(|rounds| rounds.parse().expect("a number of rounds"))
}

/// Meshes of 4 and 12, one by one and all at once; with MESHLOAD_ROUNDS=10 those of 12 ten times each.
fn check(dialect: &str, target: &Target) {
    let Some(server) = target.start() else { return };
    let often = rounds();
    let sizes = if often.is_some() { &[12][..] } else { &[4, 12] };
    let mut played = 0;
    for (size, arrival) in sizes.iter().flat_map(|size| [(*size, Arrival::InOrder), (*size, Arrival::AtOnce)]) {
        let mut faults = vec![];
        let rounds = often.unwrap_or(1);
        for _ in 0..rounds {
            played += 1;
            let mesh = Mesh::play(dialect, &target.url(&server), played, size, arrival, Farewell::Said);
            println!("{dialect} {size} {arrival:?}: {mesh}");
            faults.extend(fault(dialect, size, &mesh));
        }
        println!("{dialect} {size} {arrival:?}: {} of {rounds}", rounds - faults.len());
        assert!(faults.is_empty(), "{dialect} {size} {arrival:?}: {}", faults.join("\n"));
    }
}

/// Differences from a whole mesh; empty: none.
fn fault(dialect: &str, size: u16, mesh: &Mesh) -> Option<String> {
    let pairs = u64::from(size) * u64::from(size - 1) / 2;
    let (words, stay) = (Dialect::named(dialect).unwrap().leave_notices(), usize::from(size) - 1);
    let is_whole = (mesh.edges_open, mesh.pairs_that_talked) == (pairs, pairs);
    let is_told = mesh.leave_words == vec![usize::from(words); stay] && (words == 0 || mesh.leave_notices == stay);
    let short =
        || format!("{mesh}, {} pairs talked, {:?} {:#?}", mesh.pairs_that_talked, mesh.leave_words, mesh.failures);
    (!is_whole || !is_told).then(short)
}

/// A server that watches its sockets tells of who goes without a word.
fn check_silent(dialect: &str, target: &Target) {
    let Some(server) = target.start() else { return };
    let mesh = Mesh::play(dialect, &target.url(&server), 0, 4, Arrival::InOrder, Farewell::Silent);
    println!("{dialect}, silent: {mesh}");
    assert_eq!((mesh.leave_words.as_slice(), mesh.leave_notices), ([1; 3].as_slice(), 3), "{dialect}: {mesh}");
}

fn peerjs() -> Target {
    let peer = Target::bin("peer", "dist/bin/peerjs.js");
    peer.arguments(&["--port", "9000", "--allow_discovery", "--path", "/"]).path("/peerjs")
}

fn y_webrtc() -> Target {
    Target::bin("y-webrtc", "bin/server.js")
}

fn addpeer() -> Target {
    Target::script("addpeer.cjs")
}

fn simple_signal() -> Target {
    Target::script("simple-signal.cjs")
}

fn tracker() -> Target {
    Target::bin("bittorrent-tracker", "bin/cmd.js").arguments(&["--ws", "--port", "8000"])
}

fn matchbox() -> Target {
    Target::program("matchbox_server")
}

fn relay(shape: &str) -> Target {
    Target::script("relay.cjs").environment("SHAPE", shape)
}

#[test]
fn peerjs_meshes() {
    check("peerjs", &peerjs());
}

#[test]
fn y_webrtc_meshes() {
    check("y-webrtc", &y_webrtc());
}

#[test]
fn socketio_addpeer_meshes() {
    check("socketio-addpeer", &addpeer());
    check_silent("socketio-addpeer", &addpeer());
}

#[test]
fn simple_signal_meshes() {
    check("simple-signal", &simple_signal());
}

#[test]
fn webtorrent_tracker_meshes() {
    check("webtorrent-tracker", &tracker());
}

#[test]
fn plain_relays_of_three_shapes_mesh() {
    check("relay", &relay("channel"));
    check("relay-global", &relay("global"));
    check("relay-open", &relay("open"));
}

#[test]
fn matchbox_meshes() {
    check("matchbox", &matchbox());
    check_silent("matchbox", &matchbox());
}

#[test]
fn peerjs_may_die() {
    check_killed("peerjs", &peerjs());
}

#[test]
fn y_webrtc_may_die() {
    check_killed("y-webrtc", &y_webrtc());
}

#[test]
fn socketio_addpeer_may_die() {
    check_killed("socketio-addpeer", &addpeer());
}

#[test]
fn simple_signal_may_die() {
    check_killed("simple-signal", &simple_signal());
}

#[test]
fn webtorrent_tracker_may_die() {
    check_killed("webtorrent-tracker", &tracker());
}

#[test]
fn plain_relays_of_three_shapes_may_die() {
    check_killed("relay", &relay("channel"));
    check_killed("relay-global", &relay("global"));
    check_killed("relay-open", &relay("open"));
}

#[test]
fn matchbox_may_die() {
    check_killed("matchbox", &matchbox());
}

#[test]
fn peerjs_may_come_back() {
    check_revived("peerjs", &peerjs());
}

#[test]
fn peerjs_lets_its_peers_leave_and_come_back() {
    check_churn("peerjs", &peerjs());
}

#[test]
fn peerjs_and_its_peers_may_come_back() {
    check_churn_around_an_outage("peerjs", &peerjs());
}

#[test]
fn y_webrtc_and_its_peers_may_come_back() {
    check_churn_around_an_outage("y-webrtc", &y_webrtc());
}

#[test]
fn socketio_addpeer_and_its_peers_may_come_back() {
    check_churn_around_an_outage("socketio-addpeer", &addpeer());
}

#[test]
fn simple_signal_and_its_peers_may_come_back() {
    check_churn_around_an_outage("simple-signal", &simple_signal());
}

/// Newcomers wait for each other's announce: none of them may wait for an offer that nobody makes twice.
#[test]
fn webtorrent_tracker_may_come_back() {
    check_revived("webtorrent-tracker", &tracker());
}

#[test]
fn webtorrent_tracker_and_its_peers_may_come_back() {
    check_churn_around_an_outage("webtorrent-tracker", &tracker());
}

#[test]
fn a_plain_relay_and_its_peers_may_come_back() {
    check_churn_around_an_outage("relay", &relay("channel"));
}

#[test]
fn matchbox_and_its_peers_may_come_back() {
    check_churn_around_an_outage("matchbox", &matchbox());
}

/// Each in its own thread: most of the time goes by waiting for the next arrival.
#[test]
fn every_dialect_is_learned_from_a_recording_of_its_own_peers() {
    let servers = [
        ("peerjs", peerjs()),
        ("y-webrtc", y_webrtc()),
        ("socketio-addpeer", addpeer()),
        ("simple-signal", simple_signal()),
        ("webtorrent-tracker", tracker()),
        ("matchbox", matchbox()),
        ("relay", relay("channel")),
        ("relay-global", relay("global")),
        ("relay-open", relay("open")),
    ];
    std::thread::scope(|scope| {
        for (dialect, target) in &servers {
            scope.spawn(|| learned::check(dialect, target));
        }
    });
}

#[test]
fn what_a_client_library_says_becomes_a_dialect_that_opens_every_channel_of_a_room() {
    learned::check_client("peerjs", &peerjs());
    learned::check_client("y-webrtc", &y_webrtc());
    learned::check_client("simple-peer", &addpeer());
}

/// The whole program, from its command line to the Summary, on a healthy server; `None` where the server is missing.
fn run_program(dialect: &str, target: &Target) -> Option<Summary> {
    let server = target.start()?;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let arguments =
        ["--rooms", "3", "--room-size", "4", "--no-gates", "--duration", "5s", "--set", "churn.leave=20%/s"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command.args(["run", "--dialect", dialect]).args(arguments);
    command.args(["--on-invalid", "warn", "--quiet", "--target", &target.url(&server)]);
    let output = command.arg("--out").arg(&out).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{dialect}: {output:?}");
    let summary = Summary::read(&std::fs::read_to_string(out.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary.run.dialect, dialect);
    Some(summary)
}

#[test]
fn a_run_opens_every_edge_through_each_real_server_and_finds_nothing_wrong_with_it() {
    let servers = [
        ("peerjs", peerjs()),
        ("relay", relay("channel")),
        ("relay-global", relay("global")),
        ("socketio-addpeer", addpeer()),
        ("simple-signal", simple_signal()),
        ("y-webrtc", y_webrtc()),
        ("webtorrent-tracker", tracker()),
    ];
    for (dialect, target) in servers {
        let Some(summary) = run_program(dialect, &target) else { continue };
        let edges = &summary.counts.edges;
        assert_eq!((edges.planned, edges.failed), (18, 0), "{dialect}: {:#?}", summary.failures);
        let found: Vec<&str> = summary.findings.iter().map(|finding| finding.id.as_str()).collect();
        let is_socket_io = matches!(dialect, "socketio-addpeer" | "simple-signal");
        let expected: &[&str] = if is_socket_io { &["untested"] } else { &[] };
        assert_eq!(found, expected, "{dialect}: {:#?}", summary.findings);
    }
}
