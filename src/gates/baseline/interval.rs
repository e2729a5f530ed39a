//! Confidence intervals at 95 %: exact ones within a run, and by the spread between runs.

use crate::summary::Histogram;
use statrs::distribution::{Beta, Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

/// The probability that the true value lies beyond one bound.
const TAIL: f64 = 0.025;

/// An interval; a bound that the samples can't support is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Interval {
    pub low: Option<f64>,
    pub high: Option<f64>,
}

impl Interval {
    /// The smallest interval that contains both; a bound that either lacks is `None`.
    pub(super) fn union(self, other: Self) -> Self {
        let both = |ours: Option<f64>, theirs: Option<f64>, of: fn(f64, f64) -> f64| Some(of(ours?, theirs?));
        Self { low: both(self.low, other.low, f64::min), high: both(self.high, other.high, f64::max) }
    }

    /// The interval of the relative change from `base` to `new`.
    pub(super) fn change(base: Self, new: Self) -> Self {
        let over = |new: Option<f64>, base: Option<f64>| Some(new? / base.filter(|base| *base > 0.0)? - 1.0);
        Self { low: over(new.low, base.high), high: over(new.high, base.low) }
    }

    /// The interval of the difference `new` − `base`.
    pub(super) fn difference(base: Self, new: Self) -> Self {
        let less = |new: Option<f64>, base: Option<f64>| Some(new? - base?);
        Self { low: less(new.low, base.high), high: less(new.high, base.low) }
    }
}

/// The interval of a quantile (0 to 1) from binomial order statistics, for any distribution (David & Nagaraja, Order
/// Statistics, §7.1). `independent`: the number of independent samples.
pub(super) fn of_quantile(histogram: &Histogram, quantile: f64, independent: u64) -> Interval {
    let samples = independent.min(histogram.count());
    let Ok(below) = Binomial::new(quantile, samples) else { return Interval::default() };
    let low = first_rank(&below, samples, TAIL);
    let high = first_rank(&below, samples, 1.0 - TAIL) + 1;
    let at = |rank: u64| histogram.quantile_us(rank as f64 / samples as f64) as f64;
    Interval { low: (low >= 1).then(|| at(low)), high: (high <= samples).then(|| at(high)) }
}

/// The smallest k with P(B ≤ k) ≥ p.
fn first_rank(below: &Binomial, samples: u64, p: f64) -> u64 {
    let (mut from, mut to) = (0, samples);
    while from < to {
        let middle = from + (to - from) / 2;
        if below.cdf(middle) >= p { to = middle } else { from = middle + 1 }
    }
    from
}

/// The interval of a share (0 to 1) of `independent` trials (Clopper & Pearson 1934).
pub(super) fn of_share(share: f64, independent: u64) -> Interval {
    let of = independent as f64;
    let hits = (share.clamp(0.0, 1.0)) * of;
    let bound = |a: f64, b: f64, p: f64| Beta::new(a, b).ok().map(|beta| beta.inverse_cdf(p));
    Interval {
        low: if hits <= 0.0 { Some(0.0) } else { bound(hits, of - hits + 1.0, TAIL) },
        high: if hits >= of { Some(1.0) } else { bound(hits + 1.0, of - hits, 1.0 - TAIL) },
    }
}

/// The interval of the difference between the means of two groups of runs (Welch 1947); `None` for fewer than two runs
/// per side.
pub(super) fn mean_difference(base: &[f64], new: &[f64]) -> Option<Interval> {
    let (base, new) = (RunSpread::of(base)?, RunSpread::of(new)?);
    let error = base.error_squared + new.error_squared;
    let difference = new.mean - base.mean;
    let freedom = match base.share_of_freedom() + new.share_of_freedom() {
        shares if shares > 0.0 => error * error / shares,
        _ => return Some(Interval { low: Some(difference), high: Some(difference) }),
    };
    let margin = StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(1.0 - TAIL) * error.sqrt();
    Some(Interval { low: Some(difference - margin), high: Some(difference + margin) })
}

struct RunSpread {
    mean: f64,
    /// The squared standard error of the mean.
    error_squared: f64,
    runs: f64,
}

impl RunSpread {
    fn of(figures: &[f64]) -> Option<Self> {
        let runs = figures.len() as f64;
        if figures.len() < 2 {
            return None;
        }
        let mean = figures.iter().sum::<f64>() / runs;
        let squares = figures.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>();
        Some(Self { mean, error_squared: squares / (runs - 1.0) / runs, runs })
    }

    fn share_of_freedom(&self) -> f64 {
        self.error_squared.powi(2) / (self.runs - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up_to(samples: u64) -> Histogram {
        let mut histogram = Histogram::default();
        (1..=samples).for_each(|us| histogram.record_us(us));
        histogram
    }

    fn check(interval: Interval, low: Option<f64>, high: Option<f64>) {
        let near = |found: Option<f64>, expected: Option<f64>| match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() <= expected.abs() * 2e-3 + 1e-6,
            (found, expected) => found == expected,
        };
        assert!(near(interval.low, low) && near(interval.high, high), "{interval:?}, not {low:?} to {high:?}");
    }

    #[test]
    fn the_median_of_a_hundred_lies_between_the_40th_and_the_61st() {
        // As in the tables of order statistics: R's binom.test and qbinom agree.
        check(of_quantile(&up_to(100), 0.5, 100), Some(40.0), Some(61.0));
    }

    #[test]
    fn a_percentile_that_the_samples_barely_reach_has_no_upper_bound() {
        check(of_quantile(&up_to(100), 0.99, 100), Some(97.0), None);
        check(of_quantile(&up_to(5), 0.5, 5), None, None);
        check(of_quantile(&up_to(6), 0.5, 6), Some(1.0), Some(6.0));
    }

    #[test]
    fn samples_that_hang_together_make_a_wider_interval() {
        let (all, few) = (of_quantile(&up_to(2_000), 0.5, 2_000), of_quantile(&up_to(2_000), 0.5, 100));
        check(all, Some(956.0), Some(1_045.0));
        check(few, Some(800.0), Some(1_220.0));
    }

    #[test]
    fn nothing_failed_does_not_mean_that_nothing_can() {
        check(of_share(0.0, 100), Some(0.0), Some(0.036_217));
        check(of_share(0.1, 100), Some(0.049_005), Some(0.176_223));
        check(of_share(1.0, 100), Some(0.963_783), Some(1.0));
    }

    #[test]
    fn two_groups_lie_apart_by_their_means_give_or_take_their_spread() {
        // R: t.test(c(11,12,13), c(1,2,3)), whose t(0.975, 4) is 2.776.
        check(mean_difference(&[1.0, 2.0, 3.0], &[11.0, 12.0, 13.0]).unwrap(), Some(7.733_04), Some(12.266_96));
        assert_eq!(mean_difference(&[1.0], &[11.0, 12.0, 13.0]), None);
        check(mean_difference(&[2.0, 2.0], &[3.0, 3.0]).unwrap(), Some(1.0), Some(1.0));
    }
}
