//! The run second by second, in at most a thousand rows however long it lasts.

use crate::summary::heat;
use crate::summary::rows::SeriesRow;
use std::time::{Duration, Instant};

const ROWS_MAX: usize = 1_000;
/// Rows that `recent_us` looks back over.
const RECENT: usize = 5;

#[derive(Clone, Debug)]
pub(super) struct Series {
    start: Instant,
    /// Seconds to a row: a power of two, so that two series can be laid over each other.
    width: u64,
    rows: Vec<Row>,
    /// The row that was used last, and until when it is the right one.
    last: usize,
    last_from: Instant,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub joined: u64,
    pub opened: u64,
    pub failed: u64,
    pub frames: u64,
    pub messages: u64,
    /// Microseconds, unordered.
    pub times_us: Vec<u32>,
}

impl Series {
    pub fn new(start: Instant) -> Self {
        Self { start, width: 1, rows: vec![Row::default()], last: 0, last_from: start }
    }

    pub fn at(&mut self, at: Instant) -> &mut Row {
        // Events come in order or nearly so: the division is done once a second, not once a frame.
        let since_last = at.checked_duration_since(self.last_from);
        if since_last.is_none_or(|since| since >= Duration::from_secs(self.width)) {
            self.turn_to(at);
        }
        &mut self.rows[self.last]
    }

    pub fn merge(&mut self, mut other: Self) {
        while self.width < other.width {
            self.widen();
        }
        while other.width < self.width {
            other.widen();
        }
        if self.rows.len() < other.rows.len() {
            self.rows.resize_with(other.rows.len(), Row::default);
        }
        self.rows.iter_mut().zip(other.rows).for_each(|(ours, theirs)| ours.merge(theirs));
        self.turn_to(self.start);
    }

    /// Microseconds of the newest rows' samples, unordered.
    pub fn recent_us(&self) -> Vec<u32> {
        let newest = &self.rows[self.rows.len().saturating_sub(RECENT)..];
        newest.iter().flat_map(|row| row.times_us.iter().copied()).collect()
    }

    pub fn rows(&self) -> Vec<SeriesRow> {
        self.rows.iter().enumerate().map(|(index, row)| row.shown(index as u64 * self.width, self.width)).collect()
    }

    fn turn_to(&mut self, at: Instant) {
        let second = at.saturating_duration_since(self.start).as_secs();
        while second / self.width >= ROWS_MAX as u64 {
            self.widen();
        }
        self.last = (second / self.width) as usize;
        if self.rows.len() <= self.last {
            self.rows.resize_with(self.last + 1, Row::default);
        }
        self.last_from = self.start + Duration::from_secs(self.last as u64 * self.width);
    }

    fn widen(&mut self) {
        let mut rows = std::mem::take(&mut self.rows).into_iter();
        while let Some(mut row) = rows.next() {
            if let Some(neighbour) = rows.next() {
                row.merge(neighbour);
            }
            self.rows.push(row);
        }
        self.width *= 2;
    }
}

impl Row {
    fn merge(&mut self, other: Self) {
        self.joined += other.joined;
        self.opened += other.opened;
        self.failed += other.failed;
        self.frames += other.frames;
        self.messages += other.messages;
        self.times_us.extend(other.times_us);
    }

    fn shown(&self, second: u64, seconds: u64) -> SeriesRow {
        let mut times_us = self.times_us.clone();
        SeriesRow {
            second,
            seconds,
            joined: self.joined,
            opened: self.opened,
            failed: self.failed,
            frames: self.frames,
            messages: self.messages,
            time_to_open_p50_us: quantile(&mut times_us, 0.5),
            time_to_open_p99_us: quantile(&mut times_us, 0.99),
            time_to_open: heat::spread(&times_us),
        }
    }
}

/// The smallest sample that the share `quantile` of all does not exceed.
pub(super) fn quantile(samples: &mut [u32], quantile: f64) -> Option<u64> {
    let rank = (samples.len() as f64 * quantile).ceil().max(1.0) as usize - 1;
    if samples.is_empty() {
        return None;
    }
    let (_, sample, _) = samples.select_nth_unstable(rank.min(samples.len() - 1));
    Some(u64::from(*sample))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_merges_neighbours_and_loses_nothing() {
        let start = Instant::now();
        let mut series = Series::new(start);
        (0..5_000).for_each(|second| series.at(start + Duration::from_secs(second)).opened += 1);
        let rows = series.rows();
        assert_eq!((rows.len(), rows[1].second, rows[1].seconds, rows[1].opened), (625, 8, 8, 8));
        assert_eq!(rows.iter().map(|row| row.opened).sum::<u64>(), 5_000);
    }

    #[test]
    fn the_thousandth_second_fits_and_the_next_one_widens() {
        let start = Instant::now();
        let mut series = Series::new(start);
        series.at(start + Duration::from_millis(999_999)).joined += 1;
        assert_eq!(series.rows().len(), 1_000);
        series.at(start + Duration::from_secs(1_000)).joined += 1;
        assert_eq!(series.rows().len(), 501);
    }

    #[test]
    fn an_event_out_of_order_goes_to_its_own_second() {
        let start = Instant::now();
        let mut series = Series::new(start);
        series.at(start + Duration::from_secs(3)).frames += 1;
        series.at(start + Duration::from_millis(500)).frames += 1;
        series.at(start + Duration::from_millis(3_500)).frames += 1;
        let frames: Vec<u64> = series.rows().iter().map(|row| row.frames).collect();
        assert_eq!(frames, [1, 0, 0, 2]);
    }

    #[test]
    fn series_of_different_widths_lie_over_each_other() {
        let start = Instant::now();
        let (mut long, mut short) = (Series::new(start), Series::new(start));
        long.at(start + Duration::from_secs(1_500)).opened += 1;
        short.at(start + Duration::from_secs(3)).opened += 1;
        short.at(start + Duration::from_secs(3)).times_us.push(7);
        short.merge(long);
        let rows = short.rows();
        assert_eq!((rows[1].opened, rows[1].time_to_open_p99_us, rows[750].opened), (1, Some(7), 1));
    }

    #[test]
    fn a_quantile_is_one_of_the_samples() {
        for (samples, share, expected) in [
            (vec![], 0.5, None),
            (vec![9], 0.99, Some(9)),
            (vec![4, 1, 3, 2], 0.5, Some(2)),
            (vec![2, 1], 0.99, Some(2)),
        ] {
            assert_eq!(quantile(&mut samples.clone(), share), expected, "{samples:?}");
        }
    }
}
