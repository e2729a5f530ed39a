//! Gates while the run goes on: how each stands, and which of them ends it.

use crate::gates::judge::result;
use crate::gates::metric::Sort;
use crate::gates::{Aggregation, Gate, Operator};
use crate::summary::distribution::Clock;
use crate::summary::metric::Readings;
use crate::summary::verdict::GateResult;
use std::time::Duration;

/// How many gates would hold if the run ended now, and the first that would not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveStatus {
    pub holding: u64,
    pub failing: u64,
    /// Too few samples, or more of the run can still cure it.
    pub undecided: u64,
    pub first_failing: Option<GateResult>,
}

/// How `gates` stand at this moment of a run.
pub fn standing(gates: &[Gate], readings: &impl Readings) -> LiveStatus {
    let mut standing = LiveStatus::default();
    for gate in gates {
        let result = result(gate, readings);
        if result.ok {
            standing.holding += 1;
        } else if fails(gate, &result) {
            standing.failing += 1;
            standing.first_failing.get_or_insert(result);
        } else {
            standing.undecided += 1;
        }
    }
    standing
}

/// The first gate that ends a run which has lasted for `elapsed`: one marked `abort` that fails on what it was meant
/// to see. Too few samples end nothing, as more may come; nor does a count that may still grow to what was asked.
pub fn tripped(gates: &[Gate], elapsed: Duration, readings: &impl Readings) -> Option<GateResult> {
    let armed = gates.iter().filter(|gate| gate.abort && elapsed >= gate.after);
    armed
        .map(|gate| (gate, result(gate, readings)))
        .find(|(gate, result)| fails(gate, result))
        .map(|(_, result)| result)
}

/// The timers that `gates` read, each once: what a copy of the books must hold to judge them.
pub fn timers(gates: &[Gate]) -> Vec<(String, Clock)> {
    let mut timers: Vec<(String, Clock)> = vec![];
    for metric in gates.iter().map(|gate| &gate.metric).filter(|metric| metric.sort == Sort::Timer) {
        let timer = (metric.name.clone(), metric.clock.unwrap_or(Clock::Due));
        if !timers.contains(&timer) {
            timers.push(timer);
        }
    }
    timers
}

fn fails(gate: &Gate, result: &GateResult) -> bool {
    let observed = result.observed.filter(|_| !result.ok && result.why.is_none());
    observed.is_some_and(|observed| !can_recover(gate, observed))
}

/// Counts and maxima only grow, minima only fall: what is short of its limit may still reach it. The other
/// aggregations move both ways, and are judged by where they are.
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
    use crate::summary::distribution::{Distribution, Timer};
    use crate::summary::histogram::Histogram;
    use crate::summary::{Rates, Summary};
    use std::collections::BTreeMap;

    /// Twenty edges opened, each after 100 ms.
    fn measured() -> Summary {
        let mut histogram = Histogram::default();
        (0..20).for_each(|_| histogram.record_us(100_000));
        let timer = Timer { due: Distribution::of(&histogram), began: Distribution::of(&histogram) };
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
        let result = tripped(&[parsed], Duration::from_secs(elapsed_s), &measured());
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
        let standing = standing(&gates, &measured());
        assert_eq!((standing.holding, standing.failing, standing.undecided), (1, 2, 3));
        assert_eq!(standing.first_failing.unwrap().metric, "edges_failed");
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
            [("time_to_open".to_owned(), Clock::Due), ("time_to_open".to_owned(), Clock::Began)]
        );
    }
}
