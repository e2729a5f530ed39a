//! Figures for trend pages that read a list of name, unit, value and range (github-action-benchmark, `customSmallerIsBetter`).

use crate::report::machine::pretty_json;
use crate::summary::{Repeats, SERIES_TIMERS, Summary};
use serde::Serialize;

#[derive(Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    #[serde(skip_serializing_if = "String::is_empty")]
    range: String,
}

/// Percentiles from due that have enough samples, rates and values: of each, less is better.
pub(in crate::report) fn render(summary: &Summary) -> String {
    let timers = SERIES_TIMERS.into_iter().filter_map(|name| Some((name, &summary.timers.get(name)?.due)));
    let percentiles = timers.flat_map(|(name, due)| {
        let shown = due.known_percentiles().filter(|(at, _)| [50.0, 95.0, 99.0].contains(at));
        shown.map(move |(at, us)| entry(format!("{name} p{at}"), "ms", us as f64 / 1e3))
    });
    let rates = &summary.rates;
    let shares = [
        ("edges_failed", rates.edges_failed),
        ("peers_failed", rates.peers_failed),
        ("messages_lost", rates.messages_lost),
    ];
    let shares = shares.into_iter().filter_map(|(name, share)| Some(entry(name.into(), "%", share? * 100.0)));
    let bytes = summary.signaling_bytes_per_edge.map(|bytes| bytes as f64);
    let values = [("amplification", "x", summary.amplification), ("signaling_bytes_per_edge", "bytes", bytes)];
    let values = values.into_iter().filter_map(|(name, unit, value)| Some(entry(name.into(), unit, value?)));
    pretty_json(&percentiles.chain(shares).chain(values).collect::<Vec<_>>())
}

/// The medians of the runs that were judged, each with its least and greatest.
pub(in crate::report) fn repeats(repeats: &Repeats) -> String {
    let timers = SERIES_TIMERS.into_iter().filter_map(|name| Some((name, repeats.timers.get(name)?)));
    let entries = timers.flat_map(|(name, spread)| {
        spread.known().map(move |(at, range)| {
            let ms = |us: u64| us as f64 / 1e3;
            let range_in_words = format!("{} to {}", ms(range.min_us), ms(range.max_us));
            Entry { range: range_in_words, ..entry(format!("{name} p{at}"), "ms", ms(range.median_us)) }
        })
    });
    pretty_json(&entries.collect::<Vec<_>>())
}

fn entry(name: String, unit: &'static str, value: f64) -> Entry {
    Entry { name, unit, value, range: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::sample::run;

    #[test]
    fn each_figure_has_name_unit_and_value_and_none_has_too_few_samples() {
        let read = |text: &str| serde_json::from_str::<Vec<serde_json::Value>>(text).unwrap();
        let one = read(&render(&run()));
        let names: Vec<&str> = one.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
        // 12 edges and 34 signals are too few for p95 and p99.
        assert_eq!(names[..3], ["time_to_open p50", "signal_delivery p50", "signal_delivery p95"]);
        assert!(names.contains(&"message_latency p99") && names.contains(&"amplification"), "{names:?}");
        assert!(one.iter().all(|entry| entry["unit"].is_string() && entry["value"].is_number()));
        let all = read(&repeats(&Repeats::of(&[("1".to_owned(), run()), ("2".to_owned(), run())])));
        assert_eq!((&all[0]["name"], &all[0]["value"]), (&one[0]["name"], &one[0]["value"]));
        assert_eq!(all[0]["range"], format!("{0} to {0}", one[0]["value"]));
    }
}
