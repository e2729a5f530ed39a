//! The same mesh on each engine, and what only the engine webrtc can do: STUN, TURN, and who is never sent a datagram.

mod pair;
mod stunserver;
mod turnserver;

use meshload::controller::{self, RunSpec};
use meshload::dialect::Dialect;
use meshload::plan::Plan;
use meshload::profile::{self, ProfileSource};
use meshload::summary::Summary;
use meshload::vocabulary::Seed;
use std::net::UdpSocket;
use std::process::{Command, Output};
use stunserver::StunServer;
use turnserver::TurnServer;

/// Three rooms of four: 18 edges.
const MESH: &str = "[rooms]\ncount = 3\nsize = 4\n[arrivals]\nrate = \"40/s\"\n[messages]\nrate = \"20/s\"\n\
                    [phases]\nsteady = \"1s\"\ndrain = \"2s\"\n";

fn play(more: &str, workers: usize) -> Summary {
    let text = format!("{MESH}{more}");
    let profile = profile::read(ProfileSource { name: "engines.toml", text: &text }, &[], &|_| None);
    let order = RunSpec {
        workers,
        ..RunSpec::new(
            Plan::new(profile.unwrap_or_else(|problems| panic!("{problems:?}")), Seed(1)),
            "e1".to_owned(),
            Dialect::named("dashboard").expect("a built-in"),
        )
    };
    let summary = controller::run(order).unwrap_or_else(|start_error| panic!("{start_error:?}")).summary;
    summary.counts.conserved().expect("counts add up");
    summary
}

fn all_open(summary: &Summary) {
    let (edges, messages) = (&summary.counts.edges, &summary.counts.messages);
    assert_eq!((edges.planned, edges.opened, edges.failed), (18, 18, 0), "{:#?}", summary.failures);
    assert!(messages.sent > 0, "{messages:?}");
    assert_eq!(messages.delivered + messages.cut, messages.sent, "{messages:?}");
    assert_eq!(summary.counts.edges.closed_early, 0, "a goodbye that was planned is none too early");
}

#[test]
fn the_same_mesh_opens_on_each_engine_and_every_message_arrives() {
    for (engine, workers) in [("lean", 1), ("lean", 2), ("webrtc", 1), ("webrtc", 2)] {
        let summary = play(&format!("[engine]\nkind = \"{engine}\"\n"), workers);
        assert_eq!(summary.run.engine, engine);
        all_open(&summary);
        for timer in ["ice", "dtls", "channel", "own_work", "time_to_open"] {
            assert_eq!(summary.timers[timer].due.count, 18, "{timer} of {engine}");
        }
        let open = &summary.timers["time_to_open"];
        let net = open.net.as_ref().expect("the generator's share is known");
        assert_eq!(net.count, 18);
        assert!(net.p.p50 <= open.began.p.p50 && net.max_us <= open.began.max_us, "{engine}: {net:?} {open:?}");
        assert!(summary.timers["own_wait"].due.max_us > 0 && summary.offered.handled > 18, "{engine}");
    }
    let summary = play("[engine]\nkind = \"none\"\n", 1);
    assert_eq!(summary.counts.edges.opened, 18);
    assert!(!summary.timers.contains_key("ice"), "absent, not 0");
    let messages = &summary.counts.messages;
    assert_eq!((messages.sent, messages.dropped), (0, 0), "nothing is due without channels");
}

#[test]
fn each_kind_of_promise_holds_on_the_engines_lean_and_webrtc() {
    for kind in ["lean", "webrtc"] {
        each_kind_of_promise_holds_on(kind);
    }
}

fn each_kind_of_promise_holds_on(kind: &str) {
    for more in ["[handshake]\ntrickle = false\n", "[engine]\ncertificates = \"per-peer\"\n"] {
        let section = if more.contains("[engine]") { "" } else { "[engine]\n" };
        all_open(&play(&format!("{more}{section}kind = \"{kind}\"\n"), 1));
    }
}

/// `[engine]` of peers that use a TURN server for everything.
fn relayed(server: &TurnServer, password: &str) -> String {
    format!(
        "[engine]\nkind = \"webrtc\"\nice_transport_policy = \"relay\"\nice_servers = [{{ urls = \"turn:{}\", \
         username = \"{}\", credential = \"{password}\" }}]\n",
        server.address(),
        turnserver::USER
    )
}

#[test]
fn every_edge_opens_through_turn_alone_and_what_was_allocated_is_given_back() {
    let Some(mut server) = TurnServer::start() else { return };
    all_open(&play(&relayed(&server, turnserver::PASSWORD), 1));
    // One a connection's end; host candidates are none of the policy relay's.
    server.await_lines("ALLOCATE processed, success", 36);
    server.await_lines("REFRESH processed, success", 36);
}

#[test]
fn each_end_of_an_edge_asks_the_stun_server_and_every_edge_opens() {
    let server = StunServer::start();
    all_open(&play(&format!("[engine]\nkind = \"webrtc\"\nice_servers = [\"stun:{}\"]\n", server.address()), 1));
    assert_eq!(server.asked().len(), 36);
}

#[test]
fn a_stun_server_that_names_another_port_sends_nobody_there() {
    let victim = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    victim.set_nonblocking(true).expect("a socket");
    let server = StunServer::lying(victim.local_addr().expect("an address"));
    all_open(&play(&format!("[engine]\nkind = \"webrtc\"\nice_servers = [\"stun:{}\"]\n", server.address()), 1));
    assert_eq!(server.asked().len(), 36);
    assert!(victim.recv_from(&mut [0; 100]).is_err(), "somebody has sent the victim a datagram");
}

#[test]
fn a_wrong_login_fails_in_phase_ice_says_why_and_is_told_nowhere() {
    let Some(server) = TurnServer::start() else { return };
    let url = format!("turn:canaryuser:canarypass@{}", server.address());
    let folder = tempfile::tempdir().expect("a folder");
    let ran = meshload(
        &["run", "--engine", "webrtc", "--ice-server", &url, "--set", "engine.ice_transport_policy=relay"],
        &["--rooms", "1", "--room-size", "2", "-d", "0s", "--no-gates", "--on-invalid", "warn", "--out", "report"],
        folder.path(),
    );
    assert_eq!(ran.status.code(), Some(99), "no edge has opened: {}", String::from_utf8_lossy(&ran.stderr));
    let report = folder.path().join("report");
    let summary = Summary::read(&std::fs::read_to_string(report.join("summary.json")).unwrap()).unwrap();
    let failure = &summary.failures[0];
    let shown = (failure.phase.as_str(), failure.reason.as_str(), failure.detail.as_str());
    assert_eq!(shown, ("ice", "ice_failed", "no candidate; TURN: 401 Unauthorized"));
    assert!(summary.run.duration_us < 8_000_000, "the timeout of 10 s is not waited for");
    let mut told = vec![ran.stdout, ran.stderr];
    told.extend(std::fs::read_dir(report).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap()));
    for canary in ["canaryuser", "canarypass"] {
        let holds = |bytes: &Vec<u8>| bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
        assert!(!told.iter().any(holds), "{canary}");
    }
}

#[test]
fn a_turn_server_that_is_silent_is_a_failure_of_ice() {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let summary = play(
        &format!(
            "[handshake]\ntimeout = \"3s\"\n[engine]\nkind = \"webrtc\"\nice_transport_policy = \"relay\"\n\
             ice_servers = [\"turn:a:b@{}\"]\n",
            silent.local_addr().unwrap()
        ),
        1,
    );
    assert_eq!(summary.counts.edges.failed, 18);
    assert!(summary.failures.iter().all(|failure| failure.phase == "ice"), "{:#?}", summary.failures);
}

#[test]
fn a_far_server_is_refused_and_the_engine_lean_sends_to_the_other_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let far = meshload(&["run", "--engine", "webrtc"], &["--ice-server", "stun:203.0.113.1"], folder.path());
    assert_eq!(far.status.code(), Some(95));
    let said = String::from_utf8_lossy(&far.stderr).into_owned();
    assert!(said.ends_with("--allow-target 203.0.113.1\n"), "{said}");
    let other = meshload(&["run"], &["--ice-server", "stun:127.0.0.1"], folder.path());
    assert_eq!(other.status.code(), Some(2));
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(said.contains("--engine webrtc (--ice-server)"), "{said}");
}

#[test]
fn probe_opens_a_channel_on_the_engine_webrtc() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = meshload(&["probe", "--engine", "webrtc"], &["--trigger", "user-joined-room"], folder.path());
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stdout));
}

fn meshload(args: &[&str], more: &[&str], folder: &std::path::Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command.args(args).args(more).current_dir(folder).env_clear().output().expect("the program runs")
}
