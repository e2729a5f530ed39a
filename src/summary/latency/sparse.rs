//! A histogram as its recorded values alone: some KiB at most, where the dense one takes 170.

use crate::summary::histogram::{Histogram, LONGEST_US, middle_us};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Latencies to three digits, each with its number of samples. It is written and read as the dense one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Histogram", into = "Histogram")]
pub struct SparseHistogram {
    /// Of each latency, in ascending order: its distance from the one before in microseconds, and its number of samples, which
    /// is not 0; both in LEB128. Three bytes where a pair of integers takes 16.
    recorded: Box<[u8]>,
    count: u64,
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
        let recorded = packed(histogram.recorded().map(|(us, count)| (us.min(LONGEST_US), count)));
        Self { recorded, count: histogram.count() }
    }

    /// The dense histogram with the same percentiles.
    pub fn dense(&self) -> Histogram {
        let mut histogram = Histogram::default();
        self.recorded().for_each(|(us, count)| histogram.record_many_us(us, count));
        histogram
    }

    pub fn merge(&mut self, other: &Self) {
        self.recorded = packed(sums(self.recorded(), other.recorded()));
        self.count = self.count.saturating_add(other.count);
    }

    /// The samples that came after `earlier`, a state of the same histogram.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut before = earlier.recorded().peekable();
        let grown = self.recorded().filter_map(|(us, count)| {
            while before.next_if(|(their_us, _)| *their_us < us).is_some() {}
            let known = before.next_if(|(their_us, _)| *their_us == us).map_or(0, |(_, count)| count);
            Some((us, count.saturating_sub(known))).filter(|(_, more)| *more > 0)
        });
        Self { recorded: packed(grown), count: self.count.saturating_sub(earlier.count) }
    }

    /// The recorded latencies in microseconds, ascending, each with its number of samples.
    pub fn recorded(&self) -> impl Iterator<Item = (u64, u64)> {
        let (mut bytes, mut us) = (&*self.recorded, 0);
        std::iter::from_fn(move || {
            us += leb128(&mut bytes)?;
            Some((us, leb128(&mut bytes)?))
        })
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of all samples in microseconds, to three digits.
    pub fn sum_us(&self) -> u64 {
        self.recorded().map(|(us, count)| middle_us(us).saturating_mul(count)).fold(0, u64::saturating_add)
    }

    /// The latency at `quantile` (0 to 1), in microseconds, as of the dense histogram; 0 when empty.
    pub fn quantile_us(&self, quantile: f64) -> u64 {
        self.quantiles_us([quantile])[0]
    }

    /// The same of several quantiles, ascending, in one pass.
    pub fn quantiles_us<const N: usize>(&self, quantiles: [f64; N]) -> [u64; N] {
        let ranks = quantiles.map(|quantile| ((quantile.min(1.0) * self.count as f64).ceil() as u64).max(1));
        let (mut found, mut next, mut passed) = ([0; N], 0, 0);
        for (us, count) in self.recorded() {
            passed += count;
            while next < N && ranks[next] <= passed {
                found[next] = us;
                next += 1;
            }
            if next == N {
                break;
            }
        }
        found
    }

    /// The number of samples of at most each limit, to three digits; limits in microseconds, ascending.
    pub fn counts_up_to<const N: usize>(&self, limits_us: [u64; N]) -> [u64; N] {
        let (mut counts, mut passed) = ([self.count; N], 0);
        let mut next = 0;
        for (us, count) in self.recorded() {
            while next < N && limits_us[next] < us {
                counts[next] = passed;
                next += 1;
            }
            passed += count;
        }
        counts
    }
}

/// Pairs of a latency and its number of samples, as `SparseHistogram` keeps them.
fn packed(recorded: impl Iterator<Item = (u64, u64)>) -> Box<[u8]> {
    let (mut bytes, mut before) = (vec![], 0);
    for (us, count) in recorded {
        put_leb128(&mut bytes, us - before);
        put_leb128(&mut bytes, count);
        before = us;
    }
    bytes.into()
}

/// Two ascending lists as one, with the counts of the same latency added.
fn sums(
    ours: impl Iterator<Item = (u64, u64)>,
    theirs: impl Iterator<Item = (u64, u64)>,
) -> impl Iterator<Item = (u64, u64)> {
    let (mut ours, mut theirs) = (ours.peekable(), theirs.peekable());
    std::iter::from_fn(move || {
        let order = match (ours.peek(), theirs.peek()) {
            (Some((us, _)), Some((their_us, _))) => us.cmp(their_us),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        match order {
            Ordering::Less => ours.next(),
            Ordering::Greater => theirs.next(),
            Ordering::Equal => ours.next().zip(theirs.next()).map(|((us, a), (_, b))| (us, a.saturating_add(b))),
        }
    })
}

fn put_leb128(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// The next number; `None` at the end.
fn leb128(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number)
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
            prop_assert_eq!(sparse.quantile_us(quantile.max(1e-9)), whole.quantile_us(quantile.max(1e-9)));
            let quantiles = [0.001, 0.5, 0.95, 0.999, 1.0];
            prop_assert_eq!(sparse.quantiles_us(quantiles), quantiles.map(|quantile| whole.quantile_us(quantile)));
            prop_assert_eq!(sparse.dense(), whole.clone());
            prop_assert!(sparse.sum_us().abs_diff(whole.mean_us() * whole.count()) <= whole.count());
            prop_assert!(sparse.recorded().is_sorted_by(|one, next| one.0 < next.0));
            let later = sparse.since(&SparseHistogram::of(&dense(&one)));
            prop_assert_eq!(later.dense(), dense(&other));
            prop_assert_eq!((later.count(), later.recorded), (other.len() as u64, SparseHistogram::of(&dense(&other)).recorded));
        }
    }

    #[test]
    fn counts_and_latencies_of_any_size_are_kept() {
        let mut dense = Histogram::default();
        for (us, count) in [(1, 1), (127, 127), (128, 128), (16_384, 1 << 40), (90_000_000, u64::from(u32::MAX))] {
            dense.record_many_us(us, count);
        }
        let sparse = SparseHistogram::of(&dense);
        assert_eq!(sparse.recorded().collect::<Vec<_>>(), dense.recorded().collect::<Vec<_>>());
        assert_eq!(sparse.since(&SparseHistogram::default()), sparse);
    }

    #[test]
    fn samples_up_to_a_limit_are_those_at_it_and_below() {
        let sparse = SparseHistogram::of(&dense(&[5, 10, 10, 11]));
        assert_eq!(sparse.counts_up_to([4, 5, 9, 10, 11, u64::MAX]), [0, 1, 1, 3, 4, 4]);
        assert_eq!((sparse.sum_us(), sparse.count()), (36, 4));
    }
}
