//! Latency charts: time to open over percentiles, and over the run.

use crate::report::html::axis;
use crate::report::html::chart::{Chart, Corner, Mark};
use crate::report::html::palette::{ChartColour, legend};
use crate::report::html::table::figure;
use crate::summary::{Distribution, Point, SeriesRow, Summary, Timer, curve::curve, heat};
use crate::vocabulary::format;
use maud::{Markup, html};

pub(crate) fn figures(summary: &Summary) -> Markup {
    html! {
        @if let Some(timer) = summary.timers.get("time_to_open") {
            (both_clocks("Time to open", "by share of the edges", timer))
        }
        (over_time(&summary.series))
        @if let Some(timer) = summary.timers.get("room_complete") {
            (both_clocks("Room complete", "last arrival to full mesh", timer))
        }
        @if let Some(timer) = summary.timers.get("signal_delivery") {
            (one_curve("Signal delivery", "socket to socket, through the target", &timer.due))
        }
        @if let Some(timer) = summary.timers.get("message_latency") {
            (both_clocks("Message latency", "over the channels, one way", timer))
        }
        @if let Some(timer) = summary.timers.get("message_rtt") {
            (both_clocks("Message round trip", "over the channels", timer))
        }
    }
}

fn both_clocks(heading: &str, reading: &str, timer: &Timer) -> Markup {
    if timer.due == timer.began {
        return one_curve(heading, reading, &timer.due);
    }
    let key = legend(&[(ChartColour::Due, "from due"), (ChartColour::Began, "from began")]);
    let curves = [(ChartColour::Due, points(&timer.due)), (ChartColour::Began, points(&timer.began))];
    figure(heading, reading, &key, &percentile_chart(heading, &curves))
}

fn one_curve(heading: &str, reading: &str, distribution: &Distribution) -> Markup {
    figure(heading, reading, &html! {}, &percentile_chart(heading, &[(ChartColour::Due, points(distribution))]))
}

/// The curve's points; none if the histogram can't be decoded, which `Summary::read` refuses in a file.
pub(crate) fn points(distribution: &Distribution) -> Vec<Point> {
    distribution.histogram().map_or(vec![], |histogram| curve(&histogram))
}

/// Latency over percentiles, both on a log scale.
pub(crate) fn percentile_chart(name: &str, curves: &[(ChartColour, Vec<Point>)]) -> Markup {
    let all = || curves.iter().flat_map(|(_, points)| points);
    let (Some(min), Some(max)) = (all().map(|point| point.us).min(), all().map(|point| point.us).max()) else {
        return html! { p { "Nothing was measured." } };
    };
    let reach = all().map(|point| 1.0 - point.percentile / 100.0).fold(1.0, f64::min);
    let samples = (1.0 / reach.max(1e-9)).round() as u64;
    let marks = curves.iter().map(|(role, points)| {
        let points = points.iter().map(|point| (axis::nines(point.percentile), axis::log_time(point.us as f64)));
        Mark::Line { role: *role, points: points.collect() }
    });
    let says = format!("{name} over percentiles, from {} to {}", format::duration(min), format::duration(max));
    let (x, y) = (axis::percentiles(samples), axis::times(min, max));
    Chart { says, height: 440, margin: 110, x, y, marks: marks.collect() }.draw()
}

/// A heatmap of each second's samples if the summary has them, with the p50 and p99 on top.
fn over_time(series: &[SeriesRow]) -> Markup {
    let decided: Vec<&SeriesRow> = series.iter().filter(|row| row.time_to_open_p99_us.is_some()).collect();
    let slowest = decided.iter().filter_map(|row| row.time_to_open_p99_us).max();
    let fastest = decided.iter().filter_map(|row| row.time_to_open_p50_us).min();
    let (Some(slowest), Some(fastest)) = (slowest, fastest) else { return html! {} };
    let bands = || decided.iter().flat_map(|row| row.time_to_open.iter().enumerate().filter(|(_, count)| **count > 0));
    let low = bands().map(|(band, _)| heat::floor_us(band) as u64).min().map_or(fastest, |band| band.min(fastest));
    let high = bands().map(|(band, _)| heat::floor_us(band + 1) as u64).max().map_or(slowest, |band| band.max(slowest));
    let end = series.last().map_or(0, |row| row.second.saturating_add(row.seconds)) as f64;
    let middle = |row: &SeriesRow| row.second as f64 + row.seconds as f64 / 2.0;
    let line = |role: ChartColour, of: fn(&SeriesRow) -> Option<u64>| Mark::Line {
        role,
        points: decided.iter().filter_map(|row| Some((middle(row), axis::log_time(of(row)? as f64)))).collect(),
    };
    let marks = vec![
        Mark::Boxes { role: ChartColour::Received, boxes: heatmap(&decided) },
        line(ChartColour::Median, |row| row.time_to_open_p50_us),
        line(ChartColour::Tail, |row| row.time_to_open_p99_us),
    ];
    let says = format!(
        "Time to open of the edges decided in each second; the median starts at {}, the slowest p99 is {}",
        format::duration(fastest),
        format::duration(slowest)
    );
    let chart = Chart { says, height: 440, margin: 110, x: axis::seconds(end), y: axis::times(low, high), marks };
    let key = legend(&[
        (ChartColour::Tail, "p99"),
        (ChartColour::Median, "p50"),
        (ChartColour::Received, "darker: more edges"),
    ]);
    figure("Time to open, second by second", "when decided, how long taken", &key, &chart.draw())
}

fn heatmap(rows: &[&SeriesRow]) -> Vec<(Corner, Corner, f64)> {
    let rate = |row: &SeriesRow, count: u64| count as f64 / row.seconds.max(1) as f64;
    let densest =
        rows.iter().flat_map(|row| row.time_to_open.iter().map(|count| rate(row, *count))).fold(1e-9, f64::max);
    let mut boxes = vec![];
    for row in rows {
        for (band, count) in row.time_to_open.iter().enumerate().filter(|(_, count)| **count > 0) {
            let from = (row.second as f64, axis::log_time(heat::floor_us(band)));
            let to = (row.second.saturating_add(row.seconds) as f64, axis::log_time(heat::floor_us(band + 1)));
            // The square root keeps rare samples visible beside frequent ones.
            boxes.push((from, to, 0.1 + 0.7 * (rate(row, *count) / densest).sqrt()));
        }
    }
    boxes
}
