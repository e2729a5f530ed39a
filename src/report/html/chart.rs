//! Draws a chart as inline SVG; the only file that uses the charting library.

use crate::report::html::axis::Axis;
use crate::report::html::palette::ChartColour;
use maud::{Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::ops::Range;

/// A chart. Lengths are in halves of a CSS pixel, because the library places elements at whole units.
pub(crate) struct Chart {
    /// The text alternative for screen readers.
    pub says: String,
    pub height: u32,
    /// Width of the labels of the vertical axis.
    pub margin: u32,
    pub x: Axis,
    pub y: Axis,
    pub marks: Vec<Mark>,
}

/// An element of a chart in the units of the axes; values outside them are clamped.
pub(crate) enum Mark {
    Line {
        role: ChartColour,
        points: Vec<(f64, f64)>,
    },
    /// The area between the points and the axis.
    Area {
        role: ChartColour,
        points: Vec<(f64, f64)>,
    },
    /// Rectangles between two corners, each with its opacity from 0 to 1.
    Boxes {
        role: ChartColour,
        boxes: Vec<(Corner, Corner, f64)>,
    },
    /// `hollow` tells two kinds of dots apart without colour.
    Dots {
        role: ChartColour,
        hollow: bool,
        points: Vec<(f64, f64)>,
    },
    /// A labelled horizontal line across the chart.
    HorizontalLine {
        role: ChartColour,
        at: f64,
        name: String,
    },
    /// A labelled vertical line across the chart.
    VerticalLine {
        role: ChartColour,
        at: f64,
        name: String,
    },
}

pub(super) type Corner = (f64, f64);

type Plane<'b, 'a> = ChartContext<'b, SVGBackend<'a>, Cartesian2d<Scale<'b>, Scale<'b>>>;

/// An axis in the charting library's form, which shows only the labelled ticks.
struct Scale<'b>(&'b Axis);

type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

const WIDTH: u32 = 880;
const LABEL: u32 = 30;
const DOT: u32 = 8;

impl Chart {
    pub(crate) fn draw(&self) -> Markup {
        let mut svg = String::new();
        let area = SVGBackend::with_string(&mut svg, (WIDTH, self.height)).into_drawing_area();
        // The only errors are write errors, and writing to a string has none.
        self.draw_on(&area).expect("drawing to memory does not fail");
        area.present().expect("drawing to memory does not fail");
        drop(area);
        // The page sets the size, so that the chart fits a phone.
        let body = svg.split_once('>').map_or("", |(_, body)| body);
        let frame = format!("0 0 {WIDTH} {}", self.height);
        html! {
            svg role="img" aria-label=(self.says) viewBox=(frame) xmlns="http://www.w3.org/2000/svg" {
                title { (self.says) }
                (PreEscaped(body.strip_suffix("</svg>\n").unwrap_or(body)))
            }
        }
    }

    fn draw_on(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Drawn {
        let mut plane = ChartBuilder::on(area)
            .margin_top(14)
            .margin_right(34)
            .x_label_area_size(46)
            .y_label_area_size(self.margin)
            .build_cartesian_2d(Scale(&self.x), Scale(&self.y))?;
        let grey = colour(ChartColour::Label);
        let label = ("sans-serif", LABEL, &grey).into_text_style(area);
        plane
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(self.x.ticks.len())
            .y_labels(self.y.ticks.len())
            .label_style(label)
            .axis_style(colour(ChartColour::Grid).stroke_width(2))
            .bold_line_style(colour(ChartColour::Grid).stroke_width(2))
            .light_line_style(TRANSPARENT)
            .set_all_tick_mark_size(6)
            .draw()?;
        self.marks.iter().try_for_each(|mark| self.draw_mark(&mut plane, mark))
    }

    fn draw_mark(&self, plane: &mut Plane<'_, '_>, mark: &Mark) -> Drawn {
        let place = |&(x, y): &Corner| (self.x.place(x), self.y.place(y));
        match mark {
            Mark::Line { role, points } => {
                plane.draw_series(LineSeries::new(points.iter().map(place), colour(*role).stroke_width(4)))?;
            }
            Mark::Area { role, points } => {
                let filled = AreaSeries::new(points.iter().map(place), self.y.from, colour(*role).mix(0.25));
                plane.draw_series(filled)?;
            }
            Mark::Boxes { role, boxes } => {
                plane.draw_series(boxes.iter().map(|(from, to, strength)| {
                    Rectangle::new([place(from), place(to)], colour(*role).mix(*strength).filled())
                }))?;
            }
            Mark::Dots { role, hollow, points } => {
                let style = if *hollow { colour(*role).stroke_width(3) } else { colour(*role).filled() };
                plane.draw_series(points.iter().map(|point| Circle::new(place(point), DOT, style)))?;
            }
            Mark::HorizontalLine { role, at, name } => {
                let ends = [(self.x.from, *at), (self.x.to, *at)];
                self.rule(plane, *role, ends, name, Pos::new(HPos::Left, VPos::Bottom))?;
            }
            Mark::VerticalLine { role, at, name } => {
                let is_right = *at > (self.x.from + self.x.to) / 2.0;
                let side = if is_right { HPos::Right } else { HPos::Left };
                self.rule(plane, *role, [(*at, self.y.to), (*at, self.y.from)], name, Pos::new(side, VPos::Top))?;
            }
        }
        Ok(())
    }

    /// A line with its label at its first end.
    fn rule(&self, plane: &mut Plane<'_, '_>, role: ChartColour, ends: [Corner; 2], name: &str, pos: Pos) -> Drawn {
        let ends = ends.map(|(x, y)| (self.x.place(x), self.y.place(y)));
        let role = colour(role);
        plane.draw_series(LineSeries::new(ends, role.stroke_width(3)))?;
        let style = ("sans-serif", LABEL).into_font().color(&role).pos(pos);
        plane.draw_series(std::iter::once(Text::new(name.to_owned(), ends[0], style)))?;
        Ok(())
    }
}

impl Ranged for Scale<'_> {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.0.from) / (self.0.to - self.0.from);
        limit.0 + (f64::from(limit.1 - limit.0) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.0.ticks.iter().map(|(at, _)| *at).collect()
    }

    fn range(&self) -> Range<f64> {
        self.0.from..self.0.to
    }
}

impl ValueFormatter<f64> for Scale<'_> {
    fn format_ext(&self, value: &f64) -> String {
        self.0.ticks.iter().find(|(at, _)| at == value).map_or(String::new(), |(_, name)| name.clone())
    }
}

fn colour(role: ChartColour) -> RGBColor {
    let (red, green, blue) = role.light();
    RGBColor(red, green, blue)
}
