//! The load over the run: joins, opened and failed edges, messages, second by second.

use crate::report::document::{
    Axis, Bar, Block, Chart, ChartColour, Corner, Mark, MarkShape, Table, amounts, seconds as seconds_axis, short_count,
};
use crate::summary::SeriesRow;
use crate::vocabulary::format::{count, duration, known};

pub(super) fn charts(series: &[SeriesRow]) -> Vec<Chart> {
    if series.is_empty() {
        return vec![];
    }
    let mut charts = vec![
        arrivals(series),
        totals(series),
        traffic("Signaling frames", "read per second", series, |row| row.frames),
    ];
    if series.iter().any(|row| row.messages > 0) {
        charts.push(traffic("Messages", "delivered per second", series, |row| row.messages));
    }
    charts
}

/// The charts' figures as a table, for screen readers and for exact values.
pub(super) fn seconds(series: &[SeriesRow]) -> Block {
    type RowCount = fn(&SeriesRow) -> u64;
    const COUNTS: [(&str, RowCount); 6] = [
        ("from second", |row| row.second),
        ("joined", |row| row.joined),
        ("opened", |row| row.opened),
        ("failed", |row| row.failed),
        ("frames", |row| row.frames),
        ("messages", |row| row.messages),
    ];
    // A summary of meshload has at most a thousand rows; a foreign one must not make the page endless.
    let rows = series.iter().take(1_000);
    let table = Table::of("p50 and p99 are those of time_to_open (due) of the edges decided in it", rows);
    let table = COUNTS
        .into_iter()
        .fold(table, |table, (head, of)| table.figures(head, |row| count(of(row))))
        .figures("p50", |row| known(row.time_to_open_p50_us, duration))
        .figures("p99", |row| known(row.time_to_open_p99_us, duration));
    Block::Details("The run, second by second".into(), vec![table.into()])
}

fn arrivals(series: &[SeriesRow]) -> Chart {
    let max = series.iter().map(|row| rate(row, row.joined.max(row.opened).max(row.failed))).fold(0.0, f64::max);
    let mut marks: Vec<Mark> =
        Mark::filled(ChartColour::Opened, "edges opened", steps(series, |row| row.opened)).into();
    marks.push(Mark::line(ChartColour::Joined, "peers joined", steps(series, |row| row.joined)));
    // Bars stay visible among many lines.
    let failed = series.iter().filter(|row| row.failed > 0).map(|row| Bar {
        from: (row.second as f64, 0.0),
        to: (end_of(row), rate(row, row.failed)),
        strength: 0.9,
        says: String::new(),
    });
    marks.push(Mark::new(ChartColour::Failed, "edges failed", MarkShape::Boxes(failed.collect())));
    let says = format!("Peers joined, edges opened and edges failed in each second, at most {max:.0}");
    Chart::new("Joins, opens and failures", "per second", says, per_second(series, max), marks)
}

fn totals(series: &[SeriesRow]) -> Chart {
    let sums = |of: fn(&SeriesRow) -> u64| {
        let mut sum = 0u64;
        let ends = series.iter().map(move |row| {
            sum = sum.saturating_add(of(row));
            (end_of(row), sum as f64)
        });
        std::iter::once((0.0, 0.0)).chain(ends).collect::<Vec<_>>()
    };
    let (joined, opened, failed) = (sums(|row| row.joined), sums(|row| row.opened), sums(|row| row.failed));
    let last = |points: &[Corner]| points.last().map_or(0.0, |(_, sum)| *sum);
    let max = last(&joined).max(last(&opened)).max(last(&failed));
    let says = format!("In all, {} edges opened and {} failed", last(&opened), last(&failed));
    let marks = vec![
        Mark::line(ChartColour::Opened, "edges opened", opened),
        Mark::line(ChartColour::Joined, "peers joined", joined),
        Mark::line(ChartColour::Failed, "edges failed", failed),
    ];
    Chart::new("So far", "since the start", says, per_second(series, max), marks)
}

fn traffic(heading: &str, reading: &str, series: &[SeriesRow], of: fn(&SeriesRow) -> u64) -> Chart {
    let max = series.iter().map(|row| rate(row, of(row))).fold(0.0, f64::max);
    let marks = Mark::filled(ChartColour::Received, reading, steps(series, of)).into();
    Chart::new(heading, reading, format!("{heading} per second, at most {max:.0}"), per_second(series, max), marks)
}

fn per_second(series: &[SeriesRow], max: f64) -> [Axis; 2] {
    [axis(series), amounts(max, short_count)]
}

/// A step curve: each value holds for the duration of its row.
fn steps(series: &[SeriesRow], of: fn(&SeriesRow) -> u64) -> Vec<Corner> {
    let step = |row: &SeriesRow| [(row.second as f64, rate(row, of(row))), (end_of(row), rate(row, of(row)))];
    series.iter().flat_map(step).collect()
}

/// The axis of the whole run.
pub(super) fn axis(series: &[SeriesRow]) -> Axis {
    seconds_axis(series.last().map_or(0.0, end_of))
}

/// The middle of the row, in seconds of the run.
pub(super) fn middle_of(row: &SeriesRow) -> f64 {
    row.second as f64 + row.seconds as f64 / 2.0
}

pub(super) fn end_of(row: &SeriesRow) -> f64 {
    row.second.saturating_add(row.seconds) as f64
}

/// A count of the row as so many a second.
pub(super) fn rate(row: &SeriesRow, count: u64) -> f64 {
    count as f64 / row.seconds.max(1) as f64
}
