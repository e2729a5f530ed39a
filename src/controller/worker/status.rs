//! Status of the workers for the controller: small copies behind locks, renewed ten times a second.

use crate::metrics::{Depths, LiveMetrics, Tally};
use crate::summary::{CoarseHistogram, Histogram};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The latest status of each worker.
#[derive(Debug)]
pub(crate) struct WorkerStatuses {
    workers: Vec<Mutex<WorkerStatus>>,
    asked: AtomicU64,
}

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
    /// All timers, with the number of times that they were asked for until then.
    pub answer: Option<(u64, LiveMetrics)>,
    /// The kernel's id of its thread, once it runs.
    pub thread: Option<i32>,
}

impl WorkerStatuses {
    pub(crate) fn new(workers: usize) -> Self {
        Self { workers: (0..workers).map(|_| Mutex::default()).collect(), asked: AtomicU64::new(0) }
    }

    /// Locks a worker's status. A panic while it was locked can't have left it half written: each field is complete.
    pub(crate) fn of(&self, worker: usize) -> MutexGuard<'_, WorkerStatus> {
        self.workers[worker].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sum of all tallies.
    pub(crate) fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        self.all().for_each(|status| sum += status.tally);
        sum
    }

    /// The timers that gates read, merged; `None` until a worker has published them.
    pub(crate) fn live(&self) -> Option<LiveMetrics> {
        self.merged(|status| status.live.clone())
    }

    /// Asks each worker for all of its timers.
    pub(crate) fn ask(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of times that all timers were asked for.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// True if each worker has answered since all timers were last asked for.
    pub(crate) fn have_answered(&self) -> bool {
        let asked = self.asked();
        self.all().all(|status| status.answer.as_ref().is_some_and(|(answered, _)| *answered == asked))
    }

    /// All timers as each worker last answered, merged; `None` until one has.
    pub(crate) fn answers(&self) -> Option<LiveMetrics> {
        self.merged(|status| status.answer.as_ref().map(|(_, live)| live.clone()))
    }

    fn merged(&self, of: impl Fn(&WorkerStatus) -> Option<LiveMetrics>) -> Option<LiveMetrics> {
        self.all().filter_map(|status| of(&status)).reduce(|mut sum, live| {
            sum.merge(live);
            sum
        })
    }

    /// Each worker's status, locked while it is looked at.
    fn all(&self) -> impl Iterator<Item = MutexGuard<'_, WorkerStatus>> {
        (0..self.workers.len()).map(|worker| self.of(worker))
    }

    /// Takes each worker's lag since the last call.
    pub(crate) fn take_lags(&self) -> Vec<Histogram> {
        self.all().map(|mut status| std::mem::take(&mut status.lag)).collect()
    }

    /// The greatest depth of each queue, over all workers.
    pub(crate) fn depths(&self) -> Depths {
        self.all().map(|status| status.depths).fold(Depths::default(), Depths::max)
    }

    /// The thread ids of the workers that run.
    pub(crate) fn threads(&self) -> Vec<i32> {
        self.all().filter_map(|status| status.thread).collect()
    }

    /// The 99th percentile of the last seconds' `message_latency`, in µs.
    pub(crate) fn recent_latency_p99_us(&self) -> Option<u64> {
        let mut all = CoarseHistogram::default();
        self.all().for_each(|status| all.merge(&status.recent_latencies));
        Some(all.histogram()).filter(|all| !all.is_empty()).map(|all| all.quantile_us(0.99))
    }

    /// The 99th percentile of the last seconds' `time_to_open`, in µs.
    pub(crate) fn recent_p99_us(&self) -> Option<u32> {
        let mut all: Vec<u32> = self.all().flat_map(|status| status.recent_us.clone()).collect();
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
    fn an_answer_is_complete_when_each_worker_has_answered_the_last_question() {
        let statuses = WorkerStatuses::new(2);
        let answer = |worker| statuses.of(worker).answer = Some((statuses.asked(), LiveMetrics::default()));
        statuses.ask();
        answer(0);
        assert!(!statuses.have_answered() && statuses.answers().is_some());
        answer(1);
        assert!(statuses.have_answered());
        statuses.ask();
        answer(1);
        assert!(!statuses.have_answered());
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
