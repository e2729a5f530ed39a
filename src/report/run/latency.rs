//! Latency charts: times over percentiles, and over the run.

use crate::gates::Gate;
use crate::report::document::{
    Bar, Chart, ChartColour, Mark, MarkShape, amounts, log_time, nines, percentiles, seconds, short_count, times,
};
use crate::summary::{Distribution, GateResult, Point, SeriesRow, Summary, Unit, curve::curve, heat};
use crate::vocabulary::format::{count, duration};

/// Bars of a histogram.
const BARS: usize = 24;
/// A limit farther than this factor from the samples would leave them no room.
const LIMIT_FAR: u64 = 20;

/// The charts of the timers that the run has.
pub(super) fn charts(summary: &Summary) -> Vec<Chart> {
    const TIMERS: [(&str, &str, &str); 5] = [
        ("time_to_open", "Time to open", "by share of the edges"),
        ("room_complete", "Room complete", "last arrival to full mesh"),
        ("signal_delivery", "Signal delivery", "socket to socket, through the target"),
        ("message_latency", "Message latency", "over the channels, one way"),
        ("message_rtt", "Message round trip", "over the channels"),
    ];
    let mut charts: Vec<Chart> = TIMERS
        .into_iter()
        .filter_map(|(name, heading, reading)| {
            let timer = summary.timers.get(name)?;
            let both = [(ChartColour::Due, "from due", &timer.due), (ChartColour::Began, "from began", &timer.began)];
            let shown = if timer.due == timer.began { &both[..1] } else { &both };
            let curves = shown.iter().map(|(colour, name, distribution)| (*colour, *name, points(distribution)));
            percentile_chart(heading, reading, &curves.collect::<Vec<_>>(), &limits(summary, name))
        })
        .collect();
    // Beside the same timer's percentiles.
    let at = charts.len().min(1);
    let histogram = summary.timers.get("time_to_open").and_then(|timer| histogram(&timer.due));
    charts.splice(at..at, histogram.into_iter().chain(over_time(&summary.series)));
    charts
}

/// A gate's limit on a timer.
pub(in crate::report) struct GateLimit {
    us: u64,
    expr: String,
    ok: bool,
}

impl GateLimit {
    fn mark(&self) -> Mark {
        let colour = if self.ok { ChartColour::Opened } else { ChartColour::Failed };
        Mark::new(colour, &self.expr, MarkShape::Horizontal(log_time(self.us as f64)))
    }
}

/// The limits of the gates on a timer.
fn limits(summary: &Summary, timer: &str) -> Vec<GateLimit> {
    let gates = summary.gates.iter().filter(|gate| gate.metric == timer && gate.unit == Unit::Us);
    let limit = |gate: &GateResult| {
        let us = Gate::parse(&gate.metric, &gate.expr).ok()?.number as u64;
        Some(GateLimit { us, expr: gate.expr.clone(), ok: gate.ok })
    };
    gates.filter_map(limit).collect()
}

/// The number of samples by time, on a log scale; absent without a spread.
fn histogram(distribution: &Distribution) -> Option<Chart> {
    let histogram = distribution.histogram().ok()?;
    let (from, to) = (log_time(distribution.min_us as f64), log_time(distribution.max_us as f64));
    if to - from < 1e-3 {
        return None;
    }
    let width = (to - from) / BARS as f64;
    let mut counts = [0u64; BARS];
    for (us, count) in histogram.recorded() {
        let bar = ((log_time(us as f64) - from) / width).clamp(0.0, BARS as f64 - 1.0) as usize;
        counts[bar] += count;
    }
    let most = counts.iter().copied().max()?;
    let bars = counts.iter().enumerate().filter(|(_, number)| **number > 0).map(|(bar, number)| {
        let (left, right) = (from + bar as f64 * width, from + (bar + 1) as f64 * width);
        let [low, high] = [left, right].map(|log| duration(10f64.powf(log) as u64));
        let says = format!("{low} to {high}: {}", count(*number));
        Bar { from: (left, 0.0), to: (right - width * 0.1, *number as f64), strength: 0.8, says }
    });
    Some(Chart {
        is_large: false,
        heading: "Time to open, histogram".into(),
        reading: "edges by the time that they took, on a log scale".into(),
        says: format!("Edges by time to open; {} at most in one bar", count(most)),
        height: 220,
        margin: 48,
        x: times(distribution.min_us, distribution.max_us),
        y: amounts(most as f64, short_count),
        marks: vec![Mark::new(ChartColour::Due, "", MarkShape::Boxes(bars.collect()))],
    })
}

/// The curve's points; none if the histogram can't be decoded, which `Summary::read` refuses in a file.
pub(super) fn points(distribution: &Distribution) -> Vec<Point> {
    distribution.histogram().map_or(vec![], |histogram| curve(&histogram))
}

/// Latency over percentiles, both on a log scale; absent without samples.
pub(in crate::report) fn percentile_chart(
    heading: &str,
    reading: &str,
    curves: &[(ChartColour, &str, Vec<Point>)],
    limits: &[GateLimit],
) -> Option<Chart> {
    let all = || curves.iter().flat_map(|(.., points)| points);
    let (min, max) = (all().map(|point| point.us).min()?, all().map(|point| point.us).max()?);
    let is_near = |limit: &&GateLimit| (min / LIMIT_FAR..=max.saturating_mul(LIMIT_FAR)).contains(&limit.us);
    let limits: Vec<&GateLimit> = limits.iter().filter(is_near).collect();
    let all_times = || limits.iter().map(|limit| limit.us).chain([min, max]);
    let (low, high) = (all_times().min()?, all_times().max()?);
    let reach = all().map(|point| 1.0 - point.percentile / 100.0).fold(1.0, f64::min);
    let samples = (1.0 / reach.max(1e-9)).round() as u64;
    let marks = curves.iter().map(|(colour, name, points)| {
        Mark::line(*colour, *name, points.iter().map(|point| (nines(point.percentile), log_time(point.us as f64))))
    });
    Some(Chart {
        is_large: false,
        heading: heading.into(),
        reading: reading.into(),
        says: format!("{heading} over percentiles, from {} to {}", duration(min), duration(max)),
        height: 220,
        margin: 58,
        x: percentiles(samples),
        y: times(low, high),
        marks: marks.chain(limits.iter().map(|limit| limit.mark())).collect(),
    })
}

/// A heatmap of each second's samples if the summary has them, with the p50 and p99 on top.
fn over_time(series: &[SeriesRow]) -> Option<Chart> {
    let decided: Vec<&SeriesRow> = series.iter().filter(|row| row.time_to_open_p99_us.is_some()).collect();
    let slowest = decided.iter().filter_map(|row| row.time_to_open_p99_us).max()?;
    let fastest = decided.iter().filter_map(|row| row.time_to_open_p50_us).min()?;
    let bands = || decided.iter().flat_map(|row| row.time_to_open.iter().enumerate().filter(|(_, count)| **count > 0));
    let low = bands().map(|(band, _)| heat::floor_us(band) as u64).min().map_or(fastest, |band| band.min(fastest));
    let high = bands().map(|(band, _)| heat::floor_us(band + 1) as u64).max().map_or(slowest, |band| band.max(slowest));
    let end = series.last().map_or(0, |row| row.second.saturating_add(row.seconds)) as f64;
    // A row without a sample interrupts the line.
    let line = |colour: ChartColour, name: &str, of: fn(&SeriesRow) -> Option<u64>| {
        let middle = |row: &SeriesRow| row.second as f64 + row.seconds as f64 / 2.0;
        Mark::line(
            colour,
            name,
            series.iter().map(|row| (middle(row), of(row).map_or(f64::NAN, |us| log_time(us as f64)))),
        )
    };
    Some(Chart {
        is_large: false,
        heading: "Time to open, second by second".into(),
        reading: "when decided, how long taken".into(),
        says: format!(
            "Time to open of the edges decided in each second; the least median is {}, the slowest p99 is {}",
            duration(fastest),
            duration(slowest)
        ),
        height: 220,
        margin: 58,
        x: seconds(end),
        y: times(low, high),
        marks: vec![
            Mark::new(ChartColour::Received, "darker: more edges", MarkShape::Boxes(heatmap(&decided))),
            line(ChartColour::Median, "p50", |row| row.time_to_open_p50_us),
            line(ChartColour::Tail, "p99", |row| row.time_to_open_p99_us),
        ],
    })
}

fn heatmap(rows: &[&SeriesRow]) -> Vec<Bar> {
    let rate = |row: &SeriesRow, count: u64| count as f64 / row.seconds.max(1) as f64;
    let densest =
        rows.iter().flat_map(|row| row.time_to_open.iter().map(|count| rate(row, *count))).fold(1e-9, f64::max);
    let mut boxes = vec![];
    for row in rows {
        for (band, count) in row.time_to_open.iter().enumerate().filter(|(_, count)| **count > 0) {
            let from = (row.second as f64, log_time(heat::floor_us(band)));
            let to = (row.second.saturating_add(row.seconds) as f64, log_time(heat::floor_us(band + 1)));
            // The square root keeps rare samples visible beside frequent ones.
            let strength = 0.1 + 0.7 * (rate(row, *count) / densest).sqrt();
            boxes.push(Bar { from, to, strength, says: String::new() });
        }
    }
    boxes
}
