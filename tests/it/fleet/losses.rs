//! Processes of a run on a bus that end without a word (SIGKILL): one may, and how it is told.
//! `MESHLOAD_ROUNDS=20` plays each so often.

use super::merged;
use super::metrics::{LISTEN, address, page};
use super::nats::{BusRun, Nats, end_all};
use std::thread;
use std::time::{Duration, Instant};
use support::serving::Serving;

/// Agents are lost soon, so that the tests are short.
const SOON: [&str; 2] = ["--lost-after", "3s"];

/// Bounds a wait that is not the test's subject.
const PATIENCE: Duration = Duration::from_secs(120);

fn rounds(play: impl Fn(&Nats, &Serving, &str)) {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let rounds: u32 = std::env::var("MESHLOAD_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    (0..rounds).for_each(|round| play(&nats, &target, &format!("r{round}")));
}

#[test]
fn an_agent_that_dies_before_the_start_is_replaced() {
    rounds(|nats, target, name| {
        let run = BusRun::new(nats, target, name);
        let controller = run.controller("2", &[&SOON[..], &["--rooms", "4", "--duration", "100ms"]].concat());
        let mut first = run.agent("first", &["--slot", "0"]);
        controller.wait_for("slot 0: an agent on");
        first.kill();
        let agents = ["a", "b"].map(|out| run.agent(out, &[]));
        let (code, summary, told) = controller.end();
        assert_eq!((code, &summary["run"]["complete"]), (Some(0), &true.into()), "{told}");
        assert_eq!(summary["counts"]["edges"]["opened"], 12);
        end_all(agents, 0);
    });
}

#[test]
fn an_agent_that_dies_after_the_start_leaves_the_run_incomplete_unless_that_is_tolerated() {
    rounds(|nats, target, name| {
        let plan = ["--rooms", "5", "--duration", "3s"];
        let cases = [("strict", &[][..], 97), ("tolerant", &["--tolerate-loss", "70%"][..], 0)];
        let runs = cases.map(|(case, args, code)| (format!("{name}-{case}"), args, code));
        thread::scope(|scope| {
            for (name, args, expected) in &runs {
                scope.spawn(move || {
                    let run = BusRun::new(nats, target, name);
                    let controller = run.controller("2", &[&SOON[..], &plan, args].concat());
                    let mut dies = run.agent("dies", &["--slot", "0"]);
                    let lives = run.agent("lives", &["--slot", "1"]);
                    controller.wait_for("all 2 agents are ready");
                    dies.kill();
                    let began = Instant::now();
                    let (code, summary, told) = controller.end();
                    assert_eq!((code, &summary["run"]["complete"]), (Some(*expected), &false.into()), "{told}");
                    assert!(told.contains("slot 0 is lost: its agent was silent"), "{told}");
                    assert!(began.elapsed() < PATIENCE);
                    let lost = summary["fleet"].as_array().expect("a fleet").iter().map(|agent| agent["lost"] == true);
                    assert_eq!(lost.collect::<Vec<_>>(), [true, false]);
                    let missing = summary["missing"][0].as_str().expect("a sentence").to_owned();
                    assert!(missing.starts_with("1 part missing (1/2): measured were 2 of 5 rooms"), "{missing}");
                    end_all([lives], *expected);
                });
            }
        });
    });
}

#[test]
fn agents_stop_without_their_controller_and_their_parts_can_be_merged() {
    rounds(|nats, target, name| {
        let run = BusRun::new(nats, target, name);
        let mut controller = run.controller("2", &[&SOON[..], &["--rooms", "4", "--duration", "5m"]].concat());
        let agents = ["a", "b"].map(|out| run.agent(out, &[]));
        agents.iter().for_each(|agent| agent.wait_for("seed 1"));
        controller.kill();
        for agent in agents {
            let (code, _, told) = agent.end();
            assert!(code == Some(97) && told.contains("part.mesh"), "{code:?} {told}");
        }
        let (output, summary) = merged(run.folder.path(), &["a", "b"]);
        assert_eq!(output.status.code(), Some(97), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(summary["run"]["stopped_by"], "the loss of the controller");
    });
}

#[test]
fn the_bus_may_die_while_the_run_is_played() {
    let Some(mut nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "bus");
    let controller = run.controller("2", &["--rooms", "4", "--duration", "2s"]);
    let agents = ["a", "b"].map(|out| run.agent(out, &[]));
    controller.wait_for("all 2 agents are ready");
    // Until the agents have heard of the start.
    agents.iter().for_each(|agent| agent.wait_for("seed 1"));
    nats.kill();
    controller.wait_for("the bus is away");
    nats.start_again();
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["run"]["complete"]), (Some(0), &true.into()), "{told}");
    assert_eq!(summary["counts"]["edges"]["opened"], 12);
    end_all(agents, 0);
}

#[test]
fn an_agent_that_stands_still_is_lost_and_stops_when_it_wakes() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "still");
    let controller = run.controller("2", &[&SOON[..], &["--rooms", "4", "--duration", "5m"]].concat());
    let [mut sleeps, lives] = ["a", "b"].map(|out| run.agent(out, &[]));
    [&sleeps, &lives].iter().for_each(|agent| agent.wait_for("seed 1"));
    sleeps.signal("-STOP");
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["run"]["complete"]), (Some(97), &false.into()), "{told}");
    sleeps.signal("-CONT");
    for agent in [lives, sleeps] {
        let (code, _, told) = agent.end();
        // The one that slept reads first that all were to stop, or already that the run is over.
        let is_told = told.contains("stopped by the loss of ") && told.contains("part.mesh");
        assert!(code == Some(97) && is_told, "{code:?} {told}");
    }
}

#[test]
fn an_agent_that_begins_late_is_told_in_the_report() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "late");
    let controller = run.controller("2", &["--rooms", "4", "--duration", "2s"]);
    let agents = ["0", "1"].map(|slot| run.agent(slot, &[&["--slot", slot][..], &LISTEN].concat()));
    let [mut sleeps, begins] = agents;
    controller.wait_for("all 2 agents are ready");
    // The start is 2 s ahead.
    sleeps.signal("-STOP");
    page(&address(&begins), &["meshload_peers{outcome=\"joined\"} 6\n"]);
    sleeps.signal("-CONT");
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["counts"]["edges"]["opened"]), (Some(0), &12.into()), "{told}");
    assert_eq!((&summary["offered"]["offered"], &summary["run"]["complete"]), (&false.into(), &true.into()));
    let doubts = summary["offered"]["doubts"].as_array().expect("doubts");
    let late: Vec<&str> =
        doubts.iter().filter_map(|doubt| doubt["what"].as_str()?.strip_suffix(": its start")).collect();
    assert!(late.len() == 1 && late[0].starts_with("1/2 on "), "{doubts:?}");
    assert_eq!(summary["validity"]["verdict"], "INVALID");
    end_all([begins, sleeps], 0);
}

#[test]
fn ctrl_c_at_one_agent_is_told_and_stops_them_all_unless_its_share_may_be_lost() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "one");
    let controller = run.controller("2", &["--rooms", "4", "--duration", "5m"]);
    let mut agents = ["a", "b"].map(|out| run.agent(out, &[]));
    agents.iter().for_each(|agent| agent.wait_for("seed 1"));
    agents[0].interrupt();
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["run"]["stopped_by"]), (Some(130), &"SIGINT".into()), "{told}");
    assert!(told.contains(" was stopped on ") && told.contains(": SIGINT"), "{told}");
    assert_eq!((&summary["run"]["complete"], &summary["counts"]["edges"]["planned"]), (&true.into(), &12.into()));
    end_all(agents, 130);
}

#[test]
fn an_agent_hears_why_the_run_does_not_begin_and_one_that_cannot_write_its_part_hands_it_over() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "few");
    let controller = run.controller("2", &["--rooms", "2", "--join-timeout", "2s"]);
    let agent = run.agent("alone", &[]);
    let (code, _, told) = controller.end();
    assert_eq!(code, Some(97), "{told}");
    let (code, _, told) = agent.end();
    assert!(code == Some(97) && told.contains("1 of 2 agents ready; free slots: 1 after 2 s"), "{code:?} {told}");

    let run = BusRun::new(&nats, &target, "blocked");
    let controller = run.controller("1", &["--rooms", "2", "--duration", "100ms"]);
    let agent = run.agent("blocked", &[]);
    agent.wait_for("slot 0 of 1");
    // The folder was fine when the agent looked.
    let out = run.folder.path().join("blocked");
    let _ = std::fs::remove_dir(&out);
    std::fs::write(&out, "a file").expect("a file");
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["run"]["complete"]), (Some(0), &true.into()), "{told}");
    end_all([agent], 1);
}
