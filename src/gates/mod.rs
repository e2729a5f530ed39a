//! Gates: conditions on metrics that a run must meet to pass.

pub mod baseline;
mod condition;
mod decision;
mod judge;
mod live_status;
mod median;
mod metric;
mod parse;

use crate::summary::Unit;
use crate::vocabulary::problem::nearest;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

pub use crate::gates::condition::{Aggregation, Operator};
pub use crate::gates::decision::decide;
pub use crate::gates::judge::{ended_without_server, judge, opened_no_edge, passed};
pub use crate::gates::live_status::{LiveStatus, live_status, timers, tripped};
pub use crate::gates::median::median;
pub use crate::gates::metric::Metric;

/// A condition on a metric (docs/spec/interface.md, "Gates").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    pub metric: Metric,
    pub aggregation: Aggregation,
    pub operator: Operator,
    /// The limit in `unit`: microseconds, a ratio from 0 to 1, a count or bytes.
    pub number: f64,
    /// True for a gate that ends the run as soon as it fails, but not before `after`.
    pub abort: bool,
    pub after: Duration,
    /// The least number of samples, if it is more than the aggregation needs.
    pub min_samples: u64,
    /// The gate's place: `file:line` of the profile, or `--gate`.
    pub line: Option<String>,
}

impl Gate {
    /// Parses a metric's name, with `.began` for that clock, and a condition such as `p(95) < 800ms`.
    ///
    /// # Errors
    /// One sentence for the user.
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

    /// Checks that the gate's scenario, if it reads one, is among those of the profile.
    ///
    /// # Errors
    /// One sentence with the nearest right name.
    pub fn check_scenario(&self, known: &[String]) -> Result<(), String> {
        let Some(name) = self.metric.scenario.as_ref().filter(|name| !known.contains(name)) else { return Ok(()) };
        let hint = match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near:?}?"),
            None if known.is_empty() => "the profile has no [[scenarios]]".to_owned(),
            None => format!("known are {}", known.join(", ")),
        };
        Err(format!("there is no scenario {name:?}; {hint}"))
    }

    /// Parses `METRIC: EXPR`, the value of `--gate`.
    ///
    /// # Errors
    /// One sentence for the user.
    pub fn parse_line(text: &str) -> Result<Self, String> {
        let (metric, expr) = text.split_once(':').ok_or_else(|| {
            format!("{text:?}: a gate is a metric, a colon and a condition: \"time_to_open: p(95) < 800ms\"")
        })?;
        Self::parse(metric, expr)
    }

    /// The condition in its normal form, independent of the user's blanks and units.
    pub fn expr(&self) -> String {
        format!("{} {} {}", self.aggregation, self.operator.sign(), self.limit())
    }

    /// The gate for people: `time_to_open p95 below 800ms`, `mesh_complete at least 99%`.
    pub fn in_words(&self) -> String {
        let aggregation = match self.aggregation {
            Aggregation::Rate | Aggregation::Value | Aggregation::Count => String::new(),
            Aggregation::Percentile(percentile) => format!(" p{percentile}"),
            other => format!(" {other}"),
        };
        format!("{}{aggregation} {} {}", self.metric, self.operator.word(), self.limit())
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
            // A percentage only if it parses back to the same number.
            (Unit::Ratio, Aggregation::Rate) if (number * 100.0) / 100.0 == number => format!("{}%", number * 100.0),
            (Unit::Bytes, _) => format!("{number}B"),
            _ => number.to_string(),
        }
    }
}

/// Writes `time_to_open.began: p(50) < 200ms`, which parses back to the same gate.
impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.metric, self.expr())
    }
}
