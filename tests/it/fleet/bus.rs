//! Agents on a real nats-server: one report whose counts are the plan's, and refusals before anything is loaded.

use super::nats::{BusRun, Nats};
use super::{merged, meshload};
use serde_json::Value;
use support::serving::Serving;

const PLAN: [&str; 4] = ["--rooms", "7", "--duration", "200ms"];

#[test]
fn three_agents_make_one_report_and_the_merge_of_their_parts_makes_it_again() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "three");
    // An agent may be there before its controller; one takes the slot that it is given, the others any.
    let agents = [&["--slot", "1"][..], &[], &[]];
    let agents: Vec<_> = (0..).zip(agents).map(|(index, args)| run.agent(&index.to_string(), args)).collect();
    let (code, summary, told) = run.controller("3", &PLAN).end();
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
    check(&with(&["--control"]), 2, "--control: not with --bus");
    check(&with(&["--events"]), 2, "--events: not with --bus");
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
    check(&["capacity", "--bus", "nats://127.0.0.1:9"], 2, "--bus");
}
