//! Charts as data: axes, and marks in the units of the axes.

use super::axis::Axis;
use super::colour::ChartColour;

/// A chart with its heading and one sentence on how to read it. Lengths are in units of the drawing, which is 360 wide, or 1,080 if it is large.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Drawn across the page.
    pub is_large: bool,
    pub heading: String,
    pub reading: String,
    /// The text alternative for screen readers.
    pub says: String,
    pub height: u32,
    pub x: Axis,
    pub y: Axis,
    pub marks: Vec<Mark>,
}

/// An element of a chart; the legend has each name once. Values outside the axes are clamped.
#[derive(Clone, Debug)]
pub struct Mark {
    pub colour: ChartColour,
    /// Empty for a mark that the legend leaves out.
    pub name: String,
    pub shape: MarkShape,
}

/// The horizontal and the vertical value of a point.
pub type Corner = (f64, f64);

/// A rectangle between two corners.
#[derive(Clone, Debug)]
pub struct Bar {
    pub from: Corner,
    pub to: Corner,
    /// Opacity from 0 to 1.
    pub strength: f64,
    /// Its values; empty if the axes tell them.
    pub says: String,
}

#[derive(Clone, Debug)]
pub enum MarkShape {
    /// A line from point to point, interrupted where a value is not a number.
    Line(Vec<Corner>),
    /// The area between the points and the axis.
    Area(Vec<Corner>),
    Boxes(Vec<Bar>),
    Dots(Vec<Corner>),
    /// Hollow dots, which are told from full ones without colour.
    Rings(Vec<Corner>),
    /// A line across the chart, with its name beside it.
    Horizontal(f64),
    Vertical(f64),
}

impl Mark {
    pub fn new(colour: ChartColour, name: impl Into<String>, shape: MarkShape) -> Self {
        Self { colour, name: name.into(), shape }
    }

    pub fn line(colour: ChartColour, name: impl Into<String>, points: impl IntoIterator<Item = Corner>) -> Self {
        Self::new(colour, name, MarkShape::Line(points.into_iter().collect()))
    }

    /// A line, and the area below it.
    pub fn filled(colour: ChartColour, name: impl Into<String>, points: Vec<Corner>) -> [Self; 2] {
        [Self::new(colour, "", MarkShape::Area(points.clone())), Self::line(colour, name, points)]
    }
}

impl Chart {
    /// A chart of the usual size.
    pub fn new(
        heading: impl Into<String>,
        reading: impl Into<String>,
        says: impl Into<String>,
        [x, y]: [Axis; 2],
        marks: Vec<Mark>,
    ) -> Self {
        let (heading, reading, says) = (heading.into(), reading.into(), says.into());
        Self { is_large: false, heading, reading, says, height: 220, x, y, marks }
    }

    /// The colours and names of the legend, each once, in the order of the marks.
    pub fn legend(&self) -> Vec<(ChartColour, &str)> {
        let mut legend: Vec<(ChartColour, &str)> = vec![];
        for mark in &self.marks {
            let is_labelled = matches!(mark.shape, MarkShape::Horizontal(_) | MarkShape::Vertical(_));
            let entry = (mark.colour, mark.name.as_str());
            if !is_labelled && !mark.name.is_empty() && !legend.contains(&entry) {
                legend.push(entry);
            }
        }
        legend
    }
}
