//! The percentile curve of a histogram, with points evenly spaced by the logarithm of the remaining share.

use crate::summary::histogram::Histogram;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Points per nine: from 90 % to 99 %, from 99 % to 99.9 %.
const STEPS_A_NINE: u32 = 16;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// A percentile from 0 to 100.
    pub percentile: f64,
    pub us: u64,
}

/// The curve from the smallest sample to the largest, up to six nines. Empty if the histogram is.
pub fn curve(histogram: &Histogram) -> Vec<Point> {
    if histogram.is_empty() {
        return vec![];
    }
    let nines = (histogram.count() as f64).log10().clamp(0.3, 6.0);
    let steps = (nines * f64::from(STEPS_A_NINE)).floor() as u32;
    let beyond = (0..=steps).map(|step| 10f64.powf(-f64::from(step) / f64::from(STEPS_A_NINE)));
    beyond
        .map(|beyond| Point { percentile: 100.0 * (1.0 - beyond), us: histogram.quantile_us(1.0 - beyond) })
        .chain([Point { percentile: 100.0 * (1.0 - 10f64.powf(-nines)), us: histogram.max_us() }])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_rises_from_the_smallest_sample_to_the_largest() {
        let mut histogram = Histogram::default();
        (1..=1_000).for_each(|ms| histogram.record_us(ms * 1_000));
        let curve = curve(&histogram);
        assert!(curve.is_sorted_by(|a, b| a.percentile <= b.percentile && a.us <= b.us));
        assert_eq!(curve.first().unwrap().us, histogram.min_us());
        assert_eq!(curve.last().unwrap().us, histogram.max_us());
        assert_eq!(curve.len(), 50);
    }

    #[test]
    fn nothing_measured_has_no_curve_and_one_sample_a_flat_one() {
        assert_eq!(curve(&Histogram::default()), []);
        let mut single = Histogram::default();
        single.record_us(5);
        assert!(curve(&single).iter().all(|point| point.us == 5));
    }
}
