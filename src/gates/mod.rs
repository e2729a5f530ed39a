//! Gates: what a run must have measured to pass, as the user wrote it.

pub mod baseline;
mod condition;
mod judge;
mod median;
mod metric;
mod parse;
mod standing;

use crate::summary::verdict::Unit;
use std::fmt;
use std::time::Duration;

pub use crate::gates::condition::{Aggregation, Operator};
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

/// `time_to_open.began: p(50) < 200ms`, which reads back as the same gate.
impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.metric, self.expr())
    }
}
