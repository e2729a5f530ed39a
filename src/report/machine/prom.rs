//! Prometheus metrics, valid as OpenMetrics 1.0 and as Prometheus text 0.0.4; base units, no timestamps.

use crate::report::escape::label;
use crate::report::machine::metrics::family::{Family, MetricValue};
use crate::report::machine::metrics::{MetricsSnapshot, families, run_info, verdicts};
use crate::summary::{Repeats, SparseHistogram, Summary, distribution::samples_needed};
use std::borrow::Cow;

/// The percentiles of a timer, each shown if it has enough samples.
const PERCENTILES: [f64; 7] = [50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99];

/// The upper limits of the buckets, in microseconds.
const BUCKETS_US: [u64; 21] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 75_000, 100_000, 150_000, 200_000, 350_000, 500_000,
    750_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 30_000_000,
];

impl MetricsSnapshot {
    /// Prometheus' text 0.0.4, which is valid as OpenMetrics 1.0 as well.
    pub fn text(&self) -> String {
        text(&families(self))
    }
}

pub(in crate::report) fn render(summary: &Summary) -> String {
    MetricsSnapshot::of(summary.clone()).text()
}

/// The metrics of several runs: the gates of the median run, and the medians of the percentiles.
pub(in crate::report) fn repeats(repeats: &Repeats) -> String {
    let help = "A percentile from due, as the median of the runs that were judged.";
    let mut medians = Family::new("meshload_repeats_median_seconds", help);
    for (name, spread) in &repeats.timers {
        for (at, range) in spread.known() {
            let quantile = (at / 100.0).to_string();
            let labels = [("timer", name.as_str()), ("quantile", quantile.as_str())];
            medians.add(&labels, MetricValue::Gauge(range.median_us as f64 / 1e6));
        }
    }
    let info = run_info(&repeats.run, &repeats.tags, env!("CARGO_PKG_VERSION"), None);
    let verdicts = verdicts(&repeats.gates, repeats.judged);
    text(&[medians].into_iter().chain(verdicts).chain([info]).collect::<Vec<_>>())
}

/// The families as text; those without a series are left out. Totals are gauges, since the two formats name counters
/// differently.
fn text(families: &[Family<'_>]) -> String {
    let mut text = String::new();
    for Family { name, help, series } in families.iter().filter(|family| !family.series.is_empty()) {
        let sort = match series[0].value {
            MetricValue::Gauge(_) | MetricValue::Total(_) => "gauge",
            MetricValue::Samples(_) => "summary",
            MetricValue::Buckets(_) => "histogram",
        };
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {sort}\n"));
        for one in series {
            let mut line = |suffix: &str, more: Option<(&'static str, String)>, value: f64| {
                text.push_str(&format!("{name}{suffix}{} {value}\n", labels(&one.labels, more)));
            };
            match one.value {
                MetricValue::Gauge(value) | MetricValue::Total(value) => line("", None, value),
                MetricValue::Samples(samples) => percentiles(samples, &mut line),
                MetricValue::Buckets(samples) => buckets(samples, &mut line),
            }
        }
    }
    text + "# EOF\n"
}

type WriteLine<'a> = &'a mut dyn FnMut(&str, Option<(&'static str, String)>, f64);

fn percentiles(samples: &SparseHistogram, line: WriteLine<'_>) {
    let latencies_us = samples.quantiles_us(PERCENTILES.map(|at| at / 100.0));
    let known = PERCENTILES.into_iter().zip(latencies_us).filter(|(at, _)| samples.count() >= samples_needed(*at));
    for (at, us) in known {
        let quantile = format!("{:.6}", at / 100.0).trim_end_matches('0').to_owned();
        line("", Some(("quantile", quantile)), us as f64 / 1e6);
    }
    sum_and_count(samples, line);
}

fn buckets(samples: &SparseHistogram, line: WriteLine<'_>) {
    for (limit_us, count) in BUCKETS_US.into_iter().zip(samples.counts_up_to(BUCKETS_US)) {
        // OpenMetrics writes a limit as a float.
        let limit = format!("{:?}", limit_us as f64 / 1e6);
        line("_bucket", Some(("le", limit)), count as f64);
    }
    line("_bucket", Some(("le", "+Inf".to_owned())), samples.count() as f64);
    sum_and_count(samples, line);
}

fn sum_and_count(samples: &SparseHistogram, line: WriteLine<'_>) {
    line("_sum", None, samples.sum_us() as f64 / 1e6);
    line("_count", None, samples.count() as f64);
}

/// `{name="text",…}`; nothing without labels.
fn labels(labels: &[(Cow<'static, str>, String)], more: Option<(&'static str, String)>) -> String {
    let pair = |(name, text): (&str, &String)| format!("{name}=\"{}\"", label(text));
    let more = more.iter().map(|(name, text)| pair((name, text)));
    let all: Vec<_> = labels.iter().map(|(name, text)| pair((name, text))).chain(more).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::SnapshotScope;
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
    fn a_share_has_its_slot_and_an_end_and_no_result_and_agents_tell_sums_alone() {
        let share = MetricsSnapshot { scope: SnapshotScope::Slot(2), ..MetricsSnapshot::of(run()) };
        let text = share.text();
        assert!(text.contains(",slot=\"2\"") && text.contains("meshload_run_end_time_seconds "), "{text}");
        assert!(!text.contains("meshload_run_result"), "it is judged by nobody: {text}");
        let text = MetricsSnapshot { scope: SnapshotScope::Agents, ..share }.text();
        let families: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        assert_eq!(families, ["agents_peers", "agents_edges", "run_info"].map(|name| format!("meshload_{name} gauge")));
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
