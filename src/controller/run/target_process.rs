//! Watches the target's processes during a run, if they are on this machine.

use super::super::target::endpoint::Endpoints;
use crate::dialect::Dialect;
use crate::metrics::{Fold, TimeBuckets};
use crate::os::TargetWatch;
use crate::summary::{TargetProcess, TargetSecond};
use crate::vocabulary::format::micros;
use std::time::{Duration, Instant};

pub(super) struct TargetRecorder {
    watch: TargetWatch,
    pids: Vec<u32>,
    name: String,
    /// Counts from when the processes were found, which is before the run.
    rows: TimeBuckets<Option<TargetSecond>>,
    is_first: bool,
}

impl TargetRecorder {
    /// Finds the processes behind the target's socket.
    pub(super) async fn find(endpoints: &Endpoints, dialect: &Dialect) -> Option<Self> {
        let addresses = endpoints.any(dialect).ok()?.addresses().await;
        let watch = addresses.into_iter().find_map(TargetWatch::find)?;
        let (pids, name, rows) = (watch.pids().to_vec(), watch.name(), TimeBuckets::new(Instant::now()));
        Some(Self { pids, name, watch, rows, is_first: true })
    }

    /// Takes one look at `now`, `since` the start of the run.
    pub(super) fn sample(&mut self, now: Instant, since: Duration) {
        let Some(seen) = self.watch.look() else { return };
        // The first look counts from when the processes were found, which is before the run.
        let is_first = std::mem::take(&mut self.is_first);
        self.rows.at(now).fold(Some(TargetSecond {
            second: since.as_secs_f64().round() as u64,
            cpu_us: seen.cpu.filter(|_| !is_first).map(micros),
            waiting_us: seen.waited.filter(|_| !is_first).map(micros),
            rss_bytes: seen.rss_bytes,
            fds: seen.fds,
            threads: seen.threads,
        }));
    }

    pub(super) fn finish(self, lasted: Duration) -> TargetProcess {
        let Self { watch, pids, name, rows, .. } = self;
        let series = rows.rows().filter_map(|(_, _, row)| *row).collect();
        let process = TargetProcess { pids, name, restarts: watch.restarts(), series, ..TargetProcess::default() };
        process.summed(lasted.as_secs_f64())
    }
}

/// Two looks become one: what was used adds up, of what was held the most counts.
impl Fold for Option<TargetSecond> {
    fn fold(&mut self, later: Self) {
        let (Some(ours), Some(later)) = (*self, later) else {
            *self = self.or(later);
            return;
        };
        let sum = |of: fn(&TargetSecond) -> Option<u64>| of(&ours).into_iter().chain(of(&later)).reduce(|a, b| a + b);
        *self = Some(TargetSecond {
            second: later.second,
            cpu_us: sum(|row| row.cpu_us),
            waiting_us: sum(|row| row.waiting_us),
            rss_bytes: ours.rss_bytes.max(later.rss_bytes),
            fds: ours.fds.max(later.fds),
            threads: ours.threads.max(later.threads),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_is_told_to_its_end_and_nothing_of_it_is_lost() {
        let start = Instant::now();
        let mut rows = TimeBuckets::<Option<TargetSecond>>::new(start);
        for second in 0..3_000 {
            let cpu_us = (second > 0).then_some(1_000_000);
            let row = TargetSecond { second, cpu_us, rss_bytes: second, fds: Some(7), ..TargetSecond::default() };
            rows.at(start + Duration::from_secs(second)).fold(Some(row));
        }
        let series: Vec<TargetSecond> = rows.rows().filter_map(|(_, _, row)| *row).collect();
        assert_eq!((series.len(), series[0].second, series.last().unwrap().second), (750, 3, 2_999));
        let process = TargetProcess { series, ..TargetProcess::default() }.summed(2_999.0);
        assert_eq!((process.cpu_cores, process.cpu_cores_max), (1.0, 1.0));
        assert_eq!((process.rss_bytes_max, process.fds_max), (2_999, Some(7)));
    }
}
