//! The time to open over the course of the run, on a logarithmic axis.

use super::course::LiveCourse;
use super::palette::Palette;
use crate::gates::Gate;
use crate::summary::{SparseHistogram, Unit};
use crate::vocabulary::format::{count, duration};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, Paragraph};

/// The width above which titles are written out.
const WIDE: u16 = 55;

pub(super) fn draw(course: &LiveCourse, palette: Palette, frame: &mut Frame<'_>, area: Rect) {
    let whole = course.snapshot.as_ref().and_then(|snapshot| snapshot.samples.timers.get("time_to_open"));
    let block = Block::bordered().border_style(palette.faint());
    let Some(whole) = whole.map(|timer| &timer.due).filter(|_| !course.curve.is_empty()) else {
        let block = block.title(" time to open ");
        frame.render_widget(Paragraph::new(" no edge of the measured rooms is open yet").block(block), area);
        return;
    };
    let what = if area.width > WIDE { "time to open" } else { "to open" };
    let title = format!(" {what}: {} ", quantiles(whole, area.width));

    let at = |quantile: f64| -> Vec<(f64, f64)> {
        let point = |point: &super::course::CurvePoint| {
            (point.at.as_secs_f64(), decade(point.samples.quantile_us(quantile) as f64))
        };
        course.curve.iter().map(point).collect()
    };
    let (low, high) = (at(0.5), at(0.95));
    let seconds = course.elapsed.as_secs_f64().max(1.0);
    let most = high.iter().map(|(_, y)| *y).fold(0.0, f64::max);
    // One far above would press the curve flat.
    let limit = limit_us(course).filter(|us| decade(*us) <= most + 1.0);
    let legend = if limit.is_some() { " p50 below, p95 above; dots: gate " } else { " p50 below, p95 above " };
    let block = block.title(title).title_bottom(Line::from(legend).style(palette.faint()));
    let across = (0..area.width).step_by(2).map(|x| f64::from(x) / f64::from(area.width) * seconds);
    let limit: Vec<(f64, f64)> = across.filter_map(|x| Some((x, decade(limit?)))).collect();
    let all = || low.iter().chain(&high).chain(&limit).map(|(_, y)| *y);
    let bottom = all().fold(f64::INFINITY, f64::min).floor();
    let top = all().fold(f64::NEG_INFINITY, f64::max).ceil().max(bottom + 1.0);
    let line = |data, color| {
        Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).style(palette.of(color)).data(data)
    };
    let dots = Dataset::default().marker(Marker::Dot).graph_type(GraphType::Scatter).style(palette.of(Color::Red));
    let sets = vec![dots.data(&limit), line(&high, Color::Yellow), line(&low, Color::Green)];
    let decades = (bottom as i32..=top as i32).map(|power| duration(10f64.powi(power) as u64));
    let ends = ["0 s".to_owned(), format!("{} s", count(seconds as u64))];
    let axis = || Axis::default().style(palette.faint());
    let chart = Chart::new(sets)
        .block(block)
        .x_axis(axis().bounds([0.0, seconds]).labels(ends))
        .y_axis(axis().bounds([bottom, top]).labels(decades.collect::<Vec<_>>()));
    frame.render_widget(chart, area);
}

/// `p50 12.0 ms, p95 40.1 ms, p99 52.0 ms` of all samples so far; without the last on a small screen.
fn quantiles(samples: &SparseHistogram, width: u16) -> String {
    let of = |at: u32| format!("p{at} {}", duration(samples.quantile_us(f64::from(at) / 100.0)));
    let all: &[u32] = if width > WIDE { &[50, 95, 99] } else { &[50, 95] };
    all.iter().copied().map(of).collect::<Vec<_>>().join(", ")
}

/// The least limit that a gate sets it, in microseconds.
fn limit_us(course: &LiveCourse) -> Option<f64> {
    let gates = course.snapshot.iter().flat_map(|snapshot| &snapshot.summary.gates);
    let gates = gates.filter(|gate| gate.reads("time_to_open", None) && gate.unit == Unit::Us);
    gates.filter_map(|gate| Some(Gate::parse(&gate.metric, &gate.expr).ok()?.number)).min_by(f64::total_cmp)
}

/// The height of a time in decades of microseconds.
fn decade(us: f64) -> f64 {
    us.max(1.0).log10()
}
