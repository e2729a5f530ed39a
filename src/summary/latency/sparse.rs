//! A histogram as its recorded values alone: a few KiB, where the dense one takes 170.

use crate::summary::histogram::{Histogram, LONGEST_US};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Latencies to three digits, each with its number of samples, and their sum. It is written and read as the dense one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Histogram", into = "Histogram")]
pub struct SparseHistogram {
    /// In microseconds, in ascending order; no count is 0.
    recorded: Vec<(u32, u64)>,
    count: u64,
    sum_us: u64,
}

/// The samples of a timer on each of its clocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimerSamples {
    pub due: SparseHistogram,
    /// `None` if they are the same.
    pub began: Option<SparseHistogram>,
    /// Without the generator's share; `None` for a timer that has none.
    pub net: Option<SparseHistogram>,
}

impl TimerSamples {
    pub fn began(&self) -> &SparseHistogram {
        self.began.as_ref().unwrap_or(&self.due)
    }
}

impl From<Histogram> for SparseHistogram {
    fn from(histogram: Histogram) -> Self {
        Self::of(&histogram)
    }
}

impl From<SparseHistogram> for Histogram {
    fn from(sparse: SparseHistogram) -> Self {
        sparse.dense()
    }
}

impl SparseHistogram {
    pub fn of(histogram: &Histogram) -> Self {
        let recorded: Vec<_> = histogram.recorded().map(|(us, count)| (us.min(LONGEST_US) as u32, count)).collect();
        Self { recorded, count: histogram.count(), sum_us: histogram.sum_us() }
    }

    /// The dense histogram with the same percentiles.
    pub fn dense(&self) -> Histogram {
        let mut histogram = Histogram::default();
        self.recorded().for_each(|(us, count)| histogram.record_many_us(us, count));
        histogram
    }

    pub fn merge(&mut self, other: &Self) {
        let ours = std::mem::take(&mut self.recorded);
        let (mut ours, mut theirs) = (ours.into_iter().peekable(), other.recorded.iter().copied().peekable());
        while let (Some((us, count)), Some((their_us, their_count))) = (ours.peek().copied(), theirs.peek().copied()) {
            let order = us.cmp(&their_us);
            self.recorded.push(match order {
                Ordering::Less => (us, count),
                Ordering::Greater => (their_us, their_count),
                Ordering::Equal => (us, count.saturating_add(their_count)),
            });
            let _taken = (order.is_le().then(|| ours.next()), order.is_ge().then(|| theirs.next()));
        }
        self.recorded.extend(ours.chain(theirs));
        self.count = self.count.saturating_add(other.count);
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
    }

    /// The recorded latencies in microseconds, ascending, each with its number of samples.
    pub fn recorded(&self) -> impl Iterator<Item = (u64, u64)> {
        self.recorded.iter().map(|(us, count)| (u64::from(*us), *count))
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of all samples in microseconds, to three digits.
    pub fn sum_us(&self) -> u64 {
        self.sum_us
    }

    /// The latency at `quantile` (0 to 1), in microseconds, as of the dense histogram; 0 when empty.
    pub fn quantile_us(&self, quantile: f64) -> u64 {
        let wanted = ((quantile.min(1.0) * self.count as f64).ceil() as u64).max(1);
        let mut passed = 0;
        let found = self.recorded().find(|(_, count)| {
            passed += count;
            passed >= wanted
        });
        found.map_or(0, |(us, _)| us)
    }

    /// The number of samples of at most `limit_us`, to three digits.
    pub fn count_up_to(&self, limit_us: u64) -> u64 {
        self.recorded().take_while(|(us, _)| *us <= limit_us).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dense(samples: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        samples.iter().for_each(|us| histogram.record_us(*us));
        histogram
    }

    proptest! {
        #[test]
        fn it_reads_as_the_dense_one_of_all_samples(
            one in prop::collection::vec(0..700_000_000_u64, 0..60),
            other in prop::collection::vec(0..3_000_u64, 0..60),
            quantile in 0.0..=1.0_f64,
        ) {
            let whole = dense(&[one.clone(), other.clone()].concat());
            let mut sparse = SparseHistogram::of(&dense(&one));
            sparse.merge(&SparseHistogram::of(&dense(&other)));
            prop_assert_eq!(sparse.count(), whole.count());
            for quantile in [quantile.max(1e-9), 0.5, 0.95, 0.999, 1.0] {
                prop_assert_eq!(sparse.quantile_us(quantile), whole.quantile_us(quantile));
            }
            prop_assert_eq!(sparse.dense(), whole.clone());
            prop_assert!(sparse.sum_us().abs_diff(whole.sum_us()) <= 2);
            prop_assert!(sparse.recorded.is_sorted_by(|one, next| one.0 < next.0));
            prop_assert_eq!(sparse.count_up_to(u64::MAX), whole.count());
        }
    }

    #[test]
    fn samples_up_to_a_limit_are_those_at_it_and_below() {
        let sparse = SparseHistogram::of(&dense(&[5, 10, 10, 11]));
        assert_eq!([4, 5, 9, 10, 11].map(|us| sparse.count_up_to(us)), [0, 1, 1, 3, 4]);
        assert_eq!((sparse.sum_us(), sparse.count()), (36, 4));
    }
}
