//! Prometheus metrics, valid as OpenMetrics 1.0 and as Prometheus text 0.0.4; base units, no timestamps.

use crate::gates::Gate;
use crate::report::escape::label;
use crate::summary::{
    Clock, Distribution, GateResult, Repeats, Run, Summary, Timer, Unit, Verdict, metric::DELIVERY_OF_A_KIND,
    metric::TIMERS,
};
use std::collections::BTreeMap;

pub(in crate::report) fn render(summary: &Summary) -> String {
    let mut text = String::new();
    for name in TIMERS {
        let help = "See `meshload explain`; warm-up left out.";
        timer_family(&mut text, &format!("meshload_{name}_seconds"), help, name, &summary.timers);
    }
    for (name, control) in TIMERS.into_iter().flat_map(|name| summary.control.iter().map(move |it| (name, it))) {
        let help = "The floor: the same plan, shortened, with signaling passed in memory.";
        timer_family(&mut text, &format!("meshload_control_{name}_seconds"), help, name, &control.timers);
    }
    outcomes(&mut text, summary);
    let rates = &summary.rates;
    for (name, rate) in [
        ("edges_failed", rates.edges_failed),
        ("peers_failed", rates.peers_failed),
        ("messages_lost", rates.messages_lost),
        ("mesh_complete", rates.mesh_complete),
        ("amplification", summary.amplification),
    ] {
        let help = "A fraction from 0 to 1; amplification from 1 up.";
        family(&mut text, &format!("meshload_{name}_ratio"), "gauge", help, &single(rate));
    }
    let per_edge = summary.signaling_bytes_per_edge.map(|bytes| bytes as f64);
    let help = "Signaling bytes written and read for each edge that opened.";
    family(&mut text, "meshload_signaling_bytes_per_edge", "gauge", help, &single(per_edge));
    verdicts(&mut text, &summary.gates, summary.validity.verdict);
    run_info(&mut text, &summary.run, &summary.meshload.version);
    // Absent if the certificate was checked.
    let insecure: Vec<_> = summary.run.way.iter().filter(|way| way.insecure).map(|_| (String::new(), 1.0)).collect();
    let help = "1 if the target's certificate was not checked.";
    family(&mut text, "meshload_insecure", "gauge", help, &insecure);
    text.push_str("# EOF\n");
    text
}

/// The metrics of several runs: the gates of the median run, and the medians of the percentiles.
pub(in crate::report) fn repeats(repeats: &Repeats) -> String {
    let mut text = String::new();
    let samples = repeats.timers.iter().flat_map(|(name, spread)| {
        spread.known().map(move |(at, range)| {
            let quantile = at / 100.0;
            (format!("{{timer=\"{}\",quantile=\"{quantile}\"}}", label(name)), range.median_us as f64 / 1e6)
        })
    });
    let samples: Vec<_> = samples.collect();
    let help = "A percentile from due, as the median of the runs that were judged.";
    family(&mut text, "meshload_repeats_median_seconds", "gauge", help, &samples);
    verdicts(&mut text, &repeats.gates, repeats.judged);
    run_info(&mut text, &repeats.run, env!("CARGO_PKG_VERSION"));
    text + "# EOF\n"
}

fn verdicts(text: &mut String, gates: &[GateResult], validity: Verdict) {
    let held = |gate: &GateResult| Some(f64::from(u8::from(gate.ok)));
    by_gate(text, "meshload_gate_ok", "1 if the gate holds.", gates, held);
    let parsed = |gate: &GateResult| Gate::parse(&gate.metric, &gate.expr).ok();
    let limit = |gate: &GateResult| Some(base_units(gate, parsed(gate)?.number));
    let observed = |gate: &GateResult| Some(base_units(gate, gate.observed?));
    let help = "What the gate read, in seconds, bytes or as a plain number.";
    by_gate(text, "meshload_gate_observed", help, gates, observed);
    by_gate(text, "meshload_gate_limit", "What the gate demands, in the units of what it read.", gates, limit);
    let valid = f64::from(u8::from(validity == Verdict::Valid));
    family(text, "meshload_valid", "gauge", "1 if nothing speaks against the figures.", &single(Some(valid)));
}

/// The conditions of the run, as labels to join others with.
fn run_info(text: &mut String, run: &Run, version: &str) {
    let labels = [
        ("run", run.id.as_str()),
        ("profile", &run.name),
        ("target", &run.target),
        ("dialect", &run.dialect),
        ("engine", &run.engine),
        ("seed", &run.seed.to_string()),
        ("version", version),
    ];
    let labels = labels.map(|(name, value)| format!("{name}=\"{}\"", label(value))).join(",");
    family(text, "meshload_run_info", "gauge", "What was run; always 1.", &[(format!("{{{labels}}}"), 1.0)]);
}

/// A family with one value a gate. Gates that are spelled alike read and demand the same, and hold only if all do: the least
/// value stands for them.
fn by_gate(text: &mut String, name: &str, help: &str, gates: &[GateResult], of: impl Fn(&GateResult) -> Option<f64>) {
    let mut values: BTreeMap<String, f64> = BTreeMap::new();
    for gate in gates {
        if let Some(value) = of(gate) {
            let name = format!("{}: {}", gate.metric_in_words(), gate.expr);
            values.entry(name).and_modify(|least| *least = least.min(value)).or_insert(value);
        }
    }
    let samples: Vec<_> =
        values.into_iter().map(|(gate, value)| (format!("{{gate=\"{}\"}}", label(&gate)), value)).collect();
    family(text, name, "gauge", help, &samples);
}

/// Seconds for a time; anything else is in its base unit already.
fn base_units(gate: &GateResult, value: f64) -> f64 {
    if gate.unit == Unit::Us { value / 1e6 } else { value }
}

fn timer_family(text: &mut String, family_name: &str, help: &str, name: &str, timers: &BTreeMap<String, Timer>) {
    let mut samples = vec![];
    let mut add = |timer: &Timer, kind: &str| {
        for (clock, word) in [(Clock::Due, "due"), (Clock::Began, "began")] {
            let labels = format!("clock=\"{word}\"{kind}");
            samples.extend(timer_samples(timer.on(clock), &labels));
        }
    };
    if let Some(timer) = timers.get(name) {
        add(timer, "");
    }
    if name == "signal_delivery" {
        for (kind, timer) in timers.iter().filter_map(|(name, t)| Some((name.strip_prefix(DELIVERY_OF_A_KIND)?, t))) {
            add(timer, &format!(",type=\"{}\"", label(kind)));
        }
    }
    family(text, family_name, "summary", help, &samples);
}

/// The suffix and labels after the family's name on each line, and the value.
fn timer_samples(distribution: &Distribution, labels: &str) -> Vec<(String, f64)> {
    let seconds = |us: u64| us as f64 / 1e6;
    let quantile = |(percentile, us): (f64, u64)| {
        let quantile = format!("{:.6}", percentile / 100.0);
        (format!("{{{labels},quantile=\"{}\"}}", quantile.trim_end_matches('0')), seconds(us))
    };
    let mut samples: Vec<(String, f64)> = distribution.known_percentiles().map(quantile).collect();
    samples.push((format!("_sum{{{labels}}}"), seconds(distribution.mean_us.saturating_mul(distribution.count))));
    samples.push((format!("_count{{{labels}}}"), distribution.count as f64));
    samples
}

fn outcomes(text: &mut String, summary: &Summary) {
    let (peers, edges, rooms) = (&summary.counts.peers, &summary.counts.edges, &summary.counts.rooms);
    let messages = &summary.counts.messages;
    let ended =
        |joined: &'static str, counts: [u64; 4]| [joined, "failed", "dropped", "unfinished"].into_iter().zip(counts);
    let peers = ended("joined", [peers.joined, peers.failed, peers.dropped, peers.unfinished]);
    let edges = ended("opened", [edges.opened, edges.failed, edges.dropped, edges.unfinished]);
    let rooms = ["complete", "incomplete"].into_iter().zip([rooms.complete, rooms.incomplete]);
    let messages = ["delivered", "lost", "cut"].into_iter().zip([messages.delivered, messages.lost, messages.cut]);
    for (name, outcomes) in [
        ("meshload_peers", peers.collect::<Vec<_>>()),
        ("meshload_edges", edges.collect()),
        ("meshload_rooms", rooms.collect()),
        ("meshload_messages", messages.collect()),
    ] {
        let sample = |(outcome, count): (&str, u64)| (format!("{{outcome=\"{outcome}\"}}"), count as f64);
        let samples: Vec<_> = outcomes.into_iter().map(sample).collect();
        family(text, name, "gauge", "How all of them ended; warm-up left out.", &samples);
    }
}

/// Appends a family, unless it has no samples. `help` must not need escaping.
fn family(text: &mut String, name: &str, sort: &str, help: &str, samples: &[(String, f64)]) {
    if samples.is_empty() {
        return;
    }
    text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {sort}\n"));
    samples.iter().for_each(|(rest, value)| text.push_str(&format!("{name}{rest} {value}\n")));
}

fn single(value: Option<f64>) -> Vec<(String, f64)> {
    value.map(|value| (String::new(), value)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::sample::{check_snapshot, controlled, hostile, run};
    use std::collections::HashSet;

    #[test]
    fn a_run_for_a_scraper() {
        check_snapshot("prom", &render(&run()));
    }

    #[test]
    fn the_floor_of_a_control_run_is_a_family_beside_each_timer() {
        let text = render(&controlled());
        assert!(text.contains("meshload_control_time_to_open_seconds{clock=\"due\",quantile=\"0.5\"}"), "{text}");
        assert!(!text.contains("meshload_control_message_latency"), "the control run had none");
    }

    #[test]
    fn a_family_is_in_one_piece_and_no_series_comes_twice() {
        for summary in [run(), hostile(), controlled()] {
            let text = render(&summary);
            assert!(text.ends_with("# EOF\n"));
            let (mut families, mut seen) = (HashSet::new(), HashSet::new());
            let mut family = "";
            for line in text.lines().filter(|line| !line.starts_with("# EOF")) {
                if let Some(typed) = line.strip_prefix("# HELP ") {
                    family = typed.split(' ').next().unwrap();
                    assert!(families.insert(family), "{family} comes twice");
                } else if !line.starts_with("# TYPE ") {
                    let (series, value) = line.rsplit_once(' ').unwrap();
                    assert!(series.starts_with(family) && value.parse::<f64>().is_ok(), "{line}");
                    assert!(seen.insert(series.to_owned()), "{series} comes twice");
                }
            }
        }
    }
}
