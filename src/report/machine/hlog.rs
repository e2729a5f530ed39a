//! The histograms as an HdrHistogram interval log, for tools that read one.

use crate::summary::{Clock, Summary, histogram::interval_log, wall_time::from_rfc3339};
use std::time::{Duration, SystemTime};

/// One line for each timer and clock, over the whole run; values are microseconds.
pub(in crate::report) fn render(summary: &Summary) -> String {
    let mut tagged = vec![];
    for (name, timer) in &summary.timers {
        for (clock, suffix) in [(Clock::Due, "due"), (Clock::Began, "began")] {
            // Skips a histogram that can't be decoded; `Summary::read` reports it.
            if let Ok(histogram) = timer.on(clock).histogram() {
                tagged.push((tag(name, suffix), histogram));
            }
        }
    }
    let began = from_rfc3339(&summary.run.started_at).unwrap_or(SystemTime::UNIX_EPOCH);
    let log = interval_log(began, Duration::from_micros(summary.run.duration_us), &tagged);
    String::from_utf8_lossy(&log).into_owned()
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
    use crate::summary::Histogram;

    #[test]
    fn every_line_holds_the_histogram_of_its_tag() {
        let summary = run();
        let log = render(&summary);
        let lines: Vec<&str> = log.lines().filter(|line| line.starts_with("Tag=")).collect();
        assert_eq!(lines.len(), 2 * summary.timers.len());
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
