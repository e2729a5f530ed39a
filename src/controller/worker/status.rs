//! Status of the workers for the controller: small copies behind locks, renewed ten times a second.

use crate::metrics::{Depths, LiveMetrics, Tally};
use crate::summary::{CoarseHistogram, Histogram};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The latest status of each worker.
#[derive(Debug)]
pub(crate) struct WorkerStatuses(Vec<Mutex<WorkerStatus>>);

/// The status of one worker.
#[derive(Debug, Default)]
pub(crate) struct WorkerStatus {
    pub tally: Tally,
    /// Delays of its lag timer since the controller last took them.
    pub lag: Histogram,
    /// The greatest depth of each of its queues so far.
    pub depths: Depths,
    /// `time_to_open` of the last seconds, in µs.
    pub recent_us: Vec<u32>,
    /// `message_latency` of the last seconds.
    pub recent_latencies: CoarseHistogram,
    /// The timers that gates read, if any gate is watched; renewed twice a second.
    pub live: Option<LiveMetrics>,
    /// The kernel's id of its thread, once it runs.
    pub thread: Option<i32>,
}

impl WorkerStatuses {
    pub(crate) fn new(workers: usize) -> Self {
        Self((0..workers).map(|_| Mutex::default()).collect())
    }

    /// Locks a worker's status. A panic while it was locked can't have left it half written: each field is complete.
    pub(crate) fn of(&self, worker: usize) -> MutexGuard<'_, WorkerStatus> {
        self.0[worker].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sum of all tallies.
    pub(crate) fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for worker in 0..self.0.len() {
            sum += self.of(worker).tally;
        }
        sum
    }

    /// The timers that gates read, merged; `None` until a worker has published them.
    pub(crate) fn live(&self) -> Option<LiveMetrics> {
        let published = (0..self.0.len()).filter_map(|worker| self.of(worker).live.clone());
        published.reduce(|mut sum, live| {
            sum.merge(live);
            sum
        })
    }

    /// Takes each worker's lag since the last call.
    pub(crate) fn take_lags(&self) -> Vec<Histogram> {
        (0..self.0.len()).map(|worker| std::mem::take(&mut self.of(worker).lag)).collect()
    }

    /// The greatest depth of each queue, over all workers.
    pub(crate) fn depths(&self) -> Depths {
        (0..self.0.len()).map(|worker| self.of(worker).depths).fold(Depths::default(), Depths::max)
    }

    /// The thread ids of the workers that run.
    pub(crate) fn threads(&self) -> Vec<i32> {
        (0..self.0.len()).filter_map(|worker| self.of(worker).thread).collect()
    }

    /// The 99th percentile of the last seconds' `message_latency`, in µs.
    pub(crate) fn recent_latency_p99_us(&self) -> Option<u64> {
        let mut all = CoarseHistogram::default();
        (0..self.0.len()).for_each(|worker| all.merge(&self.of(worker).recent_latencies));
        Some(all.histogram()).filter(|all| !all.is_empty()).map(|all| all.quantile_us(0.99))
    }

    /// The 99th percentile of the last seconds' `time_to_open`, in µs.
    pub(crate) fn recent_p99_us(&self) -> Option<u32> {
        let mut all: Vec<u32> = (0..self.0.len()).flat_map(|worker| self.of(worker).recent_us.clone()).collect();
        all.sort_unstable();
        all.get(all.len().saturating_sub(1) * 99 / 100).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recent_p99_is_read_from_the_samples_of_all_workers_together() {
        let statuses = WorkerStatuses::new(2);
        assert_eq!(statuses.recent_p99_us(), None);
        statuses.of(0).recent_us = vec![7];
        assert_eq!(statuses.recent_p99_us(), Some(7));
        statuses.of(0).recent_us = (1..=50).collect();
        statuses.of(1).recent_us = (51..=100).rev().collect();
        assert_eq!(statuses.recent_p99_us(), Some(99));
    }

    #[test]
    fn tallies_add_up_and_a_lag_is_taken_once() {
        let statuses = WorkerStatuses::new(2);
        for (worker, peers_joined) in [(0, 3), (1, 4)] {
            statuses.of(worker).tally = Tally { peers_joined, ..Tally::default() };
        }
        assert_eq!(statuses.tally().peers_joined, 7);
        statuses.of(1).lag.record(std::time::Duration::from_millis(1));
        let counts = || statuses.take_lags().iter().map(Histogram::count).collect::<Vec<_>>();
        assert_eq!((counts(), counts()), (vec![0, 1], vec![0, 0]));
    }
}
