//! Every built-in dialect against the real server it is for: meshes with real DataChannels and messages.
//! Skips, and says why, when node or the packages of tests/targets/package.json are not there.

#[path = "targets/mesh.rs"]
mod mesh;
#[path = "targets/server.rs"]
mod server;

use mesh::{Arrival, Mesh};
use meshload::dialect::Dialect;
use server::Target;
use std::process::Command;

/// Meshes of 4 and 12, one by one and all at once.
fn check(dialect: &str, target: &Target) {
    let Some(server) = target.start() else { return };
    for (round, (size, arrival)) in
        [(4, Arrival::InOrder), (4, Arrival::AtOnce), (12, Arrival::InOrder), (12, Arrival::AtOnce)]
            .into_iter()
            .enumerate()
    {
        let mesh = Mesh::play(dialect, &target.url(&server), round, size, arrival);
        println!("{dialect} {size} {arrival:?}: {mesh}");
        let pairs = u64::from(size) * u64::from(size - 1) / 2;
        assert_eq!(mesh.edges_open, pairs, "{dialect} {size} {arrival:?}: {:#?}", mesh.failures);
        assert_eq!(mesh.pairs_that_talked, pairs, "{dialect} {size} {arrival:?}");
        if Dialect::named(dialect).unwrap().leave_notices() > 0 {
            assert_eq!(mesh.leave_notices, usize::from(size) - 1, "{dialect} {size} {arrival:?}");
        }
    }
}

fn peerjs() -> Target {
    let peer = Target::bin("peer", "dist/bin/peerjs.js");
    peer.arguments(&["--port", "9000", "--allow_discovery", "--path", "/"]).path("/peerjs")
}

#[test]
fn peerjs_meshes() {
    check("peerjs", &peerjs());
}

/// The whole program, from its command line to the Summary.
#[test]
fn a_run_opens_every_edge_through_a_real_peerjs_server() {
    let target = peerjs();
    let Some(server) = target.start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let arguments =
        ["run", "--dialect", "peerjs", "--rooms", "3", "--room-size", "4", "--no-gates", "--duration", "1s"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command.args(arguments).args(["--on-invalid", "warn", "--quiet", "--target", &target.url(&server)]);
    let output = command.arg("--out").arg(&out).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let summary = std::fs::read_to_string(out.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let edges = &summary["counts"]["edges"];
    assert_eq!((&edges["planned"], &edges["opened"]), (&18.into(), &18.into()), "{}", summary["failures"]);
    assert_eq!(summary["run"]["dialect"], "peerjs");
}

#[test]
fn y_webrtc_meshes() {
    check("y-webrtc", &Target::bin("y-webrtc", "bin/server.js"));
}

#[test]
fn socketio_addpeer_meshes() {
    check("socketio-addpeer", &Target::script("addpeer.cjs"));
}

#[test]
fn simple_signal_meshes() {
    check("simple-signal", &Target::script("simple-signal.cjs"));
}

#[test]
fn webtorrent_tracker_meshes() {
    check(
        "webtorrent-tracker",
        &Target::bin("bittorrent-tracker", "bin/cmd.js").arguments(&["--ws", "--port", "8000"]),
    );
}

#[test]
fn plain_relays_of_three_shapes_mesh() {
    check("relay", &Target::script("relay.cjs").environment("SHAPE", "channel"));
    check("relay-global", &Target::script("relay.cjs").environment("SHAPE", "global"));
    check("relay-open", &Target::script("relay.cjs").environment("SHAPE", "open"));
}

#[test]
fn matchbox_meshes() {
    check("matchbox", &Target::program("matchbox_server"));
}
