//! The histograms as an HdrHistogram interval log, for tools that read one.

use crate::summary::histogram::{LogInterval, interval_log};
use crate::summary::{Clock, Histogram, SERIES_TIMERS, Summary, wall_time::from_rfc3339};
use std::time::{Duration, SystemTime};

/// An interval a row of the series for the timers that have them, one over the whole run for each other timer and clock;
/// values are microseconds.
pub(in crate::report) fn render(summary: &Summary) -> String {
    let mut intervals = vec![];
    let whole = (Duration::ZERO, Duration::from_micros(summary.run.duration_us));
    let mut add = |tag: String, (from, lasted), histogram: Histogram| {
        intervals.push(LogInterval { tag, from, lasted, histogram });
    };
    let is_in_series = |name: &str| summary.series.iter().any(|row| row.timers.contains_key(name));
    let by_row: Vec<&str> = SERIES_TIMERS.into_iter().filter(|name| is_in_series(name)).collect();
    for (name, timer) in &summary.timers {
        for (clock, suffix) in [(Clock::Due, "due"), (Clock::Began, "began")] {
            if clock == Clock::Due && by_row.contains(&name.as_str()) {
                continue;
            }
            // Skips a histogram that can't be decoded; `Summary::read` reports it.
            if let Ok(histogram) = timer.on(clock).histogram() {
                add(tag(name, suffix), whole, histogram);
            }
        }
    }
    for row in &summary.series {
        let interval = (Duration::from_secs(row.second), Duration::from_secs(row.seconds));
        for name in &by_row {
            if let Some(Ok(histogram)) = row.timers.get(*name).map(|timer| Histogram::decode(&timer.hdr)) {
                add(tag(name, "due"), interval, histogram);
            }
        }
    }
    let began = from_rfc3339(&summary.run.started_at).unwrap_or(SystemTime::UNIX_EPOCH);
    String::from_utf8_lossy(&interval_log(began, &intervals)).into_owned()
}

/// A timer and clock as a tag; the format ends tags at a comma, a blank or a line end.
fn tag(name: &str, clock: &str) -> String {
    let word = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '_' };
    format!("{}.{clock}", name.chars().map(word).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::sample::run;

    #[test]
    fn every_line_holds_the_histogram_of_its_tag_and_a_timer_of_the_series_has_a_line_a_second() {
        let summary = run();
        let log = render(&summary);
        let lines: Vec<&str> = log.lines().filter(|line| line.starts_with("Tag=")).collect();
        let of_rows: usize = summary.series.iter().map(|row| row.timers.len()).sum();
        let by_row = summary.timers.keys().filter(|name| SERIES_TIMERS.contains(&name.as_str())).count();
        assert_eq!(lines.len(), 2 * summary.timers.len() - by_row + of_rows);
        let second: Vec<&str> = log.lines().filter(|line| line.starts_with("Tag=signal_delivery.due,1.")).collect();
        assert!(second.len() == 1 && second[0].starts_with("Tag=signal_delivery.due,1.000,1.000,"), "{log}");
        let line = lines.iter().find(|line| line.starts_with("Tag=time_to_open.began,")).unwrap();
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[2].parse::<f64>().unwrap(), 12.5);
        let histogram = Histogram::decode(cells[4]).unwrap();
        assert_eq!(histogram, summary.timers["time_to_open"].began.histogram().unwrap());
    }

    #[test]
    fn a_tag_is_one_word() {
        assert_eq!(tag("signal_delivery.a,b\n", "due"), "signal_delivery.a_b_.due");
    }
}
