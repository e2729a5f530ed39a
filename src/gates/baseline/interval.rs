//! Confidence intervals of quantiles, shares and means, and Fisher's test: bounded work for any number of samples.

use crate::summary::Histogram;
use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal, StudentsT};
use statrs::stats_tests::{Alternative, fisher::fishers_exact};

/// The probability beyond each bound of the intervals that are shown: 95 % lie between.
pub(super) const SHOWN: f64 = 0.025;
/// The same for a growth that is called worse: less, because a comparison looks at some twenty figures.
pub(super) const STRICT: f64 = 0.005;
/// The most independent trials that count. Exact tests cost time by their number, and more make an interval narrower
/// than any tolerance that is asked for.
const TRIALS_MAX: u64 = 100_000;

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

    /// The interval of a relative change whose sides differ by a factor of up to `factor` for reasons of their own.
    pub(super) fn widened(self, factor: f64) -> Self {
        Self {
            low: self.low.map(|low| (1.0 + low) / factor - 1.0),
            high: self.high.map(|high| (1.0 + high) * factor - 1.0),
        }
    }

    pub(super) fn map(self, each: impl Fn(f64) -> f64) -> Self {
        Self { low: self.low.map(&each), high: self.high.map(&each) }
    }

    pub(super) fn is_above_zero(self) -> bool {
        self.low.is_some_and(|low| low > 0.0)
    }
}

/// The interval of a quantile (0 to 1) from binomial order statistics, for any distribution (David & Nagaraja, Order
/// Statistics, §7.1). `independent`: the number of independent samples.
pub(super) fn of_quantile(histogram: &Histogram, quantile: f64, independent: u64, tail: f64) -> Interval {
    let samples = independent.min(histogram.count()).min(TRIALS_MAX);
    let Ok(below) = Binomial::new(quantile, samples) else { return Interval::default() };
    let low = first_rank(&below, samples, tail);
    let high = first_rank(&below, samples, 1.0 - tail) + 1;
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

/// A share (0 to 1) of independent trials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TrialShare {
    pub share: f64,
    pub independent: u64,
}

impl TrialShare {
    /// The interval of the share (Wilson 1927); 0 to 1 without trials.
    fn interval(self, z: f64) -> [f64; 2] {
        let (share, of) = (self.share.clamp(0.0, 1.0), self.independent as f64);
        if self.independent == 0 {
            return [0.0, 1.0];
        }
        let middle = share + z * z / (2.0 * of);
        let margin = z * (share * (1.0 - share) / of + z * z / (4.0 * of * of)).sqrt();
        [middle - margin, middle + margin].map(|bound| (bound / (1.0 + z * z / of)).clamp(0.0, 1.0))
    }
}

/// The interval of the difference `new` − `base` of two shares (Newcombe 1998, method 10).
pub(super) fn share_difference(base: TrialShare, new: TrialShare, tail: f64) -> Interval {
    let Ok(normal) = Normal::new(0.0, 1.0) else { return Interval::default() };
    let z = normal.inverse_cdf(1.0 - tail);
    let ([base_low, base_high], [new_low, new_high]) = (base.interval(z), new.interval(z));
    let difference = new.share - base.share;
    Interval {
        low: Some(difference - (new.share - new_low).hypot(base_high - base.share)),
        high: Some(difference + (new_high - new.share).hypot(base.share - base_low)),
    }
}

/// The probability that `new`'s share is as much greater than `base`'s by chance alone (Fisher's exact test, one-sided).
pub(super) fn chance_of_growth(base: TrialShare, new: TrialShare) -> f64 {
    let outcomes = |side: TrialShare| {
        let of = side.independent.min(TRIALS_MAX);
        let hits = ((side.share.clamp(0.0, 1.0) * of as f64).round() as u64).min(of);
        [hits, of - hits]
    };
    let ([base_hits, base_rest], [new_hits, new_rest]) = (outcomes(base), outcomes(new));
    fishers_exact(&[base_hits, base_rest, new_hits, new_rest], Alternative::Less).unwrap_or(1.0)
}

/// The interval of the difference between the means of two groups of runs (Welch 1947); `None` for fewer than two runs
/// per side.
pub(super) fn mean_difference(base: &[f64], new: &[f64], tail: f64) -> Option<Interval> {
    let (base, new) = (RunSpread::of(base)?, RunSpread::of(new)?);
    let error = base.error_squared + new.error_squared;
    let difference = new.mean - base.mean;
    let freedom = match base.share_of_freedom() + new.share_of_freedom() {
        shares if shares > 0.0 => error * error / shares,
        _ => return Some(Interval { low: Some(difference), high: Some(difference) }),
    };
    let margin = StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(1.0 - tail) * error.sqrt();
    Some(Interval { low: Some(difference - margin), high: Some(difference + margin) })
}

/// The same for figures whose spread is about known: `deviation`, the standard deviation of one run, counts as much as
/// `PRIOR_FREEDOM` degrees of freedom (Smyth 2004, the moderated t-statistic). `None` for fewer than two runs per side.
pub(super) fn moderated_difference(base: &[f64], new: &[f64], tail: f64, deviation: f64) -> Option<Interval> {
    /// As many as two sides of three runs have.
    const PRIOR_FREEDOM: f64 = 4.0;
    let (base, new) = (RunSpread::of(base)?, RunSpread::of(new)?);
    let freedom = base.runs + new.runs - 2.0;
    let squares = [&base, &new].map(|side| side.error_squared * side.runs * (side.runs - 1.0)).iter().sum::<f64>();
    let variance = (PRIOR_FREEDOM * deviation * deviation + squares) / (PRIOR_FREEDOM + freedom);
    let quantile = StudentsT::new(0.0, 1.0, PRIOR_FREEDOM + freedom).ok()?.inverse_cdf(1.0 - tail);
    let margin = quantile * (variance * (1.0 / base.runs + 1.0 / new.runs)).sqrt();
    let difference = new.mean - base.mean;
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

    #[track_caller]
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
        check(of_quantile(&up_to(100), 0.5, 100, SHOWN), Some(40.0), Some(61.0));
    }

    #[test]
    fn a_percentile_that_the_samples_barely_reach_has_no_upper_bound() {
        check(of_quantile(&up_to(100), 0.99, 100, SHOWN), Some(97.0), None);
        check(of_quantile(&up_to(5), 0.5, 5, SHOWN), None, None);
        check(of_quantile(&up_to(6), 0.5, 6, SHOWN), Some(1.0), Some(6.0));
    }

    #[test]
    fn samples_that_hang_together_make_a_wider_interval() {
        let (all, few) = (of_quantile(&up_to(2_000), 0.5, 2_000, SHOWN), of_quantile(&up_to(2_000), 0.5, 100, SHOWN));
        check(all, Some(956.0), Some(1_045.0));
        check(few, Some(800.0), Some(1_220.0));
    }

    #[test]
    fn two_shares_lie_apart_as_in_newcombes_table() {
        // Newcombe (1998), table II, method 10: 56/70 − 48/80, 9/10 − 3/10, 0/20 − 0/10.
        let share = |hits: f64, of: u64| TrialShare { share: hits / of as f64, independent: of };
        check(share_difference(share(48.0, 80), share(56.0, 70), SHOWN), Some(0.052_4), Some(0.333_9));
        check(share_difference(share(3.0, 10), share(9.0, 10), SHOWN), Some(0.170_5), Some(0.809_0));
        check(share_difference(share(0.0, 10), share(0.0, 20), SHOWN), Some(-0.277_5), Some(0.161_1));
    }

    #[test]
    fn a_tenth_that_fails_is_no_chance_and_three_of_a_hundred_may_be() {
        let chance = |base: f64, new: f64, of: u64| {
            let share = |share| TrialShare { share, independent: of };
            chance_of_growth(share(base), share(new))
        };
        // R: fisher.test(matrix(c(0, 100, 10, 90), 2), alternative = "less").
        assert!((chance(0.0, 0.1, 100) - 0.000_766).abs() < 1e-5, "{}", chance(0.0, 0.1, 100));
        assert!((chance(0.0, 0.03, 100) - 0.123_116).abs() < 1e-5, "{}", chance(0.0, 0.03, 100));
        assert_eq!(chance(0.0, 0.0, 100), 1.0);
        assert_eq!(chance(0.5, 0.5, 0), 1.0);
    }

    #[test]
    fn two_groups_lie_apart_by_their_means_give_or_take_their_spread() {
        // R: t.test(c(11,12,13), c(1,2,3)), whose t(0.975, 4) is 2.776.
        let difference = |base: &[f64], new: &[f64]| mean_difference(base, new, SHOWN);
        check(difference(&[1.0, 2.0, 3.0], &[11.0, 12.0, 13.0]).unwrap(), Some(7.733_04), Some(12.266_96));
        assert_eq!(difference(&[1.0], &[11.0, 12.0, 13.0]), None);
        check(difference(&[2.0, 2.0], &[3.0, 3.0]).unwrap(), Some(1.0), Some(1.0));
    }

    #[test]
    fn a_known_spread_counts_as_much_as_four_degrees_of_freedom() {
        // R: 10 - qt(0.975, 8) * sqrt((4 * 1 + 4 * 1) / 8 * 2 / 3), and the same without a spread between runs.
        let difference = |base: &[f64], new: &[f64]| moderated_difference(base, new, SHOWN, 1.0);
        check(difference(&[1.0, 2.0, 3.0], &[11.0, 12.0, 13.0]).unwrap(), Some(8.117_16), Some(11.882_84));
        check(difference(&[1.0; 3], &[2.0; 3]).unwrap(), Some(-0.331_37), Some(2.331_37));
        assert_eq!(difference(&[1.0], &[11.0, 12.0, 13.0]), None);
    }
}
