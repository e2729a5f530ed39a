//! Gates: what a run must have measured to pass, as the user wrote it.

pub mod baseline;
mod judge;
mod median;
mod metric;
mod parse;
mod standing;

use crate::summary::verdict::Unit;
use std::fmt;
use std::time::Duration;

pub use crate::gates::judge::{judge, opened_nothing, passed};
pub use crate::gates::median::median;
pub use crate::gates::metric::Metric;
pub use crate::gates::standing::{Standing, standing, timers, tripped};

/// One condition on one metric (interface.md, "Gates").
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    pub metric: Metric,
    pub aggregation: Aggregation,
    pub operator: Operator,
    /// Microseconds, a ratio from 0 to 1, a count or bytes: as `unit` says.
    pub number: f64,
    /// Ends the run as soon as it fails, once `after` of the run has passed.
    pub abort: bool,
    pub after: Duration,
    /// Raises what the aggregation needs anyway.
    pub min_samples: u64,
    /// `file:line` of the profile, or `--gate`.
    pub line: Option<String>,
}

/// What is read from a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregation {
    /// Above 0 and below 100.
    Percentile(f64),
    Min,
    Max,
    Avg,
    Med,
    Count,
    Rate,
    Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
}

impl Gate {
    /// `metric`: with `.began` where asked for; `expr`: such as `p(95) < 800ms`. The error is a sentence for the user.
    pub fn parse(metric: &str, expr: &str) -> Result<Self, String> {
        let metric = Metric::parse(metric.trim())?;
        let (aggregation, operator, number) = parse::expr(&metric, expr)?;
        Ok(Self {
            metric,
            aggregation,
            operator,
            number,
            abort: false,
            after: Duration::ZERO,
            min_samples: 0,
            line: None,
        })
    }

    /// `METRIC: EXPR`, as `--gate` takes it.
    pub fn parse_line(text: &str) -> Result<Self, String> {
        let (metric, expr) = text.split_once(':').ok_or_else(|| {
            format!("{text:?}: a gate is a metric, a colon and a condition: \"time_to_open: p(95) < 800ms\"")
        })?;
        Self::parse(metric, expr)
    }

    /// The condition, written one way whatever the user's blanks and units were.
    pub fn expr(&self) -> String {
        format!("{} {} {}", self.aggregation, self.operator.sign(), self.limit())
    }

    pub fn unit(&self) -> Unit {
        match (self.aggregation, self.metric.name.as_str()) {
            (Aggregation::Rate, _) => Unit::Ratio,
            (Aggregation::Count, _) => Unit::Count,
            (Aggregation::Value, "signaling_bytes_per_edge") => Unit::Bytes,
            (Aggregation::Value, _) => Unit::Ratio,
            _ => Unit::Us,
        }
    }

    fn limit(&self) -> String {
        let number = self.number;
        match (self.unit(), self.aggregation) {
            (Unit::Us, _) if number % 1e6 == 0.0 && number > 0.0 => format!("{}s", number / 1e6),
            (Unit::Us, _) if number % 1e3 == 0.0 && number > 0.0 => format!("{}ms", number / 1e3),
            (Unit::Us, _) => format!("{number}us"),
            // Written as a share of a hundred only where that reads back as the same number.
            (Unit::Ratio, Aggregation::Rate) if (number * 100.0) / 100.0 == number => format!("{}%", number * 100.0),
            (Unit::Bytes, _) => format!("{number}B"),
            _ => number.to_string(),
        }
    }
}

impl Operator {
    pub const ALL: [Self; 5] = [Self::Less, Self::AtMost, Self::Greater, Self::AtLeast, Self::Equal];

    pub fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
        }
    }

    pub fn holds(self, observed: f64, limit: f64) -> bool {
        match self {
            Self::Less => observed < limit,
            Self::AtMost => observed <= limit,
            Self::Greater => observed > limit,
            Self::AtLeast => observed >= limit,
            Self::Equal => observed == limit,
        }
    }
}

/// `time_to_open.began: p(50) < 200ms`, which reads back as the same gate.
impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.metric, self.expr())
    }
}

impl fmt::Display for Aggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(percentile) => write!(f, "p({percentile})"),
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Avg => f.write_str("avg"),
            Self::Med => f.write_str("med"),
            Self::Count => f.write_str("count"),
            Self::Rate => f.write_str("rate"),
            Self::Value => f.write_str("value"),
        }
    }
}
