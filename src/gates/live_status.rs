//! Gates during a run: their current status, and the abort gate that ends the run.

use crate::gates::metric::Sort;
use crate::gates::{Aggregation, Gate, Operator};
use crate::summary::{Clock, GateResult};
use std::time::Duration;

/// The numbers of gates by their status if the run ended now, and the first that would fail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveStatus {
    pub holding: u64,
    pub failing: u64,
    /// Gates with too few samples, or that can still recover.
    pub undecided: u64,
    pub first_failing: Option<GateResult>,
}

/// The current status of `gates`, by their results so far.
pub fn live_status(gates: &[Gate], results: &[GateResult]) -> LiveStatus {
    let mut status = LiveStatus::default();
    for (gate, result) in gates.iter().zip(results) {
        if result.ok && result.is_decided() {
            status.holding += 1;
        } else if fails(gate, result) {
            status.failing += 1;
            status.first_failing.get_or_insert_with(|| result.clone());
        } else {
            status.undecided += 1;
        }
    }
    status
}

/// The first `abort` gate that ends a run which has lasted for `elapsed`: it fails, has enough samples, and can't
/// recover.
pub fn tripped<'a>(gates: &[Gate], elapsed: Duration, results: &'a [GateResult]) -> Option<&'a GateResult> {
    let mut armed = gates.iter().zip(results).filter(|(gate, _)| gate.abort && elapsed >= gate.after);
    armed.find(|(gate, result)| fails(gate, result)).map(|(_, result)| result)
}

/// The timers that `gates` read, gross and net, each once: the only ones that live metrics need.
pub fn timers(gates: &[Gate]) -> Vec<(String, Clock)> {
    let mut timers: Vec<(String, Clock)> = vec![];
    for metric in gates.iter().map(|gate| &gate.metric).filter(|metric| metric.sort == Sort::Timer) {
        for clock in [metric.clock.unwrap_or(Clock::Due), Clock::Net] {
            let timer = (metric.name.clone(), clock);
            if !timers.contains(&timer) {
                timers.push(timer);
            }
        }
    }
    timers
}

fn fails(gate: &Gate, result: &GateResult) -> bool {
    let observed = result.observed.filter(|_| !result.ok && result.why.is_none());
    observed.is_some_and(|observed| !can_recover(gate, observed))
}

/// True if a longer run can make the gate hold: counts and maxima only grow, minima only fall. Other aggregations move
/// both ways, and are judged by their current value.
fn can_recover(gate: &Gate, observed: f64) -> bool {
    let asks_for_more = match gate.operator {
        Operator::Greater | Operator::AtLeast => true,
        Operator::Equal => observed < gate.number,
        Operator::Less | Operator::AtMost => false,
    };
    match gate.aggregation {
        Aggregation::Count | Aggregation::Max => asks_for_more,
        Aggregation::Min => !asks_for_more,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::judge;
    use crate::summary::{Distribution, Histogram, Rates, Summary, Timer};
    use std::collections::BTreeMap;

    /// Twenty opened edges, each after 100 ms.
    fn measured() -> Summary {
        let mut histogram = Histogram::default();
        (0..20).for_each(|_| histogram.record_us(100_000));
        let timer = Timer { due: Distribution::of(&histogram), began: Distribution::of(&histogram), net: None };
        let mut summary = Summary {
            timers: BTreeMap::from([("time_to_open".into(), timer)]),
            rates: Rates { edges_failed: Some(0.25), ..Rates::default() },
            ..Summary::default()
        };
        summary.counts.edges.planned = 4;
        summary.counts.edges.opened = 20;
        summary
    }

    fn check_trip(gate: &str, abort: bool, elapsed_s: u64, trips: bool) {
        let parsed = Gate { abort, after: Duration::from_secs(30), ..Gate::parse_line(gate).unwrap() };
        let gates = [parsed];
        let results = judge(&gates, &measured());
        let result = tripped(&gates, Duration::from_secs(elapsed_s), &results);
        assert_eq!(result.is_some(), trips, "{gate}");
    }

    #[test]
    fn only_an_abort_gate_that_has_seen_enough_ends_the_run() {
        check_trip("time_to_open: p(95) < 99ms", true, 30, true);
        check_trip("time_to_open: p(95) < 99ms", true, 29, false);
        check_trip("time_to_open: p(95) < 99ms", false, 30, false);
        check_trip("time_to_open: p(95) < 101ms", true, 30, false);
        check_trip("time_to_open: p(99) < 99ms", true, 30, false);
        check_trip("message_rtt: p(95) < 99ms", true, 30, false);
    }

    #[test]
    fn what_can_still_grow_to_its_limit_ends_nothing() {
        check_trip("edges.opened: count >= 21", true, 30, false);
        check_trip("edges.opened: count == 21", true, 30, false);
        check_trip("edges.opened: count == 19", true, 30, true);
        check_trip("edges.opened: count < 20", true, 30, true);
        check_trip("time_to_open: max > 200ms", true, 30, false);
        check_trip("time_to_open: max < 50ms", true, 30, true);
        check_trip("time_to_open: min < 50ms", true, 30, false);
        check_trip("time_to_open: min > 200ms", true, 30, true);
    }

    #[test]
    fn gates_stand_as_holding_failing_or_undecided() {
        let gates = [
            "time_to_open: p(95) < 1s",
            "time_to_open: p(99) < 1s",
            "edges_failed: rate < 1%",
            "time_to_open: med < 1ms",
            "edges.opened: count >= 100",
            "message_rtt: max < 1s",
        ]
        .map(|gate| Gate::parse_line(gate).unwrap());
        let status = live_status(&gates, &judge(&gates, &measured()));
        assert_eq!((status.holding, status.failing, status.undecided), (1, 2, 3));
        assert_eq!(status.first_failing.unwrap().metric, "edges_failed");
    }

    #[test]
    fn each_timer_is_asked_for_once() {
        let gates = [
            "time_to_open: p(95) < 1s",
            "time_to_open: p(99) < 1s",
            "time_to_open.began: med < 1s",
            "edges_failed: rate < 1%",
        ]
        .map(|gate| Gate::parse_line(gate).unwrap());
        assert_eq!(
            timers(&gates),
            [Clock::Due, Clock::Net, Clock::Began].map(|clock| ("time_to_open".to_owned(), clock))
        );
    }
}
