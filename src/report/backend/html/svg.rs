//! Draws a chart as inline SVG; colours are classes of the page's style.

use super::inert::{class, inert};
use crate::report::document::{Axis, Bar, Chart, Corner, Mark, MarkShape, tenths};
use maud::{Markup, html};
use std::fmt::Write;

/// Near the room that a chart has on a phone and in three columns, so that its labels have one size everywhere.
pub(super) const WIDTH: f64 = 360.0;
pub(super) const LARGE_WIDTH: f64 = 1_080.0;
const TOP: f64 = 8.0;
/// Room for half of the last label of the horizontal axis.
const RIGHT: f64 = 18.0;
const BOTTOM: f64 = 24.0;
/// The mean width of a letter of a label, with some to spare.
const LETTER: f64 = 6.9;
/// Between the labels of the vertical axis and the axis.
const LABEL_GAP: f64 = 6.0;
/// Marks of a chart that tell their values to a pointer; more would make the page heavy.
const TITLES_MAX: usize = 240;

/// The drawing, which scales to the room that the page gives it.
pub(super) fn draw(chart: &Chart, width: f64, class: &str) -> Markup {
    let longest = chart.y.ticks.iter().map(|(_, name)| name.chars().count()).max().unwrap_or(0);
    let (left, bottom) = (longest as f64 * LETTER + LABEL_GAP + 6.0, f64::from(chart.height) - BOTTOM);
    let plane = Plane { chart, left, right: width - RIGHT, bottom };
    let says = inert(&chart.says);
    let frame = format!("0 0 {width} {}", chart.height);
    html! {
        svg class=[(!class.is_empty()).then_some(class)] role="img" aria-label=(says) viewBox=(frame) {
            title { (says) }
            (plane.axes())
            @for mark in &chart.marks { (plane.mark(mark)) }
            (plane.limits())
        }
    }
}

struct Plane<'a> {
    chart: &'a Chart,
    left: f64,
    right: f64,
    bottom: f64,
}

impl Plane<'_> {
    fn x(&self, value: f64) -> f64 {
        let Axis { from, to, .. } = self.chart.x;
        self.left + (self.right - self.left) * (self.chart.x.place(value) - from) / (to - from)
    }

    fn y(&self, value: f64) -> f64 {
        let Axis { from, to, .. } = self.chart.y;
        self.bottom - (self.bottom - TOP) * (self.chart.y.place(value) - from) / (to - from)
    }

    fn axes(&self) -> Markup {
        let (right, below) = (self.right, self.bottom + 16.0);
        let mut grid = String::new();
        for (at, _) in &self.chart.y.ticks {
            let _ = write!(grid, "M{} {}H{right}", tenths(self.left), tenths(self.y(*at)));
        }
        let _ = write!(grid, "M{} {}H{right}", tenths(self.left), self.bottom);
        html! {
            path.axis d=(grid) {}
            @for (at, name) in &self.chart.y.ticks {
                text.end x=(tenths(self.left - LABEL_GAP)) y=(tenths(self.y(*at) + 4.0)) { (inert(name)) }
            }
            @for (at, name) in &self.chart.x.ticks {
                text.mid x=(tenths(self.x(*at))) y=(below) { (inert(name)) }
            }
        }
    }

    /// The lines across the chart, over everything else. Their labels take turns at both ends, since limits may be near
    /// each other.
    fn limits(&self) -> Markup {
        let limits = self.chart.marks.iter().filter_map(|mark| match mark.shape {
            MarkShape::Horizontal(at) => Some((mark, self.y(at))),
            _ => None,
        });
        html! {
            @for (index, (mark, y)) in limits.enumerate() {
                @let is_right = index % 2 == 1;
                @let path = format!("M{} {}H{}", tenths(self.left), tenths(y), self.right);
                // Below a line at the upper end, where a label above it would be cut off.
                @let label = y + if y < TOP + 14.0 { 13.0 } else { -4.0 };
                (rule(mark, path, is_right, if is_right { self.right - 4.0 } else { self.left + 4.0 }, label))
            }
        }
    }

    fn mark(&self, mark: &Mark) -> Markup {
        let colour = class(mark.colour);
        match &mark.shape {
            MarkShape::Line(points) => html! {
                path class={ "line " (colour) } d=(self.path(points)) {}
                (self.circles(mark, "dot", &lone(points)))
                (self.circles(mark, "hit", points.iter().step_by(points.len().div_ceil(TITLES_MAX).max(1))))
            },
            MarkShape::Area(points) => html! { path class={ "area " (colour) } d=(self.area(points)) {} },
            MarkShape::Dots(points) => self.circles(mark, "dot", points),
            MarkShape::Rings(points) => self.circles(mark, "ring", points),
            MarkShape::Boxes(boxes) => html! {
                g class=(colour) {
                    @for bar in boxes { (self.rectangle(mark, bar, boxes.len() <= TITLES_MAX)) }
                }
            },
            // `limits` draws it, over all others.
            MarkShape::Horizontal(_) => html! {},
            MarkShape::Vertical(at) => {
                let x = self.x(*at);
                let is_right = x > (self.left + self.right) / 2.0;
                let path = format!("M{} {TOP}V{}", tenths(x), self.bottom);
                rule(mark, path, is_right, if is_right { x - 4.0 } else { x + 4.0 }, TOP + 10.0)
            }
        }
    }

    /// A line through the points, interrupted by gaps.
    fn path(&self, points: &[Corner]) -> String {
        let mut path = String::new();
        let mut is_broken = true;
        for (x, y) in points {
            let is_gap = x.is_nan() || y.is_nan();
            if !is_gap {
                let step = if is_broken { 'M' } else { 'L' };
                let _ = write!(path, "{step}{} {}", tenths(self.x(*x)), tenths(self.y(*y)));
            }
            is_broken = is_gap;
        }
        path
    }

    fn area(&self, points: &[Corner]) -> String {
        let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else { return String::new() };
        let line = self.path(points);
        format!("{line}L{} {}L{} {}Z", tenths(self.x(*last)), self.bottom, tenths(self.x(*first)), self.bottom)
    }

    fn circles<'c>(&self, mark: &Mark, shape: &str, points: impl IntoIterator<Item = &'c Corner>) -> Markup {
        html! {
            g class={ (shape) " " (class(mark.colour)) } {
                @for (x, y) in points.into_iter().filter(|(x, y)| !x.is_nan() && !y.is_nan()) {
                    circle cx=(tenths(self.x(*x))) cy=(tenths(self.y(*y))) r="4" { title { (self.in_words(mark, *x, *y)) } }
                }
            }
        }
    }

    fn rectangle(&self, mark: &Mark, bar: &Bar, titled: bool) -> Markup {
        let (left, right) = (self.x(bar.from.0), self.x(bar.to.0));
        let (bottom, top) = (self.y(bar.from.1), self.y(bar.to.1));
        html! {
            rect x=(tenths(left)) y=(tenths(top)) width=(tenths((right - left).max(0.5))) height=(tenths((bottom - top).max(0.5))) fill-opacity=(format!("{:.2}", bar.strength)) {
                @if !bar.says.is_empty() { title { (inert(&bar.says)) } }
                @else if titled { title { (self.in_words(mark, bar.to.0, bar.to.1)) } }
            }
        }
    }

    /// The name and the values of a mark, as a pointer over it is told.
    fn in_words(&self, mark: &Mark, x: f64, y: f64) -> String {
        let values = [(self.chart.x.words)(x), (self.chart.y.words)(y)];
        let said = [inert(&mark.name)].into_iter().chain(values).filter(|words| !words.is_empty());
        said.collect::<Vec<_>>().join(", ")
    }
}

/// A line through the whole chart, with its name at `x` and `y`.
fn rule(mark: &Mark, path: String, ends_at_x: bool, x: f64, y: f64) -> Markup {
    let colour = class(mark.colour);
    html! {
        path class={ "line rule " (colour) } d=(path) {}
        text class={ "rule " (if ends_at_x { "end " } else { "" }) (colour) } x=(tenths(x)) y=(tenths(y)) { (inert(&mark.name)) }
    }
}

/// The points between gaps, through which no line goes.
fn lone(points: &[Corner]) -> Vec<Corner> {
    let is_gap =
        |index: Option<usize>| index.and_then(|index| points.get(index)).is_none_or(|(x, y)| x.is_nan() || y.is_nan());
    let lone = (0..points.len()).filter(|index| is_gap(index.checked_sub(1)) && is_gap(Some(index + 1)));
    lone.map(|index| points[index]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_between_gaps_is_a_dot_and_no_line_crosses_a_gap() {
        let gap = (2.0, f64::NAN);
        let points = [(0.0, 1.0), (1.0, 1.0), gap, (3.0, 2.0), gap, (5.0, 1.0), (6.0, 1.0)];
        assert_eq!(lone(&points), [(3.0, 2.0)]);
        assert_eq!(lone(&points[..1]), [(0.0, 1.0)]);
        let axis = || crate::report::document::seconds(6.0);
        let marks = vec![Mark::line(crate::report::document::ChartColour::Due, "due", points)];
        let chart = Chart::new("", "", "", [axis(), axis()], marks);
        let svg = draw(&chart, WIDTH, "").into_string();
        let line = svg.split("class=\"line c-due\" d=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert_eq!((line.matches('M').count(), line.matches('L').count()), (3, 2), "{line}");
        assert!(svg.contains("<g class=\"dot c-due\"><circle "), "{svg}");
    }
}
