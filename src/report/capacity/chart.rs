//! A chart as inline SVG: two scales, and marks in their units; colours are the style's, by class.

use crate::report::escape::{visible, xml};
use std::fmt::Write;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 42.0;

/// One drawing, with what a screen reader says instead of it.
pub struct Chart {
    pub says: String,
    pub x: Scale,
    pub y: Scale,
    pub marks: Vec<Mark>,
}

/// From the lowest to the highest value shown, linear or in powers of ten.
pub struct Scale {
    from: f64,
    to: f64,
    logarithmic: bool,
    ticks: Vec<(f64, String)>,
    name: &'static str,
}

/// In the units of the scales; `class` is a colour of the style.
pub enum Mark {
    Line {
        class: &'static str,
        dashed: bool,
        points: Vec<(f64, f64)>,
    },
    /// `hollow`: of what was not held, or not valid.
    Dots {
        class: &'static str,
        hollow: bool,
        points: Vec<(f64, f64)>,
    },
    /// Across the whole chart at a height.
    Level {
        class: &'static str,
        at: f64,
        name: String,
    },
    /// From top to bottom at a load.
    Plumb {
        class: &'static str,
        at: f64,
        name: String,
    },
}

impl Scale {
    /// From zero to a round figure above `max`.
    pub fn linear(max: f64, name: &'static str, words: impl Fn(f64) -> String) -> Self {
        let step = round_step(max.max(1e-9) / 4.0);
        let to = ((max / step).ceil() * step).max(step);
        let ticks = (0..=8).map(|index| f64::from(index) * step).take_while(|at| *at <= to * 1.000_001);
        Self { from: 0.0, to, logarithmic: false, ticks: ticks.map(|at| (at, words(at))).collect(), name }
    }

    /// Around `min` to `max`, both above zero, with room on both sides.
    pub fn logarithmic(min: f64, max: f64, name: &'static str, words: impl Fn(f64) -> String) -> Self {
        let (from, to) = (min.max(1e-9) / 1.2, max.max(min.max(1e-9) * 2.0) * 1.2);
        let decades = to.log10() - from.log10();
        let factors: &[f64] = if decades < 1.7 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let first = from.log10().floor() as i32;
        let all = (first..first + 20).flat_map(|decade| factors.iter().map(move |factor| factor * 10f64.powi(decade)));
        let ticks = all.filter(|at| (from..=to).contains(at)).map(|at| (at, words(at))).collect();
        Self { from, to, logarithmic: true, ticks, name }
    }

    /// The share of the way from one end to the other, brought to the nearer end if it lies outside.
    fn share(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value.max(1e-12) / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        share.clamp(0.0, 1.0)
    }
}

impl Chart {
    pub fn draw(&self) -> String {
        let mut svg = format!(
            "<svg role=\"img\" aria-label=\"{says}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" xmlns=\"http://www.w3.org/2000/svg\">\
             <title>{says}</title>",
            says = shown(&self.says)
        );
        self.draw_scales(&mut svg);
        for mark in &self.marks {
            self.draw_mark(&mut svg, mark);
        }
        svg + "</svg>"
    }

    fn draw_scales(&self, svg: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (at, name) in &self.y.ticks {
            let y = self.place(self.x.from, *at).1;
            let _ = write!(
                svg,
                "<line class=\"grid-line\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                y + 4.0,
                shown(name)
            );
        }
        for (at, name) in &self.x.ticks {
            let x = self.place(*at, self.y.from).0;
            let _ =
                write!(svg, "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>", bottom + 18.0, shown(name));
        }
        let middle = (LEFT + right) / 2.0;
        let _ = write!(
            svg,
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text><text x=\"4\" y=\"12\">{}</text>",
            HEIGHT - 6.0,
            shown(self.x.name),
            shown(self.y.name)
        );
    }

    fn draw_mark(&self, svg: &mut String, mark: &Mark) {
        match mark {
            Mark::Line { class, dashed, points } => {
                let dashed = if *dashed { " dashed" } else { "" };
                let points: Vec<String> = points.iter().map(|(x, y)| self.place(*x, *y)).map(pair).collect();
                let _ = write!(svg, "<polyline class=\"line {class}{dashed}\" points=\"{}\"/>", points.join(" "));
            }
            Mark::Dots { class, hollow, points } => {
                let kind = if *hollow { "open" } else { "dot" };
                for (x, y) in points.iter().map(|(x, y)| self.place(*x, *y)) {
                    let _ = write!(svg, "<circle class=\"{kind} {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>");
                }
            }
            Mark::Level { class, at, name } => {
                let y = self.place(self.x.from, *at).1;
                let _ = write!(
                    svg,
                    "<g class=\"{class}\"><line class=\"rule\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                     <text class=\"rule-name\" x=\"{}\" y=\"{:.1}\">{}</text></g>",
                    WIDTH - RIGHT,
                    LEFT + 6.0,
                    y - 5.0,
                    shown(name)
                );
            }
            Mark::Plumb { class, at, name } => {
                let x = self.place(*at, self.y.from).0;
                let (anchor, beside) = if x > WIDTH / 2.0 { ("end", -5.0) } else { ("start", 5.0) };
                let _ = write!(
                    svg,
                    "<g class=\"{class}\"><line class=\"rule\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{}\"/>\
                     <text class=\"rule-name\" x=\"{:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text></g>",
                    HEIGHT - BOTTOM,
                    x + beside,
                    TOP + 12.0,
                    shown(name)
                );
            }
        }
    }

    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let width = WIDTH - LEFT - RIGHT;
        let height = HEIGHT - TOP - BOTTOM;
        (LEFT + width * self.x.share(x), HEIGHT - BOTTOM - height * self.y.share(y))
    }
}

fn pair((x, y): (f64, f64)) -> String {
    format!("{x:.1},{y:.1}")
}

/// The smallest of 1, 2, 5 × 10ⁿ that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|factor| factor * power).find(|step| *step >= least).unwrap_or(power * 10.0)
}

/// Text as markup that shows it and is nothing else.
pub fn shown(text: &str) -> String {
    xml(&visible(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|(_, name)| name.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_few() {
        let plain = |value: f64| format!("{value}");
        assert_eq!(names(&Scale::linear(210.0, "", plain)), ["0", "100", "200", "300"]);
        assert_eq!(names(&Scale::logarithmic(3.0, 90.0, "", plain)), ["5", "10", "20", "50", "100"]);
        assert_eq!(names(&Scale::logarithmic(1.0, 9_000.0, "", plain)), ["1", "10", "100", "1000", "10000"]);
    }

    #[test]
    fn no_value_leaves_the_chart_and_no_scale_is_endless() {
        for max in [0.0, 1e-12, 1.0, 1e300] {
            for scale in
                [Scale::linear(max, "", |_| String::new()), Scale::logarithmic(max, max, "", |_| String::new())]
            {
                assert!(scale.ticks.len() < 70 && scale.to > scale.from, "{max}");
                for value in [-1.0, 0.0, 1.0, 1e301] {
                    assert!((0.0..=1.0).contains(&scale.share(value)), "{max} {value}");
                }
            }
        }
    }
}
