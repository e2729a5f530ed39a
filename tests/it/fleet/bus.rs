//! Agents on a real nats-server: one report whose counts are the plan's, and refusals before anything is loaded.

use super::metrics::{LISTEN, address, page};
use super::nats::{BusRun, Nats, RIGHTS_OF_SLOT_0, end_all};
use super::{merged, meshload};
use crate::telemetry::ask;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use support::closed_port::ClosedPort;
use support::holds_within;
use support::network::skip;
use support::serving::Serving;

/// A load that any machine carries.
const SEARCHED: &str = "name = \"searched\"\n[rooms]\ncount = 2\nsize = 3\n[arrivals]\nrate = \"60/s\"\n[phases]\n\
    steady = \"0s\"\ndrain = \"0s\"\n[engine]\nkind = \"none\"\n[validity]\non_invalid = \"warn\"\n[gates]\n\
    edges_failed = [\"rate < 50%\"]\n";

/// Twelve edges on two agents, six each; the run would last five minutes.
const ABORTS: &str = "name = \"aborts\"\n[rooms]\ncount = 4\nsize = 3\n[phases]\nsteady = \"5m\"\n[gates]\n\
    \"edges.opened\" = [{ expr = \"count < 10\", abort = true }]\nedges_failed = [\"rate < 50%\"]\n";

const PLAN: [&str; 4] = ["--rooms", "7", "--duration", "200ms"];

#[test]
fn three_agents_make_one_report_the_merge_of_their_parts_makes_it_again_and_no_secret_passes_the_bus() {
    // The server's log has the bytes of every message.
    let Some(nats) = Nats::start_with("trace: true\n") else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "three");
    let secret = ("MESHLOAD_HEADER_AUTHORIZATION", "Bearer hush-hush");
    let controller = run.controller("3", &[&PLAN[..], &["-H", "Authorization: Bearer hush-hush"]].concat());
    let (code, _, told) = run.agent("none", &["--slot", "0"]).end();
    assert!(code == Some(2) && told.contains("MESHLOAD_HEADER_AUTHORIZATION"), "{code:?} {told}");
    controller.wait_for("it can't play the plan");
    // One takes the slot that it is given, and then the others any that is free.
    let first = run.agent_with("0", &["--slot", "1"], secret);
    controller.wait_for("slot 1: an agent on");
    let agents = [first, run.agent_with("1", &[], secret), run.agent_with("2", &[], secret)];
    let (code, summary, told) = controller.end();
    assert_eq!(code, Some(0), "{told}");
    for agent in agents {
        let (code, _, told) = agent.end();
        assert!(code == Some(0) && told.contains("part.mesh"), "{code:?} {told}");
    }
    let edges = &summary["counts"]["edges"];
    assert_eq!((&edges["planned"], &edges["opened"]), (&21.into(), &21.into()));
    assert_eq!(summary["run"]["complete"], true);
    let fleet = summary["fleet"].as_array().expect("a fleet");
    let is_whole = |agent: &Value| agent["lost"] == false && agent["clock_error_us"].as_u64() > Some(0);
    assert!(fleet.len() == 3 && fleet.iter().all(is_whole), "{fleet:?}");
    assert!(run.folder.path().join("whole/report.html").is_file());
    let (output, again) = merged(run.folder.path(), &["0", "1", "2"]);
    assert_eq!((output.status.code(), again), (Some(0), summary), "{}", String::from_utf8_lossy(&output.stderr));
    let log = nats.log();
    assert!(log.contains("${MESHLOAD_HEADER_AUTHORIZATION}") && !log.contains("hush-hush"), "{log}");
}

#[test]
fn the_first_server_of_a_bus_may_be_dead() {
    let Some(nats) = Nats::start() else { return };
    let (dead, target) = (ClosedPort::bind(), Serving::start(&[]));
    let run = BusRun::new(&nats, &target, "second").after(&format!("nats://{}", dead.address));
    let controller = run.controller("2", &["--rooms", "4", "--duration", "200ms"]);
    let agents = ["a", "b"].map(|out| run.agent(out, &[]));
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["counts"]["edges"]["opened"]), (Some(0), &12.into()), "{told}");
    end_all(agents, 0);
}

#[test]
fn a_user_of_one_slot_plays_it_and_claims_no_other() {
    // docs/fleet.md, "Who may do what".
    let configuration = format!(
        r#"authorization {{ users = [
        {{ user: lead, password: "a b" }}
        {{ user: slot0, password: p, permissions: {RIGHTS_OF_SLOT_0} }} ] }}"#
    );
    let Some(nats) = Nats::start_with(&configuration) else { return };
    let target = Serving::start(&[]);
    let [own, other] = ["own", "other"].map(|name| BusRun::new(&nats, &target, name).login("lead:a%20b"));
    let (own_controller, other_controller) =
        (own.controller("1", &PLAN), other.controller("2", &["--rooms", "4", "--duration", "5m"]));
    let [own, other] = [own, other].map(|run| run.login("slot0:p"));
    let (plays, intrudes) = (own.agent("a", &[]), other.agent("b", &["--slot", "1"]));
    other_controller.wait_for("slot 1: an agent on");
    let (code, _, told) = intrudes.end();
    assert!(code == Some(1) && told.contains("--bus: the claim: "), "{code:?} {told}");
    end_all([plays], 0);
    let (code, summary, told) = own_controller.end();
    assert_eq!((code, &summary["counts"]["edges"]["opened"]), (Some(0), &21.into()), "{told}");
}

#[test]
fn an_agent_that_may_not_load_the_target_ends_the_run_before_anything_is_sent() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    // TEST-NET-1 (RFC 5737) is no private network, and nobody is there.
    let run = BusRun::new(&nats, &target, "barred").target("ws://192.0.2.1:9/");
    let controller = run.controller("2", &PLAN);
    let allows = run.agent("a", &["--slot", "0", "--allow-target", "192.0.2.1"]);
    controller.wait_for("slot 0: an agent on");
    let (code, _, told) = run.agent("b", &["--slot", "1"]).end();
    assert!(code == Some(95) && told.contains("add: --allow-target 192.0.2.1"), "{code:?} {told}");
    let (code, _, told) = controller.end();
    assert!(code == Some(95) && told.contains("slot 1 on "), "{code:?} {told}");
    assert!(told.contains("192.0.2.1 (192.0.2.1) is neither this machine nor on a private network"), "{told}");
    end_all([allows], 97);
}

#[test]
fn an_agent_of_any_slot_leaves_its_slot_to_one_that_can_play_no_other() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "mixed");
    let controller = run.controller("2", &PLAN);
    let any = run.agent("any", &[]);
    any.wait_for("slot 0 of 2");
    let fixed = run.agent("fixed", &["--slot", "0"]);
    any.wait_for("slot 1 of 2");
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["counts"]["edges"]["opened"]), (Some(0), &21.into()), "{told}");
    end_all([any, fixed], 0);
}

#[test]
fn a_gate_that_aborts_is_judged_on_the_figures_of_all_agents_while_they_play() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "abort");
    std::fs::write(run.folder.path().join("p.toml"), ABORTS).expect("a file");
    let controller = run.controller("2", &["p.toml"]);
    let agents = ["a", "b"].map(|out| run.agent(out, &[]));
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["run"]["complete"]), (Some(99), &true.into()), "{told}");
    let stopped_by = summary["run"]["stopped_by"].as_str().unwrap_or_default();
    assert!(stopped_by.starts_with("the gate edges.opened count < 10"), "{stopped_by}");
    assert!(told.contains("stopped by the gate edges.opened"), "{told}");
    // Neither share alone has so many.
    assert_eq!(summary["counts"]["edges"]["opened"], 12);
    end_all(agents, 99);
    let (output, again) = merged(run.folder.path(), &["a", "b"]);
    assert_eq!((output.status.code(), again), (Some(99), summary));
}

#[test]
fn repeats_are_played_by_the_same_agents() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "twice");
    let controller = run.controller("2", &["--rooms", "2", "--duration", "100ms", "--repeat", "2"]);
    let agents = ["a", "b"].map(|out| run.agent(out, &[]));
    let (code, repeats, told) = controller.end();
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(repeats["runs"].as_array().map(Vec::len), Some(2), "{repeats}");
    end_all(agents, 0);
    for path in ["whole/1/summary.json", "whole/2/summary.json", "a/2/part.mesh", "b/1/part.mesh"] {
        assert!(run.folder.path().join(path).is_file(), "{path}");
    }
}

#[test]
fn a_capacity_search_plays_each_load_with_the_same_agents() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "search");
    std::fs::write(run.folder.path().join("p.toml"), SEARCHED).expect("a file");
    let restarts = ["--restart-cmd", "echo again >> restarts", "--wait-for-target", "1s"];
    let loads = ["p.toml", "--from", "2", "--to", "4", "--resolution", "50%"];
    let search = run.search(&[&loads[..], &restarts, &LISTEN].concat());
    let shown = address(&search);
    let agents = ["a", "b"].map(|out| run.agent(out, &[]));
    // Of a probe that has ended, until the next one begins; the last one's stay until they are read.
    page(&shown, &["meshload_run_result{result=\"passed\"} 1\n", "meshload_edges{outcome=\"opened\"} "]);
    let mut last = String::new();
    let is_over = holds_within(Duration::from_secs(60), || match ask(&shown, "GET /metrics") {
        Ok((_, body)) => {
            last = body;
            false
        }
        Err(_) => true,
    });
    assert!(is_over && last.contains("meshload_edges{outcome=\"opened\"} 12\n"), "four rooms: {last}");
    let (code, found, told) = search.end();
    assert_eq!((code, &found["limit"]), (Some(0), &4.0.into()), "{told}");
    let probes = found["probes"].as_array().expect("probes").len();
    assert!(probes >= 2 && told.matches("all 2 agents are ready").count() == probes, "{told}");
    end_all(agents, 0);
    assert!(run.folder.path().join(format!("a/{probes}/part.mesh")).is_file());
    let restarts = std::fs::read_to_string(run.folder.path().join("restarts")).expect("a file");
    assert_eq!(restarts.lines().count(), probes - 1, "between two probes");
}

#[test]
fn a_search_that_loses_an_agent_reports_the_loads_before() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "lossy");
    std::fs::write(run.folder.path().join("p.toml"), SEARCHED).expect("a file");
    let search = run.search(&["p.toml", "--from", "2", "--to", "40", "--lost-after", "3s"]);
    let [mut dies, lives] = ["a", "b"].map(|out| run.agent(out, &[]));
    search.wait_for("  1  2 rooms of 3");
    dies.kill();
    let (code, found, told) = search.end();
    assert_eq!((code, &found["stopped_by"]), (Some(97), &"start".into()), "{told}");
    assert!(found["probes"].as_array().is_some_and(|probes| !probes.is_empty()), "{found}");
    assert!(run.folder.path().join("whole/report.html").is_file());
    lives.end();
}

#[test]
fn ctrl_c_at_the_controller_stops_all_agents_and_reports_what_was_measured() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "stopped");
    let mut controller = run.controller("2", &["--rooms", "2", "--duration", "5m"]);
    let agents = ["a", "b"].map(|out| run.agent(out, &[]));
    agents.iter().for_each(|agent| agent.wait_for("seed 1"));
    controller.interrupt();
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["run"]["stopped_by"]), (Some(130), &"SIGINT".into()), "{told}");
    assert_eq!(summary["counts"]["edges"]["planned"], 6);
    end_all(agents, 130);
}

#[test]
fn kubernetes_takes_the_manifest() {
    let folder = tempfile::tempdir().expect("a folder");
    let args =
        ["manifest", "kubernetes", "ci", "--agents", "3", "--run", "nightly", "--target", "wss://s.example.org/"];
    let output = meshload(folder.path(), &args).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let manifest = String::from_utf8(output.stdout).expect("UTF-8");
    let python = |args: &[&str]| {
        let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/python");
        Command::new("python3").env("PYTHONPATH", packages).args(args).output()
    };
    if !python(&["-c", "import kubernetes_validate"]).is_ok_and(|output| output.status.success()) {
        return skip("kubernetes-validate is not installed (scripts/setup)");
    }
    let judged = |text: &str| {
        let path = folder.path().join("run.yaml");
        std::fs::write(&path, text).expect("a file");
        let judged = python(&["-m", "kubernetes_validate", "--strict", &path.display().to_string()]).expect("python3");
        let told = [judged.stdout, judged.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        (judged.status.success(), told)
    };
    let (is_sound, told) = judged(&manifest);
    assert!(is_sound && told.matches("passed for resource").count() == 3, "{told}");
    let (is_sound, told) = judged(&manifest.replace("backoffLimit", "backofLimit"));
    assert!(!is_sound && told.contains("'backofLimit' was unexpected"), "{told}");
}

#[test]
fn each_obstacle_is_told_in_one_sentence_before_anything_is_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |args: &[&str], code: i32, why: &str| {
        let output = meshload(folder.path(), args).output().expect("the program starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(code) && told.contains(why), "{args:?}: {:?} {told}", output.status);
    };
    // Port 9 of loopback: nothing listens there, and nothing would be sent.
    let run = ["run", "--bus", "nats://127.0.0.1:9", "--agents", "2", "--target", "ws://127.0.0.1:9/"];
    let with = |more: &[&'static str]| [&run[..], more].concat();
    check(&run, 1, "--bus: no connection to 127.0.0.1:9");
    check(&run, 1, "; nothing listens there: start one with `nats-server -js -p 9`, or name the port of yours");
    check(&with(&["--control", "--dialect", "peerjs"]), 2, "--control: only the dialect dashboard has a server");
    check(&with(&["--target-pid", "4194305"]), 2, "--target-pid 4194305: ");
    check(&with(&["--agents", "11"]), 2, "cannot be used multiple times");
    check(&with(&["--rooms", "1"]), 2, "--agents 2: the plan has 1 room, and a room is never split");
    check(&with(&["--workers", "1"]), 2, "give them to `meshload agent`");
    check(&with(&["--run", "a.b"]), 2, "--run: a run's name has");
    check(&with(&["--lost-after", "1s"]), 2, "at least 2s");
    check(&["run", "--bus", "nats://127.0.0.1:9", "--agents", "2"], 2, "name the --target that all agents load");
    check(&["run", "--bus", "nats://127.0.0.1:9"], 2, "--agents");
    check(&["agent", "--bus", "nats://192.0.2.1", "--run", "x"], 2, "nats:// is not encrypted");
    check(&["agent", "--bus", "http://127.0.0.1:9", "--run", "x"], 2, "the scheme is nats:// or tls://");
    check(&["agent", "--bus", "nats://u:secret@127.0.0.1:9", "--run", "x"], 1, "no connection to 127.0.0.1:9");
    let search = ["capacity", "--bus", "nats://127.0.0.1:9", "--agents", "2", "--target", "ws://127.0.0.1:9/"];
    let with = |more: &[&'static str]| [&search[..], more].concat();
    check(&search, 1, "--bus: no connection to 127.0.0.1:9");
    // A token is each agent's own.
    let token = ["--header", "Authorization: Bearer {token}"];
    check(&with(&token), 1, "--bus: no connection to 127.0.0.1:9");
    check(&with(&["--workers", "1"]), 2, "give them to `meshload agent`");
    check(&search[..5], 2, "name the --target that all agents load");
}
