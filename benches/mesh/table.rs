//! Figures beside what they must be and should be.

use std::fmt::Write as _;

/// One figure of the table; `f64::NAN` where it could not be had.
pub struct Figure {
    pub name: &'static str,
    pub must: Bound,
    pub goal: Bound,
    pub seen: f64,
    pub unit: &'static str,
    /// Further figures of the same run.
    pub beside: String,
}

/// The bound of a figure.
#[derive(Clone, Copy)]
pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
    None,
}

pub const HEAD: &str = "| figure | must | goal | seen | | beside it |\n|---|---|---|---|---|---|\n";

impl Figure {
    pub fn row(&self) -> String {
        let seen = if self.seen.is_nan() { "not there".to_owned() } else { quantity(self.seen, self.unit) };
        let mut row = format!("| {} | ", self.name);
        let _ = write!(row, "{} | {} | ", self.must.shown(self.unit), self.goal.shown(self.unit));
        let _ = writeln!(row, "{seen} | {} | {} |", self.mark(), self.beside);
        row
    }

    fn mark(&self) -> &'static str {
        match (self.must.holds(self.seen), self.goal.holds(self.seen)) {
            _ if self.seen.is_nan() => "",
            (_, Some(true)) => "goal",
            (Some(true), _) => "must",
            (Some(false), _) => "**missed**",
            (None, _) => "",
        }
    }
}

impl Bound {
    fn holds(self, seen: f64) -> Option<bool> {
        match self {
            Self::AtMost(most) => Some(seen <= most),
            Self::AtLeast(least) => Some(seen >= least),
            Self::None => None,
        }
    }

    fn shown(self, unit: &str) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {}", quantity(most, unit)),
            Self::AtLeast(least) => format!("≥ {}", quantity(least, unit)),
            Self::None => "–".to_owned(),
        }
    }
}

/// Thousands in groups, small figures with two digits.
fn quantity(value: f64, unit: &str) -> String {
    if value < 1_000.0 {
        let digits = if value.fract() == 0.0 {
            0
        } else if value < 10.0 {
            2
        } else {
            0
        };
        return format!("{value:.digits$} {unit}").trim_end().to_owned();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {unit}").trim_end().to_owned()
}
