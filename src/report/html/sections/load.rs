//! The load over the run: joins, opened and failed edges, messages, second by second.

use crate::report::html::axis;
use crate::report::html::chart::{Chart, Mark};
use crate::report::html::palette::{ChartColour, legend};
use crate::report::html::table::{Column, figure, table};
use crate::summary::SeriesRow;
use crate::vocabulary::format;
use maud::{Markup, html};

pub(crate) fn figures(series: &[SeriesRow]) -> Markup {
    html! {
        @if !series.is_empty() {
            (arrivals(series))
            (totals(series))
            (traffic("Signaling frames", "read per second", series, |row| row.frames))
        }
        @if series.iter().any(|row| row.messages > 0) {
            (traffic("Messages", "delivered per second", series, |row| row.messages))
        }
    }
}

/// The charts' figures as a table, for screen readers and for exact values.
pub(crate) fn seconds(series: &[SeriesRow]) -> Markup {
    html! {
        @if !series.is_empty() {
            details {
                summary { "The run, second by second" }
                (seconds_table(series))
            }
        }
    }
}

fn arrivals(series: &[SeriesRow]) -> Markup {
    let max = series.iter().map(|row| rate(row, row.joined.max(row.opened).max(row.failed))).fold(0.0, f64::max);
    let marks = vec![
        Mark::Area { role: ChartColour::Opened, points: steps(series, |row| row.opened) },
        Mark::Line { role: ChartColour::Opened, points: steps(series, |row| row.opened) },
        Mark::Line { role: ChartColour::Joined, points: steps(series, |row| row.joined) },
        failures(series),
    ];
    let says = format!("Peers joined, edges opened and edges failed in each second, at most {max:.0}");
    let key = legend(&[
        (ChartColour::Joined, "peers joined"),
        (ChartColour::Opened, "edges opened"),
        (ChartColour::Failed, "edges failed"),
    ]);
    figure("Joins, opens and failures", "per second", &key, &per_second(says, series, max, marks))
}

/// Failures as bars, which stay visible among many lines.
fn failures(series: &[SeriesRow]) -> Mark {
    let boxes = series.iter().filter(|row| row.failed > 0).map(|row| {
        let to = row.second.saturating_add(row.seconds) as f64;
        ((row.second as f64, 0.0), (to, rate(row, row.failed)), 0.9)
    });
    Mark::Boxes { role: ChartColour::Failed, boxes: boxes.collect() }
}

fn totals(series: &[SeriesRow]) -> Markup {
    let sums = |of: fn(&SeriesRow) -> u64| {
        let mut sum = 0u64;
        let ends = series.iter().map(move |row| {
            sum = sum.saturating_add(of(row));
            (row.second.saturating_add(row.seconds) as f64, sum as f64)
        });
        std::iter::once((0.0, 0.0)).chain(ends).collect::<Vec<_>>()
    };
    let (joined, opened, failed) = (sums(|row| row.joined), sums(|row| row.opened), sums(|row| row.failed));
    let last = |points: &[(f64, f64)]| points.last().map_or(0.0, |(_, sum)| *sum);
    let max = last(&joined).max(last(&opened)).max(last(&failed));
    let says = format!("In all, {} edges opened and {} failed", last(&opened), last(&failed));
    let marks = vec![
        Mark::Line { role: ChartColour::Opened, points: opened },
        Mark::Line { role: ChartColour::Joined, points: joined },
        Mark::Line { role: ChartColour::Failed, points: failed },
    ];
    let key = legend(&[
        (ChartColour::Opened, "edges opened"),
        (ChartColour::Joined, "peers joined"),
        (ChartColour::Failed, "edges failed"),
    ]);
    figure("So far", "since the start", &key, &per_second(says, series, max, marks))
}

fn traffic(heading: &str, reading: &str, series: &[SeriesRow], of: fn(&SeriesRow) -> u64) -> Markup {
    let max = series.iter().map(|row| rate(row, of(row))).fold(0.0, f64::max);
    let marks = vec![
        Mark::Area { role: ChartColour::Received, points: steps(series, of) },
        Mark::Line { role: ChartColour::Received, points: steps(series, of) },
    ];
    let says = format!("{heading} per second, at most {max:.0}");
    figure(heading, reading, &html! {}, &per_second(says, series, max, marks))
}

fn per_second(says: String, series: &[SeriesRow], max: f64, marks: Vec<Mark>) -> Markup {
    let end = series.last().map_or(0, |row| row.second.saturating_add(row.seconds)) as f64;
    let (x, y) = (axis::seconds(end), axis::amounts(max, axis::short_count));
    Chart { says, height: 440, margin: 90, x, y, marks }.draw()
}

/// A step curve: each value holds for the duration of its row.
fn steps(series: &[SeriesRow], of: fn(&SeriesRow) -> u64) -> Vec<(f64, f64)> {
    series
        .iter()
        .flat_map(|row| {
            let level = rate(row, of(row));
            [(row.second as f64, level), (row.second.saturating_add(row.seconds) as f64, level)]
        })
        .collect()
}

fn rate(row: &SeriesRow, count: u64) -> f64 {
    count as f64 / row.seconds.max(1) as f64
}

fn seconds_table(series: &[SeriesRow]) -> Markup {
    const COLUMNS: [Column; 8] = [
        Column::figures("From second"),
        Column::figures("joined"),
        Column::figures("opened"),
        Column::figures("failed"),
        Column::figures("frames"),
        Column::figures("messages"),
        Column::figures("p50"),
        Column::figures("p99"),
    ];
    let time = |us: Option<u64>| us.map_or("–".into(), format::duration);
    // A summary of meshload has at most a thousand rows; a foreign one must not make the page endless.
    let rows = series.iter().take(1_000).map(|row| {
        let counts = [row.joined, row.opened, row.failed, row.frames, row.messages];
        let mut cells = vec![html! { (row.second) }];
        cells.extend(counts.map(|count| html! { (format::count(count)) }));
        cells.extend([row.time_to_open_p50_us, row.time_to_open_p99_us].map(|us| html! { (time(us)) }));
        cells
    });
    table(&html! { "p50 and p99 are those of time_to_open (due) of the edges decided in it" }, &COLUMNS, rows)
}
