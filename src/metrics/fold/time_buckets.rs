//! A time series of at most a thousand rows: when a run outgrows it, neighbouring rows merge.

use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

const ROWS_MAX: usize = 1_000;
/// A thousand rows of this width are 33 years.
const WIDTH_MAX: u64 = 1 << 20;

/// A row of a time series that can merge with its neighbour.
pub(crate) trait Fold: Clone + Default {
    fn fold(&mut self, other: Self);
}

/// The rows of a series, which need no clock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TimeRows<R> {
    /// Seconds in a row: a power of two, so that two series can be brought to the same width.
    width: u64,
    rows: Vec<R>,
}

#[derive(Clone, Debug)]
pub(crate) struct TimeBuckets<R> {
    start: Instant,
    rows: TimeRows<R>,
    /// The row that was used last, and the instant at which it begins.
    last: usize,
    last_from: Instant,
}

impl<R: Fold> TimeBuckets<R> {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, rows: TimeRows::default(), last: 0, last_from: start }
    }

    pub(crate) fn at(&mut self, at: Instant) -> &mut R {
        // Events come nearly in order, so the division is needed once a row, not once an event.
        let since_last = at.checked_duration_since(self.last_from);
        if since_last.is_none_or(|since| since >= Duration::from_secs(self.rows.width)) {
            self.seek(at);
        }
        &mut self.rows.rows[self.last]
    }

    pub(crate) fn rows(&self) -> &TimeRows<R> {
        &self.rows
    }

    pub(crate) fn into_rows(self) -> TimeRows<R> {
        self.rows
    }

    fn seek(&mut self, at: Instant) {
        let second = at.saturating_duration_since(self.start).as_secs();
        while second / self.rows.width >= ROWS_MAX as u64 {
            self.rows.widen();
        }
        self.last = (second / self.rows.width) as usize;
        if self.rows.rows.len() <= self.last {
            self.rows.rows.resize_with(self.last + 1, R::default);
        }
        self.last_from = self.start + Duration::from_secs(self.last as u64 * self.rows.width);
    }
}

impl<R: Fold> Default for TimeRows<R> {
    fn default() -> Self {
        Self { width: 1, rows: vec![R::default()] }
    }
}

impl<R: Fold> TimeRows<R> {
    pub(crate) fn merge(&mut self, mut other: Self) {
        self.align(&mut other);
        self.rows.iter_mut().zip(other.rows).for_each(|(ours, theirs)| ours.fold(theirs));
    }

    /// Widens and lengthens the two until their rows cover the same seconds.
    pub(crate) fn align<S: Fold>(&mut self, other: &mut TimeRows<S>) {
        while self.width < other.width {
            self.widen();
        }
        while other.width < self.width {
            other.widen();
        }
        let length = self.rows.len().max(other.rows.len());
        self.rows.resize_with(length, R::default);
        other.rows.resize_with(length, S::default);
    }

    /// Each row with its first second and the number of seconds it covers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64, &R)> {
        self.rows.iter().enumerate().map(|(index, row)| (index as u64 * self.width, self.width, row))
    }

    /// The first second after the last row.
    pub(crate) fn end(&self) -> u64 {
        self.rows.len() as u64 * self.width
    }

    /// The rows among the last `count` before the second `end`.
    pub(crate) fn newest(&self, count: usize, end: u64) -> &[R] {
        let first = (end.div_ceil(self.width) as usize).saturating_sub(count);
        &self.rows[first.min(self.rows.len())..]
    }

    /// Rows of another program may be of any number and width.
    pub(crate) fn is_sound(&self) -> bool {
        self.width.is_power_of_two() && self.width <= WIDTH_MAX && self.rows.len() <= ROWS_MAX
    }

    fn widen(&mut self) {
        let mut rows = std::mem::take(&mut self.rows).into_iter();
        while let Some(mut row) = rows.next() {
            if let Some(neighbour) = rows.next() {
                row.fold(neighbour);
            }
            self.rows.push(row);
        }
        self.width *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Fold for u64 {
        fn fold(&mut self, other: Self) {
            *self += other;
        }
    }

    fn rows(buckets: &TimeBuckets<u64>) -> Vec<(u64, u64, u64)> {
        buckets.rows().iter().map(|(second, seconds, sum)| (second, seconds, *sum)).collect()
    }

    #[test]
    fn a_long_run_folds_neighbours_and_loses_nothing() {
        let start = Instant::now();
        let mut buckets = TimeBuckets::new(start);
        (0..5_000).for_each(|second| *buckets.at(start + Duration::from_secs(second)) += 1);
        let rows = rows(&buckets);
        assert_eq!((rows.len(), rows[1]), (625, (8, 8, 8)));
        assert_eq!(rows.iter().map(|(_, _, sum)| sum).sum::<u64>(), 5_000);
    }

    #[test]
    fn the_thousandth_second_fits_and_the_next_one_widens() {
        let start = Instant::now();
        let mut buckets = TimeBuckets::new(start);
        *buckets.at(start + Duration::from_millis(999_999)) += 1;
        assert_eq!(rows(&buckets).len(), 1_000);
        *buckets.at(start + Duration::from_secs(1_000)) += 1;
        assert_eq!(rows(&buckets).len(), 501);
    }

    #[test]
    fn an_event_out_of_order_goes_to_its_own_second() {
        let start = Instant::now();
        let mut buckets = TimeBuckets::new(start);
        *buckets.at(start + Duration::from_secs(3)) += 1;
        *buckets.at(start + Duration::from_millis(500)) += 1;
        *buckets.at(start + Duration::from_millis(3_500)) += 1;
        assert_eq!(rows(&buckets), [(0, 1, 1), (1, 1, 0), (2, 1, 0), (3, 1, 2)]);
    }

    #[test]
    fn grids_of_different_widths_lie_over_each_other() {
        let start = Instant::now();
        let (mut long, mut short) = (TimeBuckets::new(start), TimeBuckets::new(start));
        *long.at(start + Duration::from_secs(1_500)) += 1;
        *short.at(start + Duration::from_secs(3)) += 1;
        let mut merged = short.into_rows();
        merged.merge(long.into_rows());
        let rows: Vec<_> = merged.iter().map(|(second, seconds, sum)| (second, seconds, *sum)).collect();
        assert_eq!((rows[1], rows[750]), ((2, 2, 1), (1_500, 2, 1)));
    }
}
