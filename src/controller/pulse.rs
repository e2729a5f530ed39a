//! What workers tell the controller while they play: small copies, renewed ten times a second.

use crate::metrics::{Depths, Tally};
use crate::summary::histogram::Histogram;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The latest word of each worker.
#[derive(Debug)]
pub struct Pulses(Vec<Mutex<Pulse>>);

/// One worker's.
#[derive(Debug, Default)]
pub struct Pulse {
    pub tally: Tally,
    /// How late its timer fired, since the controller last took it.
    pub lag: Histogram,
    /// The deepest that its queues have been so far.
    pub depths: Depths,
    /// time_to_open of the last seconds, in µs.
    pub recent_us: Vec<u32>,
    /// The thread, once it runs: for /proc.
    pub thread: Option<i32>,
}

impl Pulses {
    pub fn new(workers: usize) -> Self {
        Self((0..workers).map(|_| Mutex::default()).collect())
    }

    /// A worker that panicked while it spoke has said something complete all the same.
    pub fn of(&self, worker: usize) -> MutexGuard<'_, Pulse> {
        self.0[worker].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for worker in 0..self.0.len() {
            sum += self.of(worker).tally;
        }
        sum
    }

    /// The lag of each worker since this was last asked.
    pub fn take_lags(&self) -> Vec<Histogram> {
        (0..self.0.len()).map(|worker| std::mem::take(&mut self.of(worker).lag)).collect()
    }

    pub fn depths(&self) -> Depths {
        (0..self.0.len()).map(|worker| self.of(worker).depths).fold(Depths::default(), Depths::max)
    }

    pub fn threads(&self) -> Vec<i32> {
        (0..self.0.len()).filter_map(|worker| self.of(worker).thread).collect()
    }

    /// The 99th percentile of the last seconds' time_to_open, in µs.
    pub fn recent_p99_us(&self) -> Option<u32> {
        let mut all: Vec<u32> = (0..self.0.len()).flat_map(|worker| self.of(worker).recent_us.clone()).collect();
        all.sort_unstable();
        all.get(all.len().saturating_sub(1) * 99 / 100).copied()
    }
}
