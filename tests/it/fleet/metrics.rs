//! Metrics of a run on several machines: each share's own, and the sums at the controller.

use super::nats::{BusRun, Nats, Process};
use crate::telemetry::ask;
use std::time::Duration;
use support::holds_within;
use support::serving::Serving;

/// Twelve edges on two agents, six each; a signal ends it.
const PLAN: [&str; 4] = ["--rooms", "4", "--duration", "5m"];
pub const LISTEN: [&str; 2] = ["--metrics-listen", "127.0.0.1:0"];

/// The page of a process, once it has all of `words`.
pub fn page(process: &str, words: &[&str]) -> String {
    let mut body = String::new();
    let is_shown = holds_within(Duration::from_secs(60), || {
        (_, body) = ask(process, "GET /metrics").expect("the page is there while the run goes on");
        words.iter().all(|word| body.contains(word))
    });
    assert!(is_shown, "never shown: {words:?}\n{body}");
    body
}

/// The address of the page that a process tells of.
pub fn address(process: &Process) -> String {
    process.told_after("metrics: http://").trim_end_matches("/metrics").to_owned()
}

#[test]
fn agents_show_their_own_shares_and_the_controller_their_sums_and_then_the_run() {
    let Some(nats) = Nats::start() else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "shown");
    let mut controller = run.controller("2", &[&PLAN[..], &LISTEN].concat());
    let shown = address(&controller);
    let agents = ["0", "1"].map(|slot| run.agent(slot, &[&["--slot", slot][..], &LISTEN].concat()));
    let pages: Vec<String> = agents.iter().map(address).collect();

    let sums = page(&shown, &["meshload_agents_edges{outcome=\"opened\"} 12\n", "meshload_run_info{"]);
    assert!(!sums.contains("meshload_edges{") && !sums.contains("meshload_rooms"), "it knows no more: {sums}");
    for (slot, address) in pages.iter().enumerate() {
        let slot = format!("slot=\"{slot}\"");
        let share = page(address, &["meshload_edges{outcome=\"opened\"} 6\n", &slot]);
        assert!(share.contains("meshload_time_to_open_seconds_count{clock=\"due\"} 6\n"), "{share}");
    }
    controller.interrupt();
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["counts"]["edges"]["opened"]), (Some(130), &12.into()), "{told}");
    let file = std::fs::read_to_string(run.folder.path().join("whole/metrics.prom")).expect("the report");
    assert!(file.contains("meshload_edges{outcome=\"opened\"} 12\n") && file.contains("meshload_run_result"), "{file}");
    super::nats::end_all(agents, 130);
}
