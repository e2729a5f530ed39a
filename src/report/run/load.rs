//! The load over the run: joins, opened and failed edges, messages, second by second.

use crate::report::document::{
    Bar, Block, Chart, ChartColour, Column, Corner, Mark, MarkShape, StyledText, Table, amounts,
    seconds as seconds_axis, short_count,
};
use crate::summary::SeriesRow;
use crate::vocabulary::format;

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
    let counters = ["from second", "joined", "opened", "failed", "frames", "messages", "p50", "p99"];
    let time = |us: Option<u64>| us.map_or("–".into(), format::duration);
    // A summary of meshload has at most a thousand rows; a foreign one must not make the page endless.
    let rows = series.iter().take(1_000).map(|row| {
        let counts = [row.second, row.joined, row.opened, row.failed, row.frames, row.messages].map(format::count);
        let times = [row.time_to_open_p50_us, row.time_to_open_p99_us].map(time);
        counts.into_iter().chain(times).map(StyledText::from).collect()
    });
    let caption = "p50 and p99 are those of time_to_open (due) of the edges decided in it";
    let table = Table::new(caption, counters.map(Column::Figures), rows);
    Block::Details("The run, second by second".into(), vec![Block::Table(table)])
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
    per_second("Joins, opens and failures", "per second", says, series, max, marks)
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
    per_second("So far", "since the start", says, series, max, marks)
}

fn traffic(heading: &str, reading: &str, series: &[SeriesRow], of: fn(&SeriesRow) -> u64) -> Chart {
    let max = series.iter().map(|row| rate(row, of(row))).fold(0.0, f64::max);
    let marks = Mark::filled(ChartColour::Received, reading, steps(series, of)).into();
    per_second(heading, reading, format!("{heading} per second, at most {max:.0}"), series, max, marks)
}

fn per_second(heading: &str, reading: &str, says: String, series: &[SeriesRow], max: f64, marks: Vec<Mark>) -> Chart {
    let (x, y) = (seconds_axis(series.last().map_or(0.0, end_of)), amounts(max, short_count));
    Chart {
        is_large: false,
        heading: heading.into(),
        reading: reading.into(),
        says,
        height: 220,
        margin: 48,
        x,
        y,
        marks,
    }
}

/// A step curve: each value holds for the duration of its row.
fn steps(series: &[SeriesRow], of: fn(&SeriesRow) -> u64) -> Vec<Corner> {
    let step = |row: &SeriesRow| [(row.second as f64, rate(row, of(row))), (end_of(row), rate(row, of(row)))];
    series.iter().flat_map(step).collect()
}

fn end_of(row: &SeriesRow) -> f64 {
    row.second.saturating_add(row.seconds) as f64
}

fn rate(row: &SeriesRow, count: u64) -> f64 {
    count as f64 / row.seconds.max(1) as f64
}
