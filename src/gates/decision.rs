//! Decides gates gross and net of the generator's share, and with them whose figures a run's are.

use crate::gates::judge::{judge, passed};
use crate::gates::{Aggregation, Gate};
use crate::summary::distribution::samples_needed;
use crate::summary::{Clock, Doubt, GateResult, Summary, Verdict};
use crate::vocabulary::format::duration;
use std::cmp::Reverse;
use std::time::Duration;

/// The generator's share of a figure, relative to the figure, from which the figure is in doubt.
const SHARE_MAX: f64 = 0.1;

/// The figures that are looked at besides those of the gates.
const HEADLINES: [&str; 2] = ["time_to_open", "room_complete"];

/// Judges the gates and completes the validity of a summary, which so far holds what makes any run INVALID. A figure is
/// in doubt if the generator's share of it exceeds a tenth and `least`. Called once a summary.
pub fn decide(gates: &[Gate], least: Duration, summary: &mut Summary) {
    summary.gates = judge(gates, summary);
    let mut found = vec![];
    let fails = summary.gates.iter().any(|gate| !gate.ok && gate.is_decided());
    if fails {
        // The target failed under less than was planned: that explains the figures, and changes no answer.
        summary.validity.hints.extend(summary.offered.doubts.iter().cloned());
    } else if !summary.offered.offered {
        let has_passed = passed(summary);
        let verdict = if has_passed { Verdict::Invalid } else { Verdict::Suspect };
        found.extend(summary.offered.doubts.iter().cloned().map(|doubt| (verdict, doubt)));
        for gate in summary.gates.iter_mut().filter(|_| has_passed) {
            gate.decided = Some(false);
            gate.why = Some("load_not_offered".to_owned());
        }
    }
    let undecided = summary.gates.iter().filter(|gate| gate.why.as_deref() == Some("generator"));
    found.extend(undecided.map(|gate| (Verdict::Invalid, undecided_gate(gate))));
    found.extend(HEADLINES.iter().filter_map(|name| Some((Verdict::Suspect, in_doubt(name, least, gates, summary)?))));
    found.sort_by_key(|(verdict, _)| Reverse(*verdict));
    let validity = &mut summary.validity;
    validity.verdict = found.iter().map(|(verdict, _)| *verdict).fold(validity.verdict, Verdict::max);
    validity.reasons.extend(found.into_iter().map(|(_, doubt)| doubt));
}

fn undecided_gate(gate: &GateResult) -> Doubt {
    Doubt {
        what: format!("gate {} {}: undecided (generator)", gate.metric_in_words(), gate.expr),
        observed: format!("{}, without the generator's share {}", gate.observed_in_words(), gate.net_in_words()),
        limit: "the same answer for both".into(),
        cure: "fewer peers on this machine, more cores, or a machine that does nothing else".into(),
    }
}

/// The first percentile of a timer of which too much is the generator's, if no gate reads the timer.
fn in_doubt(name: &str, least: Duration, gates: &[Gate], summary: &Summary) -> Option<Doubt> {
    let is_judged = |gate: &Gate| gate.metric.is_of_run(name) && gate.aggregation != Aggregation::Count;
    let timer = summary.timers.get(name).filter(|_| !gates.iter().any(is_judged))?;
    let (gross, net) = (&timer.due, timer.on(Clock::Net));
    let pairs = [("p50", 50.0, gross.p.p50, net.p.p50), ("p95", 95.0, gross.p.p95, net.p.p95)];
    let pairs = pairs.into_iter().chain([("p99", 99.0, gross.p.p99, net.p.p99)]);
    let allowed = |gross: u64| ((gross as f64 * SHARE_MAX) as u64).max(least.as_micros() as u64);
    let mut known = pairs.filter(|(_, at, ..)| gross.count >= samples_needed(*at));
    let (called, _, gross, net) = known.find(|(_, _, gross, net)| gross.saturating_sub(*net) > allowed(*gross))?;
    Some(Doubt {
        what: format!("{name} {called} carries this generator's share"),
        observed: format!("{} of {}", duration(gross - net), duration(gross)),
        limit: duration(allowed(gross)),
        cure: "read the figure net of it, or use fewer peers on this machine".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{Distribution, Histogram, Timer};
    use std::collections::BTreeMap;

    const LEAST: Duration = Duration::from_millis(10);

    /// A run whose 200 edges took `gross_ms`, of which `net_ms` are not the generator's.
    fn measured(gross_ms: u64, net_ms: u64, offered: bool) -> Summary {
        let of = |ms: u64| {
            let mut histogram = Histogram::default();
            (0..200).for_each(|_| histogram.record_us(ms * 1_000));
            Distribution::of(&histogram)
        };
        let timer = Timer { due: of(gross_ms), began: of(gross_ms), net: Some(of(net_ms)) };
        let timers = BTreeMap::from([("time_to_open".into(), timer)]);
        let mut summary = Summary { timers, ..Summary::default() };
        summary.counts.edges.planned = 200;
        summary.counts.edges.opened = 200;
        summary.offered.offered = offered;
        if !offered {
            summary.offered.doubts.push(Doubt::default());
        }
        summary
    }

    fn check(
        gate: Option<&str>,
        (gross_ms, net_ms, offered): (u64, u64, bool),
        verdict: Verdict,
        decided: Option<bool>,
    ) {
        let mut summary = measured(gross_ms, net_ms, offered);
        let gates: Vec<Gate> = gate.iter().map(|gate| Gate::parse_line(gate).unwrap()).collect();
        decide(&gates, LEAST, &mut summary);
        let found = (summary.validity.verdict, summary.gates.first().map(GateResult::is_decided));
        assert_eq!(found, (verdict, decided), "{gate:?}, {gross_ms} ms of which net {net_ms}: {:?}", summary.validity);
    }

    const GATE: Option<&str> = Some("time_to_open: p(95) < 800ms");

    #[test]
    fn a_gate_with_the_same_answer_gross_and_net_stands_whatever_the_strain() {
        check(GATE, (700, 30, true), Verdict::Valid, Some(true));
        check(GATE, (2_000, 900, true), Verdict::Valid, Some(true));
        check(GATE, (900, 700, true), Verdict::Invalid, Some(false));
    }

    #[test]
    fn a_pass_stands_only_if_the_load_was_offered_and_a_failure_all_the_same() {
        check(GATE, (700, 30, false), Verdict::Invalid, Some(false));
        check(GATE, (2_000, 900, false), Verdict::Valid, Some(true));
        check(None, (30, 30, false), Verdict::Invalid, None);
        let mut failed = measured(2_000, 900, false);
        decide(&[Gate::parse_line(GATE.unwrap()).unwrap()], LEAST, &mut failed);
        assert_eq!((failed.validity.reasons.len(), failed.validity.hints.len()), (0, 1), "it is told all the same");
    }

    #[test]
    fn without_a_gate_on_it_a_figure_that_is_ours_in_part_is_suspect() {
        check(None, (30, 20, true), Verdict::Valid, None);
        check(None, (31, 20, true), Verdict::Suspect, None);
        check(None, (200, 180, true), Verdict::Valid, None);
        check(None, (200, 179, true), Verdict::Suspect, None);
        check(Some("edges_failed: rate < 1%"), (200, 100, true), Verdict::Suspect, Some(true));
    }

    #[test]
    fn edges_that_this_machine_may_have_cost_decide_nothing() {
        let mut summary = measured(30, 30, true);
        summary.counts.edges.opened = 190;
        summary.counts.edges.failed = 10;
        summary.rates.edges_failed = Some(0.05);
        for (ours, decided) in [(0, true), (9, false)] {
            let mut summary = summary.clone();
            summary.counts.edges.ours = ours;
            decide(&[Gate::parse_line("edges_failed: rate < 1%").unwrap()], LEAST, &mut summary);
            assert_eq!((summary.gates[0].is_decided(), summary.gates[0].ok), (decided, false), "{ours}");
            let why = summary.validity.reasons.first().map(|doubt| doubt.observed.as_str());
            assert_eq!(why, (!decided).then_some("5.00 %, without the generator's share 0.50 %"));
        }
    }
}
