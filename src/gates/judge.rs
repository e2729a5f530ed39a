//! Evaluation of gates on the metrics of a run.

use crate::gates::metric::Sort;
use crate::gates::{Aggregation, Gate};
use crate::summary::{Clock, GateResult, Readings, Summary, distribution::samples_needed};

/// The result of each gate, in their order. A gate on a metric without data fails.
pub fn judge(gates: &[Gate], readings: &impl Readings) -> Vec<GateResult> {
    gates.iter().map(|gate| result(gate, readings)).collect()
}

/// The largest share of the peers that may be without the server at the end of a run that passes.
const LOST_SHARE_MAX: f64 = 0.01;

/// True if every gate holds, an edge opened, and the peers have the server at the end; also without gates.
pub fn passed(summary: &Summary) -> bool {
    summary.gates.iter().all(|gate| gate.ok) && !opened_no_edge(summary) && !ended_without_server(summary)
}

/// True if more than 1 % of the peers that stayed until the end of the run had no server then.
pub fn ended_without_server(summary: &Summary) -> bool {
    summary.lost_share() > LOST_SHARE_MAX
}

/// True if no edge opened: such a run has measured no mesh. A run that planned none has to have peers that joined.
pub fn opened_no_edge(summary: &Summary) -> bool {
    let counts = &summary.counts;
    counts.edges.opened == 0 && (counts.edges.planned > 0 || counts.peers.joined == 0)
}

fn result(gate: &Gate, readings: &impl Readings) -> GateResult {
    let read = |net| match &gate.metric.scenario {
        None => observe(gate, readings, net),
        Some(name) => readings.scenario(name).map_or((None, 0), |readings| observe(gate, readings, net)),
    };
    let (observed, samples) = read(false);
    let why = if observed.is_none() {
        Some("no_data")
    } else if samples < gate.samples_needed() {
        Some("too_few_samples")
    } else {
        None
    };
    let holds = |observed: Option<f64>| observed.is_some_and(|observed| gate.operator.holds(observed, gate.number));
    let (net, _) = read(true);
    let is_judged = why.is_none();
    let decided = !is_judged || holds(observed) == holds(net);
    let why = if decided { why } else { Some("generator") };
    GateResult {
        metric: gate.metric.name.clone(),
        clock: gate.metric.clock,
        scenario: gate.metric.scenario.clone(),
        expr: gate.expr(),
        observed,
        net: net.filter(|_| net != observed),
        unit: gate.unit(),
        samples,
        ok: is_judged && holds(observed),
        decided: Some(decided),
        why: why.map(str::to_owned),
        line: gate.line.clone(),
    }
}

/// The observed value in the gate's unit, and its number of samples; `net` is without the generator's share.
fn observe(gate: &Gate, readings: &dyn Readings, net: bool) -> (Option<f64>, u64) {
    let name = gate.metric.name.as_str();
    match gate.metric.sort {
        Sort::Timer => {
            let clock = if net { Clock::Net } else { gate.metric.clock.unwrap_or(Clock::Due) };
            let Some(timer) = readings.timer(name, clock).filter(|timer| !timer.is_empty()) else { return (None, 0) };
            let us = match gate.aggregation {
                Aggregation::Percentile(percentile) => timer.quantile_us(percentile / 100.0),
                Aggregation::Min => timer.min_us(),
                Aggregation::Max => timer.max_us(),
                Aggregation::Avg => timer.mean_us(),
                Aggregation::Med => timer.quantile_us(0.5),
                Aggregation::Count | Aggregation::Rate | Aggregation::Value => timer.count(),
            };
            (Some(us as f64), timer.count())
        }
        Sort::Rate => match if net { readings.net_rate(name) } else { readings.rate(name) } {
            Some((rate, of)) => (Some(rate), of),
            None => (None, 0),
        },
        Sort::Counter => match readings.counter(name) {
            // A counter counts as that many samples.
            Some(count) => (Some(count as f64), count),
            None => (None, 0),
        },
        Sort::Value => match readings.value(name) {
            Some(value) => (Some(value), 1),
            None => (None, 0),
        },
    }
}

impl Gate {
    /// The least number of samples with which the gate can be judged.
    pub fn samples_needed(&self) -> u64 {
        match (self.metric.sort, self.aggregation) {
            (Sort::Timer, Aggregation::Percentile(percentile)) => samples_needed(percentile).max(self.min_samples),
            (Sort::Timer | Sort::Rate, _) => self.min_samples,
            (Sort::Counter | Sort::Value, _) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{
        Distribution, FindingConfidence, Histogram, Outage, Rates, RunFinding, ScenarioFigures, Severity, Timer,
    };
    use std::collections::BTreeMap;

    /// `due` samples of 100 ms, or 10 ms on the clock began.
    fn measured(due: u64) -> Summary {
        let of = |us| {
            let mut histogram = Histogram::default();
            (0..due).for_each(|_| histogram.record_us(us));
            Distribution::of(&histogram)
        };
        let timer = Timer { due: of(100_000), began: of(10_000), net: None };
        let mut summary = Summary {
            timers: BTreeMap::from([("time_to_open".into(), timer)]),
            rates: Rates { edges_failed: Some(0.25), ..Rates::default() },
            amplification: Some(3.5),
            ..Summary::default()
        };
        summary.counts.edges.planned = 4;
        summary.counts.edges.failed = 1;
        summary.counts.edges.opened = 3;
        summary
    }

    fn check(gate: &str, samples: u64, ok: bool, why: Option<&str>) {
        let results = judge(&[Gate::parse_line(gate).unwrap()], &measured(samples));
        assert_eq!((results[0].ok, results[0].why.as_deref()), (ok, why), "{gate}: {:?}", results[0]);
    }

    #[test]
    fn due_is_read_unless_the_gate_asks_for_began() {
        check("time_to_open: p(95) < 99ms", 20, false, Some("generator"));
        check("time_to_open: p(95) < 101ms", 20, true, None);
        check("time_to_open.began: p(95) < 11ms", 20, true, None);
        check("time_to_open: count == 20", 20, true, None);
    }

    #[test]
    fn a_percentile_with_one_sample_too_few_fails_and_says_so() {
        check("time_to_open: p(95) < 1s", 20, true, None);
        check("time_to_open: p(95) < 1s", 19, false, Some("too_few_samples"));
        check("time_to_open: p(99) < 1s", 100, true, None);
        check("time_to_open: p(99) < 1s", 99, false, Some("too_few_samples"));
        check("time_to_open: p(99.9) < 1s", 1_000, true, None);
        check("time_to_open: max < 1s", 1, true, None);
    }

    #[test]
    fn nothing_measured_is_no_pass() {
        check("message_rtt: max < 1s", 20, false, Some("no_data"));
        check("messages_lost: rate < 1%", 20, false, Some("no_data"));
        check("signaling_bytes_per_edge: value < 1MB", 20, false, Some("no_data"));
        assert!(opened_no_edge(&Summary::default()) && !passed(&Summary::default()));
        let mut presence = Summary::default();
        presence.counts.peers.joined = 2;
        assert!(passed(&presence));
        assert!(passed(&measured(1)));
    }

    #[test]
    fn rates_counters_and_values_are_compared_in_their_units() {
        check("edges_failed: rate <= 25%", 1, true, None);
        check("edges_failed: rate < 25%", 1, false, None);
        check("edges.failed: count == 1", 1, true, None);
        check("edges.dropped: count == 0", 1, true, None);
        check("amplification: value < 3.5", 1, false, None);
    }

    #[test]
    fn what_is_known_at_the_end_alone_can_be_asked_for_too() {
        let mut summary = measured(20);
        summary.counts.peers.lost = 2;
        let outage = |never| Outage { never, ..Outage::default() };
        summary.outages = vec![outage(0), outage(2)];
        let finding = |id: &str, severity| RunFinding {
            id: id.into(),
            severity,
            confidence: FindingConfidence::High,
            sentence: String::new(),
            evidence: vec![],
            remedy: String::new(),
            share: 1.0,
        };
        let found = [("drift", Severity::Fault), ("dialect", Severity::Hint), ("untested", Severity::Hint)];
        summary.findings = found.map(|(id, severity)| finding(id, severity)).into();
        for (metric, count) in [("peers.lost", 2), ("outages.unrecovered", 1), ("findings", 2), ("findings.fault", 1)] {
            for (limit, ok) in [(count, true), (count - 1, false)] {
                let gate = Gate::parse_line(&format!("{metric}: count <= {limit}")).unwrap();
                assert_eq!(judge(&[gate], &summary)[0].ok, ok, "{metric} {limit}");
            }
        }
    }

    #[test]
    fn a_gate_of_a_scenario_reads_its_rooms_alone() {
        let large = measured(40);
        let rates = Rates { edges_failed: Some(0.5), ..Rates::default() };
        let large = ScenarioFigures { timers: large.timers, counts: large.counts, rates, ..ScenarioFigures::default() };
        let summary = Summary { scenarios: BTreeMap::from([("large".to_owned(), large)]), ..measured(20) };
        for (gate, ok, samples) in [
            ("time_to_open: count == 20", true, 20),
            ("time_to_open{scenario=large}: count == 40", true, 40),
            ("edges_failed{scenario=large}: rate < 50%", false, 4),
            ("edges_failed: rate < 50%", true, 4),
            ("time_to_open{scenario=small}: count == 0", false, 0),
        ] {
            let result = &judge(&[Gate::parse_line(gate).unwrap()], &summary)[0];
            assert_eq!((result.ok, result.samples), (ok, samples), "{gate}");
            assert!(gate.starts_with(&result.metric_in_words()), "{}", result.metric_in_words());
        }
    }

    #[test]
    fn min_samples_raises_what_is_needed() {
        let gate = |min_samples| Gate { min_samples, ..Gate::parse_line("edges_failed: rate < 50%").unwrap() };
        let why = |min_samples| judge(&[gate(min_samples)], &measured(1))[0].why.clone();
        assert_eq!((why(4), why(5).as_deref()), (None, Some("too_few_samples")));
    }

    #[test]
    fn the_expression_is_shown_in_one_spelling() {
        let results = judge(&[Gate::parse_line("time_to_open:p95<0.8s").unwrap()], &measured(20));
        assert_eq!(results[0].expr, "p(95) < 800ms");
    }
}
