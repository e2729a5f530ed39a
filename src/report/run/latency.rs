//! Latency charts: times over percentiles, and over the run.

use super::load::{axis, end_of, middle_of, rate};
use crate::gates::Gate;
use crate::report::document::{
    Bar, Chart, ChartColour, Mark, MarkShape, amounts, log_time, nines, percentiles, short_count, times,
};
use crate::summary::{Distribution, GateResult, Point, RowTimer, SeriesRow, Summary, Unit, heat};
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
    let of_timer = |(name, heading, reading): (&str, &str, &str)| {
        let limits = limits(&summary.gates, name, None);
        let by_share = summary.timers.get(name).and_then(|timer| {
            let both = [(ChartColour::Due, "from due", &timer.due), (ChartColour::Began, "from began", &timer.began)];
            let shown = if timer.due == timer.began { &both[..1] } else { &both };
            let curves = shown.iter().map(|(colour, name, distribution)| (*colour, *name, distribution.curve()));
            percentile_chart(heading, reading, &curves.collect::<Vec<_>>(), &limits)
        });
        let histogram = summary.timers.get(name).filter(|_| name == "time_to_open").and_then(|it| histogram(&it.due));
        [by_share, histogram, over_time(&summary.series, name, heading, &limits)]
    };
    TIMERS.into_iter().flat_map(of_timer).flatten().collect()
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

/// The limits of the gates on a timer of the run, or of one scenario.
pub(super) fn limits(gates: &[GateResult], timer: &str, scenario: Option<&str>) -> Vec<GateLimit> {
    let gates = gates.iter().filter(|gate| gate.reads(timer, scenario) && gate.unit == Unit::Us);
    let limit = |gate: &GateResult| {
        let us = Gate::parse(&gate.metric, &gate.expr).ok()?.number as u64;
        Some(GateLimit { us, expr: gate.expr.clone(), ok: gate.ok })
    };
    gates.filter_map(limit).collect()
}

/// The limits that leave room for samples from `min` to `max` µs.
fn near(limits: &[GateLimit], min: u64, max: u64) -> Vec<&GateLimit> {
    let reach = min / LIMIT_FAR..=max.saturating_mul(LIMIT_FAR);
    limits.iter().filter(|limit| reach.contains(&limit.us)).collect()
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
    let says = format!("Edges by time to open; {} at most in one bar", count(most));
    let axes = [times(distribution.min_us, distribution.max_us), amounts(most as f64, short_count)];
    let marks = vec![Mark::new(ChartColour::Due, "", MarkShape::Boxes(bars.collect()))];
    let reading = "edges by the time that they took, on a log scale";
    Some(Chart::new("Time to open, histogram", reading, says, axes, marks))
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
    let limits = near(limits, min, max);
    let all_times = || limits.iter().map(|limit| limit.us).chain([min, max]);
    let (low, high) = (all_times().min()?, all_times().max()?);
    let reach = all().map(|point| 1.0 - point.percentile / 100.0).fold(1.0, f64::min);
    let samples = (1.0 / reach.max(1e-9)).round() as u64;
    let marks = curves.iter().map(|(colour, name, points)| {
        Mark::line(*colour, *name, points.iter().map(|point| (nines(point.percentile), log_time(point.us as f64))))
    });
    let marks = marks.chain(limits.iter().map(|limit| limit.mark())).collect();
    let says = format!("{heading} over percentiles, from {} to {}", duration(min), duration(max));
    Some(Chart::new(heading, reading, says, [percentiles(samples), times(low, high)], marks))
}

/// The percentiles of a timer in each second, over a heatmap of its samples if the summary has one.
pub(super) fn over_time(series: &[SeriesRow], name: &str, heading: &str, limits: &[GateLimit]) -> Option<Chart> {
    let decided: Vec<&SeriesRow> = series.iter().filter(|row| row.timers.contains_key(name)).collect();
    let timers = || decided.iter().filter_map(|row| row.timers.get(name));
    let (fastest, slowest) = (timers().map(|timer| timer.p50_us).min()?, timers().map(|timer| timer.p99_us).max()?);
    let heat = if name == "time_to_open" { heatmap(&decided) } else { vec![] };
    let near = near(limits, fastest, slowest);
    let edges = || heat.iter().flat_map(|bar| [bar.from.1, bar.to.1]).map(|log| 10f64.powf(log) as u64);
    let all = || edges().chain(near.iter().map(|limit| limit.us)).chain([fastest, slowest]);
    // A row without a sample interrupts the line.
    let line = |colour: ChartColour, name_of_line: &str, of: fn(&RowTimer) -> u64| {
        let value = |row: &SeriesRow| row.timers.get(name).map_or(f64::NAN, |timer| log_time(of(timer) as f64));
        Mark::line(colour, name_of_line, series.iter().map(|row| (middle_of(row), value(row))))
    };
    let lines = [
        line(ChartColour::Median, "p50", |timer| timer.p50_us),
        line(ChartColour::Due, "p95", |timer| timer.p95_us),
        line(ChartColour::Tail, "p99", |timer| timer.p99_us),
    ];
    let y = times(all().min()?, all().max()?);
    let is_heated = !heat.is_empty();
    let heat = Mark::new(ChartColour::Received, if is_heated { "darker: more" } else { "" }, MarkShape::Boxes(heat));
    let (fastest, slowest) = (duration(fastest), duration(slowest));
    let says = format!("{heading} in each second; the least median is {fastest}, the slowest p99 is {slowest}");
    let marks = std::iter::once(heat).chain(lines).chain(near.into_iter().map(GateLimit::mark)).collect();
    let heading = format!("{heading}, second by second");
    Some(Chart::new(heading, "when it ended, how long it took", says, [axis(series), y], marks))
}

fn heatmap(rows: &[&SeriesRow]) -> Vec<Bar> {
    let densest =
        rows.iter().flat_map(|row| row.time_to_open.iter().map(|count| rate(row, *count))).fold(1e-9, f64::max);
    let mut boxes = vec![];
    for row in rows {
        for (band, count) in row.time_to_open.iter().enumerate().filter(|(_, count)| **count > 0) {
            let from = (row.second as f64, log_time(heat::floor_us(band)));
            let to = (end_of(row), log_time(heat::floor_us(band + 1)));
            // The square root keeps rare samples visible beside frequent ones.
            let strength = 0.1 + 0.7 * (rate(row, *count) / densest).sqrt();
            boxes.push(Bar { from, to, strength, says: String::new() });
        }
    }
    boxes
}
