//! A whole run, from a profile to its Summary, against the embedded server.

use meshload::controller::{self, FinishedRun, RunSpec, Stop};
use meshload::dialect::Dialect;
use meshload::gates::Gate;
use meshload::plan::Plan;
use meshload::profile::{self, ProfileSource, builtin};
use meshload::server::{self, RoomModel};
use meshload::summary::Summary;
use meshload::vocabulary::Seed;
use std::time::{Duration, Instant};

fn play(kind: RoomModel, text: &str, workers: usize) -> Summary {
    conduct(order(kind, text, workers)).summary
}

fn conduct(order: RunSpec) -> FinishedRun {
    controller::run(order).unwrap()
}

fn order(kind: RoomModel, text: &str, workers: usize) -> RunSpec {
    let profile = profile::read(ProfileSource { name: "test.toml", text }, &[], &|_| None).unwrap();
    RunSpec {
        embedded: server::Config { kind, ..server::Config::default() },
        workers,
        ..RunSpec::new(Plan::new(profile, Seed(1)), "t1".to_owned(), Dialect::named("dashboard").unwrap())
    }
}

const SMALL: &str = r#"
[rooms]
count = 4
size = 3
[arrivals]
shape = "constant"
rate = "60/s"
[phases]
steady = "1s"
drain = "2s"
"#;

#[test]
fn every_edge_opens_and_every_message_arrives() {
    for kind in [RoomModel::Relay, RoomModel::Registry] {
        for workers in [1, 2] {
            let summary = play(kind, SMALL, workers);
            let (edges, messages) = (&summary.counts.edges, &summary.counts.messages);
            assert_eq!((edges.planned, edges.opened, edges.failed), (12, 12, 0), "{:#?}", summary.failures);
            assert!(messages.sent > 0, "{messages:?}");
            assert_eq!(messages.delivered + messages.cut, messages.sent, "{messages:?}");
            assert_eq!(summary.counts.peers.joined, 12);
        }
    }
}

/// A run whose `[messages]` are `messages`: every channel opens, whatever it promises, and every message is accounted for.
fn traffic(messages: &str) -> Summary {
    let summary =
        play(RoomModel::Relay, &format!("{SMALL}[messages]\nrate = \"20/s\"\nsize = \"100B\"\n{messages}"), 2);
    assert_eq!(summary.counts.edges.opened, 12, "{messages}: {:#?}", summary.failures);
    assert!(summary.counts.messages.sent > 100, "{messages}: {:?}", summary.counts.messages);
    summary.counts.conserved().unwrap();
    summary
}

const PROMISES: [&str; 5] = [
    "",
    "ordered = false",
    "reliable = false",
    "ordered = false\nmax_retransmits = 2",
    "ordered = false\nmax_lifetime = \"500ms\"",
];

#[test]
fn messages_are_timed_one_way_on_every_kind_of_channel() {
    for promise in PROMISES {
        let summary = traffic(&format!("pattern = \"broadcast\"\n{promise}"));
        let messages = &summary.counts.messages;
        let latency = &summary.timers["message_latency"];
        assert_eq!(latency.due.count, messages.delivered, "{promise}");
        assert_eq!(latency.began.count, messages.delivered, "{promise}");
        assert!(latency.due.mean_us >= latency.began.mean_us, "{promise}: due counts what the sender was late");
        assert!(!summary.timers.contains_key("message_rtt"), "{promise}");
    }
}

#[test]
fn pings_are_timed_until_their_echo_on_every_kind_of_channel() {
    for promise in PROMISES {
        let summary = traffic(&format!("pattern = \"ping-pong\"\n{promise}"));
        let (latency, rtt) = (&summary.timers["message_latency"], &summary.timers["message_rtt"]);
        assert!(rtt.due.count > 0 && rtt.due.count <= latency.due.count, "{promise}: {} echoes", rtt.due.count);
        assert!(rtt.due.p.p50 > latency.due.p.p50, "{promise}: there and back takes longer than there");
    }
}

#[test]
fn behind_a_barrier_no_message_is_sent_before_every_edge_is_decided() {
    // The last room arrives over a second after the first is complete.
    let profile =
        |start: &str| format!("{}[messages]\nrate = \"20/s\"\nstart = \"{start}\"\n", SMALL.replace("60/s", "10/s"));
    // Rows are whole seconds of the run, and the last peer is due in its second one.
    let early = |summary: &Summary| summary.series[0].messages;
    assert!(early(&play(RoomModel::Relay, &profile("room"), 2)) > 0);
    let summary = play(RoomModel::Relay, &profile("barrier"), 2);
    assert_eq!(early(&summary), 0);
    assert!(summary.counts.messages.sent > 0);
}

#[test]
fn each_second_of_the_series_has_the_generators_own_figures() {
    let profile = "[rooms]\ncount = 1\nsize = 2\n[arrivals]\nrate = \"100/s\"\n[phases]\nsteady = \"1500ms\"\n";
    let summary = play(RoomModel::Relay, profile, 1);
    // Half a second is left after the last whole one: nobody looks just as the run ends.
    let seen: Vec<bool> = summary.series.iter().map(|row| row.cpu_us.is_some()).collect();
    assert!(seen.len() > 1 && seen.iter().all(|seen| *seen), "{seen:?}");
}

#[test]
fn a_control_run_opens_every_edge_with_the_real_engine_and_no_server() {
    for trigger in ["user-joined-room", "peer-ready", "participant-joined", "room-list"] {
        let profile = format!("{SMALL}[handshake]\ntrigger = \"{trigger}\"\n");
        for workers in [1, 2] {
            let spec = order(RoomModel::Relay, &profile, workers);
            let plan = controller::control_plan(&spec.plan, 1);
            let FinishedRun { summary, stop, .. } = conduct(RunSpec { plan, in_memory: true, ..spec });
            let control = controller::control_floor(summary);
            assert_eq!((control.edges, control.opened, stop), (12, 12, None), "{trigger}, {workers} workers");
            for timer in ["connect", "negotiation", "ice", "dtls", "time_to_open", "signal_delivery"] {
                assert!(control.timers.contains_key(timer), "{trigger}: {timer}");
            }
        }
    }
}

#[test]
fn the_smoke_profile_runs() {
    let summary = play(RoomModel::Relay, builtin::find("smoke").unwrap().text, 2);
    assert_eq!(summary.counts.edges.opened, 60);
}

/// Messages for ten minutes, which nobody waits for.
const LONG: &str = r#"
[rooms]
count = 4
size = 3
[arrivals]
rate = "60/s"
[phases]
steady = "10m"
"#;

#[test]
fn an_abort_gate_that_fails_ends_the_run_and_is_named() {
    let gate = |line: &str, after| Gate { abort: true, after, ..Gate::parse_line(line).unwrap() };
    let watched = vec![
        gate("edges_failed: rate < 50%", Duration::ZERO),
        gate("time_to_open: max < 1us", Duration::from_secs(600)),
        gate("time_to_open: p(50) < 2us", Duration::from_secs(1)),
    ];
    let began = Instant::now();
    let done = conduct(RunSpec { gates: watched, ..order(RoomModel::Relay, LONG, 2) });
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert_eq!(done.stop, Some(Stop::Gate));
    let stopped_by = done.summary.run.stopped_by.unwrap();
    assert!(stopped_by.starts_with("the gate time_to_open p(50) < 2us, observed "), "{stopped_by}");
    assert!(!done.summary.run.interrupted && done.summary.run.complete);
    assert_eq!(done.summary.counts.edges.opened, 12);
}
