//! A run that meets each preset says why its edges failed: the preset's own cause, or candidates with it among them.

use flate2::read::GzDecoder;
use meshload::controller::{self, Capture, RunSpec};
use meshload::diagnosis::Cause;
use meshload::dialect::Dialect;
use meshload::plan::Plan;
use meshload::profile::{self, ProfileSource};
use meshload::server::{self, RoomModel, faults};
use meshload::summary::Summary;
use meshload::vocabulary::Seed;
use std::io::Read;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use support::serving::Serving;

/// Runs at once: more would make this machine the cause.
const AT_ONCE: usize = 3;

fn play(kind: RoomModel, fault: Option<&str>, trigger: &str) -> Summary {
    let text = format!(
        "[rooms]\ncount = 4\nsize = 3\n[arrivals]\nrate = \"20/s\"\n[phases]\nsteady = \"0s\"\ndrain = \"0s\"\n\
         [handshake]\ntimeout = \"1500ms\"\ntrigger = \"{trigger}\"\n[messages]\npattern = \"none\"\n"
    );
    let profile = profile::read(ProfileSource { name: "test.toml", text: &text }, &[], &|_| None).unwrap();
    let rules = fault.map_or(vec![], |fault| faults::rules(fault).unwrap());
    let order = RunSpec {
        embedded: server::Config { kind, faults: rules, ..server::Config::default() },
        workers: 2,
        keep: Capture { traces: 3, events_bytes_max: Some(1 << 20) },
        ..RunSpec::new(Plan::new(profile, Seed(1)), "c1".to_owned(), Dialect::named("dashboard").expect("a built-in"))
    };
    controller::run(order).unwrap().summary
}

/// Mistakes in the report of a run; empty: none.
fn fault_of(kind: RoomModel, preset: Option<&str>, trigger: &str) -> Option<String> {
    let summary = play(kind, preset, trigger);
    summary.counts.conserved().unwrap();
    let (planned, failed) = (summary.counts.edges.planned, summary.counts.edges.failed);
    assert!(failed <= planned, "{kind:?} {trigger} {preset:?}: {failed} of {planned} edges failed");
    let causes = summary.diagnosis.as_ref().map_or(&[][..], |diagnosis| &diagnosis.causes);
    let named: Vec<String> = causes.iter().map(|row| format!("{} {}", row.edges, row.name())).collect();
    println!("{kind:?} {trigger} {preset:?}: {failed} failed, {named:?}");
    let is_right = |names: &[String]| names.iter().any(|name| Some(name.as_str()) == preset);
    let right = (failed > 0) != causes.is_empty() && causes.iter().all(|row| is_right(&row.causes));
    (!right).then(|| format!("{kind:?} {trigger} {preset:?}: {:#?}\n{:#?}", summary.failures, summary.diagnosis))
}

#[test]
fn each_preset_is_named_or_among_the_candidates_and_a_healthy_server_is_never_blamed() {
    // A finding is named for the others (tests/simulation/rooms/findings.rs).
    let has_cause = |name: &&str| Cause::ALL.iter().any(|cause| cause.name() == *name);
    let presets = || [None].into_iter().chain(faults::presets().map(|(name, _)| name).filter(has_cause).map(Some));
    let kinds = || [RoomModel::Relay, RoomModel::Registry].into_iter();
    let by_chat = kinds().flat_map(|kind| presets().map(move |preset| (kind, preset, "peer-ready")));
    // What the join broadcast depends on, and the chat does not.
    let by_join = [None, Some("swallow-join"), Some("timing")];
    let by_join = kinds().flat_map(|kind| by_join.into_iter().map(move |preset| (kind, preset, "user-joined-room")));
    let cases = Mutex::new(by_chat.chain(by_join).collect::<Vec<_>>());
    let wrong = Mutex::new(vec![]);
    let next = || cases.lock().unwrap().pop();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((kind, preset, trigger)) = next() {
                    wrong.lock().unwrap().extend(fault_of(kind, preset, trigger));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn whom_the_server_turns_away_after_its_join_has_failed_to_join() {
    for kind in [RoomModel::Relay, RoomModel::Registry] {
        let summary = play(kind, Some("name-taken"), "user-joined-room");
        let edges = &summary.counts.edges;
        assert_eq!((edges.planned, edges.rejoins, edges.failed), (12, 0, 12), "{kind:?}: {:#?}", summary.failures);
        let rows: Vec<_> = summary.failures.iter().map(|row| (&*row.phase, &*row.reason, &*row.detail)).collect();
        assert_eq!(rows, [("join", "rejected", "DUPLICATE_USERNAME")], "{kind:?}");
    }
}

#[test]
fn the_traces_of_failed_edges_say_who_said_what_and_what_never_came() {
    let summary = play(RoomModel::Relay, Some("channel-isolation"), "peer-ready");
    assert_eq!(summary.traces.len(), 3);
    let trace = &summary.traces[0];
    assert_eq!(trace.cause.as_deref(), Some("channel-isolation"));
    let lost = |step: &&meshload::summary::trace::TraceStep| step.what == "peer-ready" && step.outcome == "never";
    assert!(trace.steps.iter().any(|step| lost(&step)), "{trace:#?}");
    let names: Vec<String> = trace.peers.iter().map(|peer| format!("peer {peer}")).collect();
    assert!(trace.steps.iter().all(|step| names.contains(&step.from) || step.from == "server"), "{trace:#?}");
    assert_eq!(summary.failures[0].cause.as_deref(), Some("100 % channel-isolation"));
}

#[test]
fn the_traces_of_a_healthy_run_are_of_its_slowest_edges() {
    let summary = play(RoomModel::Relay, None, "user-joined-room");
    assert_eq!((summary.counts.edges.failed, &summary.diagnosis), (0, &None));
    let times: Vec<_> = summary.traces.iter().map(|trace| trace.due_us).collect();
    let slowest: Vec<_> = summary.slowest.iter().take(3).map(|slow| Some(slow.due_us)).collect();
    assert_eq!(times, slowest);
    assert!(summary.traces.iter().all(|trace| trace.steps.iter().any(|step| step.what.starts_with("channel open"))));
}

#[test]
fn events_traces_and_the_advised_command_hold_no_secret() {
    const CANARY: &str = "canary-7f3a";
    let meshload = env!("CARGO_BIN_EXE_meshload");
    let server = Serving::start(&["--fault", "timing"]);
    let url = format!("{}?token=${{CANARY}}", server.url);
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(meshload)
        .args(["run", "--rooms", "1", "--room-size", "3", "--timeout", "1s", "--duration", "1s", "--events"])
        .args(["--traces", "3", "--set", "handshake.trigger=peer-ready", "--target", &url])
        .args(["-H", "Authorization: Bearer ${CANARY}", "--out", folder.path().to_str().unwrap()])
        // Other tests load the machine meanwhile.
        .args(["--on-invalid", "warn"])
        .env("CANARY", CANARY)
        .output();
    drop(server);
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(99), "{output:?}");

    let mut written = [output.stdout, output.stderr].concat();
    let mut events = String::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let content = std::fs::read(&path).unwrap();
        if path.ends_with("events.jsonl.gz") {
            GzDecoder::new(&*content).read_to_string(&mut events).unwrap();
        }
        written.extend(content);
    }
    let written = String::from_utf8_lossy(&written).into_owned() + &events;
    assert!(!written.contains(CANARY));
    assert!(written.contains("to look closer: meshload probe --target ws://127.0.0.1:"), "{written}");
    let facts: Vec<serde_json::Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(facts.iter().any(|fact| fact["what"] == "edge_failed" && fact["phase"] == "discovery"), "{events}");
}
