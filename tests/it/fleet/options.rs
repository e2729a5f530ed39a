//! Options of a run that mean the same over a bus: the control run, the log of events, the wait for the target, its process, retries.

use super::merged;
use super::nats::{BusRun, Nats, end_all};
use flate2::read::GzDecoder;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use support::serving::Serving;

/// The connections that a target refuses at first.
const REFUSED: usize = 3;

/// Leaves fewer descriptors than the figure promises: some are open before the program begins.
const FEW_DESCRIPTORS: &str = "ulimit -n 200 && for fd in $(seq 20 149); do eval \"exec $fd</dev/null\"; done";

/// Passes connections on to `target`, but for the first few; gives its URL.
fn refusing_at_first(target: SocketAddr) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ws://{}/ws/", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok).skip(REFUSED) {
            let server = TcpStream::connect(target).expect("the target is there");
            for (from, to) in [(&client, &server), (&server, &client)] {
                let (mut from, mut to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
                thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
        }
    });
    url
}

/// Answers each request with one metric; gives the URL.
fn metrics() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/metrics#ws_", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let _ = client.read(&mut [0; 4_096]);
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 11\r\n\r\nws_peers 9\n");
        }
    });
    url
}

/// The lines of a log of events.
fn events(folder: &Path) -> usize {
    let file = fs::File::open(folder.join("events.jsonl.gz")).expect("a log of events");
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    text.lines().inspect(|line| assert!(line.starts_with("{\"at_us\":"), "{line}")).count()
}

#[test]
fn each_agent_plays_a_control_run_and_logs_its_events_after_all_have_waited_for_the_target() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "controlled").target(&refusing_at_first(target.address()));
    let options = ["--control", "--events", "--wait-for-target", "60s", "--rooms", "5", "--duration", "100ms"];
    let controller = run.controller("2", &options);
    let agents = ["a", "b"].map(|out| run.agent(out, &[]));
    agents.iter().for_each(|agent| agent.wait_for("the control run of smoke: "));
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["counts"]["edges"]["opened"]), (Some(0), &15.into()), "{told}");
    end_all(agents, 0);
    // A peer that met a refusal would have failed.
    assert_eq!(summary["failures"].as_array().map(Vec::len), Some(0), "{summary}");
    let control = &summary["control"];
    assert_eq!((&control["edges"], &control["opened"], &control["peers"]), (&15.into(), &15.into(), &15.into()));
    let floor = &control["timers"]["time_to_open"]["due"];
    assert!(floor["count"] == 15 && floor["p"]["50"].as_u64() > Some(0), "{control}");
    let report = fs::read_to_string(run.folder.path().join("whole/report.md")).expect("a report");
    assert!(report.contains("The control run: what of it is ours"), "{report}");
    for out in ["a", "b"] {
        assert!(events(&run.folder.path().join(out)) > 50);
    }
    let (output, again) = merged(run.folder.path(), &["a", "b"]);
    assert_eq!((output.status.code(), again), (Some(0), summary));
}

#[test]
fn the_controller_looks_at_the_targets_process_and_its_metrics() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    // Not the one that agents of this machine find at the target's address.
    let pid = std::process::id();
    let run = BusRun::new(&nats, &target, "watched");
    let watched = ["--target-pid", &pid.to_string(), "--target-metrics", &metrics()];
    let controller = run.controller("2", &[&watched[..], &["--rooms", "2", "--duration", "1500ms"]].concat());
    let agents = ["a", "b"].map(|out| run.agent(out, &[]));
    let (code, summary, told) = controller.end();
    assert_eq!(code, Some(0), "{told}");
    end_all(agents, 0);
    let process = &summary["target_process"];
    assert_eq!(process["pids"], serde_json::json!([pid]), "{process}");
    let rows = process["series"].as_array().expect("rows");
    let lasted = summary["run"]["duration_us"].as_u64().expect("a duration") / 1_000_000 + 1;
    assert!(rows.iter().any(|row| row["metrics"]["ws_peers"] == 9.0), "{process}");
    assert!(rows.iter().all(|row| row["second"].as_u64() <= Some(lasted)), "{lasted} s: {process}");
}

#[test]
fn an_invalid_run_is_played_once_more_by_the_same_agents() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "invalid");
    let options = ["--retry-invalid", "1", "--rooms", "10", "--arrivals", "100/s", "--timeout", "2s"];
    let controller = run.controller("1", &[&options[..], &["--duration", "100ms"]].concat());
    let agent = run.agent_after(FEW_DESCRIPTORS, "a");
    let (_, summary, told) = controller.end();
    assert_eq!(summary["validity"]["verdict"], "INVALID", "{told}");
    assert_eq!(told.matches("once more, 0 left after that").count(), 1, "{told}");
    assert_eq!(told.matches("all 1 agents are ready").count(), 2, "{told}");
    agent.end();
    assert!(run.folder.path().join("a/part.mesh").is_file() && run.folder.path().join("whole/report.html").is_file());
}
