//! The distribution of a timer's samples, on the clocks due and began.

use crate::summary::curve::{Point, curve};
use crate::summary::histogram::{Histogram, Undecodable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The same samples, measured from when they were due, from when they began, and without the generator's share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timer {
    pub due: Distribution,
    pub began: Distribution,
    /// From when they began, less the generator's share of each sample; absent where that is the same as `began`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<Distribution>,
}

/// A distribution in microseconds. It has samples: a timer that measured nothing is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
    pub count: u64,
    pub min_us: u64,
    pub mean_us: u64,
    pub stdev_us: u64,
    pub max_us: u64,
    /// The latency at each percentile, in microseconds.
    pub p: Percentiles,
    /// The histogram: HdrHistogram V2, deflated, in base64.
    pub hdr: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    #[serde(rename = "50")]
    pub p50: u64,
    #[serde(rename = "75")]
    pub p75: u64,
    #[serde(rename = "90")]
    pub p90: u64,
    #[serde(rename = "95")]
    pub p95: u64,
    #[serde(rename = "99")]
    pub p99: u64,
    #[serde(rename = "99.9")]
    pub p99_9: u64,
    #[serde(rename = "99.99")]
    pub p99_99: u64,
}

impl Distribution {
    /// Each percentile that is kept, in per cent, with its value in microseconds.
    pub fn percentiles(&self) -> [(f64, u64); 7] {
        let Percentiles { p50, p75, p90, p95, p99, p99_9, p99_99 } = self.p;
        [(50.0, p50), (75.0, p75), (90.0, p90), (95.0, p95), (99.0, p99), (99.9, p99_9), (99.99, p99_99)]
    }

    /// The curve of its histogram; empty if that can't be decoded, which `Summary::read` refuses in a file.
    pub fn curve(&self) -> Vec<Point> {
        self.histogram().map_or(vec![], |histogram| curve(&histogram))
    }

    /// The percentiles that have enough samples to mean anything.
    pub fn known_percentiles(&self) -> impl Iterator<Item = (f64, u64)> {
        self.percentiles().into_iter().filter(|(at, _)| self.count >= samples_needed(*at))
    }
}

/// The start that a latency is measured from: when the action was due, or when it began; `net` is the latter without the
/// generator's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    Due,
    Began,
    Net,
}

impl Timer {
    pub fn on(&self, clock: Clock) -> &Distribution {
        match clock {
            Clock::Due => &self.due,
            Clock::Began => &self.began,
            Clock::Net => self.net.as_ref().unwrap_or(&self.began),
        }
    }
}

impl Distribution {
    pub fn of(histogram: &Histogram) -> Self {
        let at = |quantile| histogram.quantile_us(quantile);
        Self {
            count: histogram.count(),
            min_us: histogram.min_us(),
            mean_us: histogram.mean_us(),
            stdev_us: histogram.stdev_us(),
            max_us: histogram.max_us(),
            p: Percentiles {
                p50: at(0.5),
                p75: at(0.75),
                p90: at(0.9),
                p95: at(0.95),
                p99: at(0.99),
                p99_9: at(0.999),
                p99_99: at(0.9999),
            },
            hdr: histogram.encode(),
        }
    }

    /// Decodes the histogram.
    ///
    /// # Errors
    /// It can't be decoded, or has another number of samples than `count`.
    pub fn histogram(&self) -> Result<Histogram, Undecodable> {
        let histogram = Histogram::decode(&self.hdr)?;
        if histogram.count() == self.count { Ok(histogram) } else { Err(Undecodable("it holds another count")) }
    }
}

/// The least number of samples that p(N) needs: 1/(1 − N/100), so 100 for p(99).
pub fn samples_needed(percentile: f64) -> u64 {
    // The small term absorbs the rounding error of 100 − 99.9, which is not exactly 0.1 in binary.
    (100.0 / (100.0 - percentile) - 1e-6).ceil().max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_needs_one_sample_beyond_it() {
        for (percentile, samples) in [(50.0, 2), (95.0, 20), (99.0, 100), (99.9, 1_000), (99.99, 10_000), (1.0, 2)] {
            assert_eq!(samples_needed(percentile), samples, "p({percentile})");
        }
    }

    #[test]
    fn a_distribution_whose_count_lies_gives_no_histogram() {
        let mut histogram = Histogram::default();
        histogram.record_us(500);
        let mut honest = Distribution::of(&histogram);
        assert_eq!(honest.histogram(), Ok(histogram));
        honest.count = 2;
        assert_eq!(honest.histogram(), Err(Undecodable("it holds another count")));
    }
}
