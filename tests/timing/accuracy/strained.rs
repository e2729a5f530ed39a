//! A generator that shares its only CPU with a spinning process, and a relay of known delay that has the other one: the
//! figures, and the gates that they decide.

use super::floor::quantile;
use super::plays::{play, signaling_pairs};
use super::processes::{apart, run_beside_a_spinner};
use super::relay::Relay;
use super::table::Row;
use meshload::summary::{Clock, GateResult, Summary};
use std::time::Duration;

/// Delay of the relay where a figure is compared with it.
const DELAY: Duration = Duration::from_millis(20);

/// Frames of a pair that the relay holds back one after the other until its edge is open.
const HOPS: u32 = 3;

const GATE: &str = "time_to_open: p(95) < 800ms";

/// `signal_delivery` through a relay of 20 ms: p50 and p95 within max(2 %, 1 ms) of what it really did.
pub fn delivery(rooms: u32) -> Vec<Row> {
    let (summary, held_us) = apart(
        || Relay::start(|_| DELAY),
        |relay| (run_beside_a_spinner(&signaling_pairs(rooms, "1s"), &["--target", &relay.url()]).1, relay.held_us()),
    );
    let timer = &summary.timers["signal_delivery"].due;
    let row = |percentile: &str, share: f64, observed: u64| {
        let expected = quantile(&held_us, share);
        let what = format!("starved, relay of 20 ms, signal_delivery {percentile} of {}", timer.count);
        Row::within(what, observed, waited(&summary), expected, (expected / 50).max(1_000))
    };
    vec![row("p50", 0.5, timer.p.p50), row("p95", 0.95, timer.p.p95)]
}

/// 200 B messages at 20/s: `message_latency` from when it was sent, within 1 ms of the same run beside nobody.
pub fn messages(rooms: u32) -> Vec<Row> {
    let profile = format!(
        "[rooms]\ncount = {rooms}\nsize = 2\n[arrivals]\nrate = \"20/s\"\n[messages]\nrate = \"20/s\"\nsize = \"200B\"\n\
         [phases]\nsteady = \"8s\"\ndrain = \"1s\"\n"
    );
    let alone = play(&profile, None, 1);
    let (_, starved) = run_beside_a_spinner(&profile, &[]);
    let p95 = |summary: &Summary| summary.timers["message_latency"].began.p.p95;
    let what = format!("starved, 200 B at 20/s, message_latency p95 of {}", starved.counts.messages.delivered);
    vec![Row::within(what, p95(&starved), waited(&starved), p95(&alone), 1_000)]
}

fn waited(summary: &Summary) -> String {
    format!("the generator waited {:.0} % of the time for its CPU", summary.health.waiting_share * 100.0)
}

/// `times` runs with a gate of 800 ms against a target that takes `target_ms`, told by a run beside nobody. Below the
/// gate no run may fail it, above it none may pass, and one far below is passed every time.
pub fn gates(target_ms: u64, times: usize) -> Row {
    let delay = Duration::from_millis(target_ms) / HOPS;
    let profile = format!("{}[gates]\ntime_to_open = [\"p(95) < 800ms\"]\n", signaling_pairs(30, "0s"));
    let (alone, runs) = apart(
        || Relay::start(move |_| delay),
        |relay| {
            let alone = play(&profile, Some(relay.url()), 1).timers["time_to_open"].on(Clock::Net).p.p95;
            let run = |_| run_beside_a_spinner(&profile, &["--target", &relay.url()]);
            (alone, (0..times).map(run).collect::<Vec<_>>())
        },
    );
    let decided = |wanted: bool| {
        let is = |gate: &GateResult| gate.is_decided() && gate.ok == wanted;
        runs.iter().filter(|(code, run)| is(&run.gates[0]) && *code == Some(if wanted { 0 } else { 99 })).count()
    };
    let (passed, failed) = (decided(true), decided(false));
    let (is_below, is_far_below) = (alone < 800_000, alone < 80_000);
    let is_right = if is_below { failed == 0 } else { passed == 0 };
    let expected = match (is_below, is_far_below) {
        (true, true) => format!("{times} passed"),
        (true, false) => "none failed".to_owned(),
        (false, _) => "none passed".to_owned(),
    };
    Row::new(
        format!("starved {times} times, {GATE}, target of {:.0} ms", alone as f64 / 1e3),
        format!("{passed} passed, {failed} failed, {} undecided", times - passed - failed),
        expected,
        is_below == (target_ms < 800) && is_right && (!is_far_below || passed == times),
    )
}

/// One starved run whose answer the machine's load may turn, and what it must say for each: exit 0 if its gates are
/// decided and held, and why that may stand; else 98, and which doubt decided nothing.
pub fn says_why() -> Row {
    let gate = "[gates]\ntime_to_open = [\"p(95) < 60s\"]\n[handshake]\ntimeout = \"60s\"\n";
    let profile = format!("{}{gate}", signaling_pairs(30, "0s"));
    let (code, run) = run_beside_a_spinner(&profile, &[]);
    let is_decided = run.gates.iter().all(|gate| gate.is_decided() && gate.ok);
    let told = meshload::report::render(meshload::report::Format::Markdown, &run);
    let why = if is_decided { "each gate has the same answer without" } else { "undecided (generator)" };
    let is_told = told.contains(why) || (is_decided && run.validity.hints.is_empty());
    let expected = if is_decided { 0 } else { 98 };
    Row::new(
        "a starved run with a gate that it decides",
        format!("exit {}, decided {is_decided}, told {is_told}", code.unwrap_or(-1)),
        format!("exit {expected} and \"{why}\" in the report"),
        code == Some(expected) && is_told && run.offered.offered == is_decided,
    )
}
