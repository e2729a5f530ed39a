//! The parts of a gate's condition: the aggregation of a metric and the comparison operator.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The figure that is read from a metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Aggregation {
    /// p(N), N above 0 and below 100.
    Percentile(f64),
    Min,
    Max,
    Avg,
    Med,
    Count,
    Rate,
    Value,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operator {
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
}

impl Operator {
    pub const ALL: [Self; 5] = [Self::Less, Self::AtMost, Self::Greater, Self::AtLeast, Self::Equal];

    pub fn word(self) -> &'static str {
        match self {
            Self::Less => "below",
            Self::AtMost => "at most",
            Self::Greater => "above",
            Self::AtLeast => "at least",
            Self::Equal => "exactly",
        }
    }

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
