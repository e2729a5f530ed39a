//! Gates over repeated runs: for each gate the result of the median run.

use crate::gates::{Gate, Operator};
use crate::summary::{GateResult, Summary};

/// For each gate the result of the median run, as that run decided it, with runs ordered from best to worst for that
/// gate. Of an even number of runs it is the worse of the two in the middle, since quantiles are never averaged. Empty
/// without runs.
pub fn median(gates: &[Gate], runs: &[&Summary]) -> Vec<GateResult> {
    let median = |(index, gate): (usize, &Gate)| {
        let mut results: Vec<&GateResult> = runs.iter().filter_map(|run| run.gates.get(index)).collect();
        results.sort_by(|a, b| severity(gate, a).total_cmp(&severity(gate, b)));
        results.get(results.len() / 2).map(|result| (*result).clone())
    };
    gates.iter().enumerate().filter_map(median).collect()
}

/// The sort key of a result: higher is worse, and nothing measured is worst.
fn severity(gate: &Gate, result: &GateResult) -> f64 {
    let Some(observed) = result.observed else { return f64::INFINITY };
    match gate.operator {
        Operator::Less | Operator::AtMost => observed,
        Operator::Greater | Operator::AtLeast => -observed,
        Operator::Equal => (observed - gate.number).abs(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::decide;
    use crate::summary::{Doubt, Rates};
    use std::time::Duration;

    fn check(gate: &str, rates: &[Option<f64>], observed: Option<f64>, ok: bool) {
        let gates = [Gate::parse_line(gate).unwrap()];
        let runs: Vec<Summary> = rates.iter().map(|rate| run(&gates, *rate, true)).collect();
        let result = &median(&gates, &runs.iter().collect::<Vec<_>>())[0];
        assert_eq!((result.observed, result.ok), (observed, ok), "{gate} over {rates:?}");
    }

    fn run(gates: &[Gate], rate: Option<f64>, offered: bool) -> Summary {
        let rates = Rates { edges_failed: rate, mesh_complete: rate, ..Rates::default() };
        let mut summary = Summary { rates, ..Summary::default() };
        summary.counts.edges.opened = 1;
        summary.offered.offered = offered;
        summary.offered.doubts = vec![Doubt::default(); usize::from(!offered)];
        decide(gates, Duration::ZERO, &mut summary);
        summary
    }

    #[test]
    fn a_median_that_rests_on_a_load_that_was_not_offered_stays_undecided() {
        let gates = [Gate::parse_line("edges_failed: rate < 10%").unwrap()];
        let runs = [run(&gates, Some(0.01), true), run(&gates, Some(0.02), false), run(&gates, Some(0.03), true)];
        let result = &median(&gates, &runs.iter().collect::<Vec<_>>())[0];
        assert_eq!((result.observed, result.why.as_deref()), (Some(0.02), Some("load_not_offered")));
        assert!(!result.is_decided());
    }

    #[test]
    fn the_run_in_the_middle_counts_and_of_two_the_worse() {
        check("edges_failed: rate < 10%", &[Some(0.5), Some(0.05), Some(0.01)], Some(0.05), true);
        check("edges_failed: rate < 10%", &[Some(0.05), Some(0.2)], Some(0.2), false);
        check("mesh_complete: rate > 90%", &[Some(0.95), Some(0.8)], Some(0.8), false);
        check("mesh_complete: rate > 90%", &[Some(0.95), Some(0.8), Some(0.99)], Some(0.95), true);
        check("mesh_complete: rate == 100%", &[Some(1.0), Some(1.0), Some(0.5)], Some(1.0), true);
    }

    #[test]
    fn a_run_that_measured_nothing_is_the_worst() {
        check("edges_failed: rate < 10%", &[None, Some(0.01)], None, false);
        check("edges_failed: rate < 10%", &[None, Some(0.01), Some(0.02)], Some(0.02), true);
    }

    #[test]
    fn without_runs_there_is_nothing_to_say() {
        assert_eq!(median(&[Gate::parse_line("edges_failed: rate < 10%").unwrap()], &[]), []);
    }
}
