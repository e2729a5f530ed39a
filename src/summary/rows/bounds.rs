//! Bounds on the lists of a summary that is read: no longer than a run's own, so that its report is no longer either.

use crate::summary::heat::BANDS;
use crate::summary::{SERIES_TIMERS, SeriesRow, Summary};

/// The most rows of `series`.
const SERIES_ROWS_MAX: usize = 1_000;
/// The most rows of every other list; a run's own have fewer.
const ROWS_MAX: usize = 1_000;
/// The most traces (`--traces`), and the most of what a row of another list holds.
const TRACES_MAX: usize = 200;

impl Summary {
    /// Merges rows of a long series, and cuts other lists: they begin with the worst.
    pub(in crate::summary) fn bounded(mut self) -> Self {
        self.series = merged(self.series);
        self.series.iter_mut().for_each(|row| row.timers.retain(|name, _| SERIES_TIMERS.contains(&name.as_str())));
        self.phases.truncate(ROWS_MAX);
        self.failures.truncate(ROWS_MAX);
        self.findings.truncate(TRACES_MAX);
        self.findings.iter_mut().for_each(|finding| finding.evidence.truncate(TRACES_MAX));
        self.gates.truncate(ROWS_MAX);
        self.validity.reasons.truncate(ROWS_MAX);
        self.validity.hints.truncate(ROWS_MAX);
        self.offered.doubts.truncate(ROWS_MAX);
        if let Some(process) = &mut self.target_process {
            process.pids.truncate(TRACES_MAX);
            process.series.truncate(ROWS_MAX);
        }
        self.fleet.truncate(ROWS_MAX);
        self.missing.truncate(ROWS_MAX);
        self.slowest.truncate(ROWS_MAX);
        self.outages.truncate(ROWS_MAX);
        self.outages.iter_mut().for_each(|outage| outage.causes.truncate(TRACES_MAX));
        self.worst_rooms.truncate(TRACES_MAX);
        self.traces.truncate(TRACES_MAX);
        self.traces.iter_mut().for_each(|trace| trace.steps.truncate(TRACES_MAX));
        if let Some(diagnosis) = &mut self.diagnosis {
            diagnosis.causes.truncate(TRACES_MAX);
        }
        let by_type = &mut self.counts.signaling.by_type;
        *by_type = std::mem::take(by_type).into_iter().take(ROWS_MAX).collect();
        self
    }
}

/// The rows, so many of them merged that a thousand are left.
fn merged(rows: Vec<SeriesRow>) -> Vec<SeriesRow> {
    if rows.len() <= SERIES_ROWS_MAX {
        return rows;
    }
    rows.chunks(rows.len().div_ceil(SERIES_ROWS_MAX)).map(merge).collect()
}

/// One row for several; without percentiles, which no arithmetic on others gives.
fn merge(rows: &[SeriesRow]) -> SeriesRow {
    let mut merged = SeriesRow { second: rows.first().map_or(0, |row| row.second), ..SeriesRow::default() };
    let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
    for row in rows {
        add(&mut merged.seconds, row.seconds);
        add(&mut merged.joined, row.joined);
        add(&mut merged.opened, row.opened);
        add(&mut merged.failed, row.failed);
        add(&mut merged.frames, row.frames);
        add(&mut merged.messages, row.messages);
        merged.time_to_open.resize(merged.time_to_open.len().max(row.time_to_open.len()).min(BANDS), 0);
        merged.time_to_open.iter_mut().zip(&row.time_to_open).for_each(|(sum, more)| add(sum, *more));
        merged.cpu_us = sum(merged.cpu_us, row.cpu_us);
        merged.waiting_us = sum(merged.waiting_us, row.waiting_us);
        merged.lag_max_us = merged.lag_max_us.max(row.lag_max_us);
        merged.rss_bytes = merged.rss_bytes.max(row.rss_bytes);
        merged.fds = merged.fds.max(row.fds);
    }
    merged
}

fn sum(ours: Option<u64>, theirs: Option<u64>) -> Option<u64> {
    ours.or(theirs)?;
    Some(ours.unwrap_or(0).saturating_add(theirs.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_series_is_merged_and_nothing_that_was_counted_is_lost() {
        let row = |second| SeriesRow {
            second,
            seconds: 1,
            opened: 2,
            time_to_open: vec![1; 100],
            time_to_open_p50_us: Some(9),
            cpu_us: Some(3),
            ..SeriesRow::default()
        };
        let check = |rows: u64, left: usize| {
            let series = merged((0..rows).map(row).collect());
            assert_eq!(series.len(), left, "{rows}");
            assert_eq!(series.iter().map(|row| row.opened).sum::<u64>(), 2 * rows);
            assert_eq!(series.iter().filter_map(|row| row.cpu_us).sum::<u64>(), 3 * rows);
        };
        check(1_000, 1_000);
        check(1_001, 501);
        check(100_000, 1_000);
    }
}
