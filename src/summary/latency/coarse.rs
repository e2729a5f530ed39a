//! A histogram of one second in a few hundred bytes: 32 buckets a doubling, each off by 1.6 % at most.

use crate::summary::histogram::Histogram;
use serde::{Deserialize, Serialize};

/// Bits of a sample that its bucket keeps after the first one.
const BITS: u32 = 5;

/// The buckets up to that of `u32::MAX`.
const BUCKETS_MAX: usize = ((u32::BITS - BITS + 1) << BITS) as usize;

/// Counts by bucket, up to the slowest sample's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoarseHistogram(Vec<u32>);

impl CoarseHistogram {
    /// Counts a sample; one beyond `u32::MAX` as that.
    pub fn record_us(&mut self, us: u64) {
        let us = u32::try_from(us).unwrap_or(u32::MAX);
        let shift = (u32::BITS - us.leading_zeros()).saturating_sub(BITS + 1);
        let bucket = ((shift << BITS) + (us >> shift)) as usize;
        if self.0.len() <= bucket {
            self.0.resize(bucket + 1, 0);
        }
        self.0[bucket] = self.0[bucket].saturating_add(1);
    }

    /// No bucket lies above that of the largest sample.
    pub fn is_sound(&self) -> bool {
        self.0.len() <= BUCKETS_MAX
    }

    pub fn merge(&mut self, other: &Self) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        self.0.iter_mut().zip(&other.0).for_each(|(ours, theirs)| *ours = ours.saturating_add(*theirs));
    }

    /// The samples, each as the middle of its bucket.
    pub fn histogram(&self) -> Histogram {
        let mut histogram = Histogram::default();
        for (bucket, count) in self.0.iter().enumerate().filter(|(_, count)| **count > 0) {
            let shift = (bucket as u64 >> BITS).saturating_sub(1);
            let from = (bucket as u64 - (shift << BITS)) << shift;
            histogram.record_many_us(from + (1 << shift) / 2, u64::from(*count));
        }
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_found_again_within_two_percent() {
        for us in (0..400_u32).chain((0..27).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1])) {
            let mut coarse = CoarseHistogram::default();
            coarse.record_us(u64::from(us));
            let found = coarse.histogram().max_us();
            assert!(found.abs_diff(u64::from(us)) as f64 <= 1.0f64.max(f64::from(us) * 0.02), "{us}: {found}");
        }
    }

    #[test]
    fn halves_merge_to_the_whole() {
        let of = |samples: &[u32]| {
            let mut coarse = CoarseHistogram::default();
            samples.iter().for_each(|us| coarse.record_us((*us).into()));
            coarse
        };
        let mut half = of(&[3, u32::MAX]);
        half.merge(&of(&[70, 5_000]));
        assert_eq!(half, of(&[70, 3, 5_000, u32::MAX]));
        assert_eq!(half.histogram().count(), 4);
        assert!(half.is_sound() && half.0.len() == BUCKETS_MAX);
        half.0.push(1);
        assert!(!half.is_sound());
    }
}
