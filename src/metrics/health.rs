//! Folds samples of the process and of its workers' timer lag into the generator's health.

use crate::metrics::fold::series::GeneratorSample;
use crate::metrics::fold::time_buckets::{Fold, TimeBuckets, TimeRows};
use crate::metrics::output::run_wide::RunWideFigures;
use crate::metrics::validity::Strain;
use crate::summary::{Distribution, Health, Histogram};
use crate::vocabulary::format::micros;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Above this share of the cores granted, a second counts as busy (docs/spec/measurement.md, "Validity").
const BUSY: f64 = 0.85;

/// Samples are due each second; a larger gap between two is a lost interval.
const GAP_MAX: Duration = Duration::from_secs(2);

/// The process at one moment; its durations only grow.
#[derive(Clone, Copy, Debug)]
pub struct ProcessSample {
    pub at: Instant,
    /// CPU time of the process so far.
    pub cpu: Duration,
    pub rss_bytes: u64,
    pub fds: u64,
    /// Time that the longest-waiting worker has been runnable without a CPU (/proc schedstat).
    pub run_wait: Duration,
    /// Time for which the cgroup was throttled.
    pub throttled: Duration,
}

/// The longest queues of a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Depths {
    /// Peers that were due but had not begun.
    pub arrivals: u64,
    /// Signaling frames of one peer that were not yet written.
    pub frames: u64,
}

impl Depths {
    /// The larger of both, field by field.
    pub fn max(self, other: Self) -> Self {
        Self { arrivals: self.arrivals.max(other.arrivals), frames: self.frames.max(other.frames) }
    }
}

#[derive(Clone, Debug)]
pub struct HealthRecorder {
    cores: f64,
    first: Option<ProcessSample>,
    last: Option<ProcessSample>,
    busy: Duration,
    rss_bytes_max: u64,
    fds_max: u64,
    /// By worker: one that starves must not hide among idle ones.
    lag: Vec<Histogram>,
    depths: Depths,
    lost_intervals: u64,
    clock_jump: Duration,
    generator: TimeBuckets<GeneratorSample>,
}

/// The load on one process, or on several, as figures that need no clock.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HealthFigures {
    /// CPU time used.
    cpu: Duration,
    /// Time spent runnable without a CPU, or throttled.
    waited: Duration,
    /// From the first sample to the last.
    spanned: Duration,
    /// The time in which nearly all granted CPU time was used.
    busy: Duration,
    rss_bytes_max: u64,
    fds_max: u64,
    /// The lag of all workers, and that of the worker that lagged most.
    lag: Histogram,
    worst_lag: Histogram,
    depths: Depths,
    lost_intervals: u64,
    clock_jump: Duration,
    pub(in crate::metrics) generator: TimeRows<GeneratorSample>,
}

impl HealthRecorder {
    /// `cores` are those granted by affinity and quota; `start` is that of the recorder.
    pub fn new(cores: f64, start: Instant) -> Self {
        Self {
            cores: cores.max(0.01),
            first: None,
            last: None,
            busy: Duration::ZERO,
            rss_bytes_max: 0,
            fds_max: 0,
            lag: vec![],
            depths: Depths::default(),
            lost_intervals: 0,
            clock_jump: Duration::ZERO,
            generator: TimeBuckets::new(start),
        }
    }

    /// Adds a sample of the process; called about once a second.
    pub fn sample(&mut self, mut sample: ProcessSample) {
        if let Some(last) = self.last {
            // /proc no longer counts the wait of a worker that has ended.
            sample.run_wait = sample.run_wait.max(last.run_wait);
            let took = sample.at.saturating_duration_since(last.at);
            self.lost_intervals += u64::from(took > GAP_MAX);
            let cpu = sample.cpu.saturating_sub(last.cpu);
            if cpu.as_secs_f64() > BUSY * self.cores * took.as_secs_f64() {
                self.busy += took;
            }
            let waited = waited(&sample).saturating_sub(waited(&last));
            let (rss_bytes, fds) = (sample.rss_bytes, sample.fds);
            let generator = GeneratorSample { sampled: true, cpu, waited, lag_max_us: 0, rss_bytes, fds };
            // The differences belong to the time since the sample before.
            self.generator.at(last.at).fold(generator);
        }
        self.first.get_or_insert(sample);
        self.last = Some(sample);
        self.rss_bytes_max = self.rss_bytes_max.max(sample.rss_bytes);
        self.fds_max = self.fds_max.max(sample.fds);
    }

    /// Adds the lag of `worker`'s timer sampled since the last call, at about `since`.
    pub fn lag(&mut self, worker: usize, since: Instant, lag: &Histogram) {
        let row = self.generator.at(since);
        row.lag_max_us = row.lag_max_us.max(lag.max_us());
        if self.lag.len() <= worker {
            self.lag.resize_with(worker + 1, Histogram::default);
        }
        self.lag[worker].merge(lag);
    }

    /// Adds the queue depths of a worker.
    pub fn depths(&mut self, depths: Depths) {
        self.depths = self.depths.max(depths);
    }

    /// Counts a lost worker, or a lost interval of its figures.
    pub fn interval_lost(&mut self) {
        self.lost_intervals += 1;
    }

    /// Records a jump of the wall clock against the monotonic clock.
    pub fn clock_jumped(&mut self, by: Duration) {
        self.clock_jump = self.clock_jump.max(by);
    }

    /// The figures so far.
    pub fn figures(&self) -> HealthFigures {
        let mut lag = Histogram::default();
        self.lag.iter().for_each(|worker| lag.merge(worker));
        HealthFigures {
            cpu: self.grown(|sample| sample.cpu),
            waited: self.grown(waited),
            spanned: self.spanned(),
            busy: self.busy,
            rss_bytes_max: self.rss_bytes_max,
            fds_max: self.fds_max,
            lag,
            worst_lag: self.lag.iter().max_by_key(|lag| lag.quantile_us(0.99)).cloned().unwrap_or_default(),
            depths: self.depths,
            lost_intervals: self.lost_intervals,
            clock_jump: self.clock_jump,
            generator: self.generator.rows().clone(),
        }
    }

    fn grown(&self, of: impl Fn(&ProcessSample) -> Duration) -> Duration {
        match (&self.first, &self.last) {
            (Some(first), Some(last)) => of(last).saturating_sub(of(first)),
            _ => Duration::ZERO,
        }
    }

    fn spanned(&self) -> Duration {
        match (&self.first, &self.last) {
            (Some(first), Some(last)) => last.at.saturating_duration_since(first.at),
            _ => Duration::ZERO,
        }
    }
}

impl HealthFigures {
    pub(super) fn strain(&self) -> Strain {
        Strain {
            lag_p99_us: self.lag_p99_us(),
            lag_samples: self.worst_lag.count(),
            busy_share: self.share(self.busy),
            waiting_share: self.share(self.waited),
            lost_intervals: self.lost_intervals,
            clock_jump: self.clock_jump,
            ..Strain::default()
        }
    }

    pub(super) fn summary(&self, run_wide: &RunWideFigures) -> Health {
        let RunWideFigures { tally, arrival_clocks, .. } = run_wide;
        let spanned = self.spanned.as_secs_f64();
        Health {
            lag_us: Distribution::of(&self.lag),
            cpu_cores: if spanned > 0.0 { self.cpu.as_secs_f64() / spanned } else { 0.0 },
            cpu_us: micros(self.cpu),
            rss_bytes_max: self.rss_bytes_max,
            fds_max: self.fds_max,
            late: tally.peers_late,
            dropped: tally.peers_dropped,
            us_per_edge: micros(self.cpu).checked_div(tally.edges_opened).unwrap_or(0),
            busy_share: self.share(self.busy),
            waiting_share: self.share(self.waited),
            arrivals_waiting_max: self.depths.arrivals,
            frames_waiting_max: self.depths.frames,
            arrival_clocks: *arrival_clocks,
        }
    }

    /// Adds another process of the same run: its CPU time adds up, and of all else the worst counts.
    pub fn merge(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.spanned = self.spanned.max(other.spanned);
        self.waited = self.waited.max(other.waited);
        self.busy = self.busy.max(other.busy);
        self.rss_bytes_max = self.rss_bytes_max.max(other.rss_bytes_max);
        self.fds_max = self.fds_max.max(other.fds_max);
        self.lag.merge(&other.lag);
        if other.lag_p99_us() > self.lag_p99_us() {
            self.worst_lag = other.worst_lag;
        }
        self.depths = self.depths.max(other.depths);
        self.lost_intervals += other.lost_intervals;
        self.clock_jump = self.clock_jump.max(other.clock_jump);
        self.generator.merge(other.generator);
    }

    /// The lag of all workers.
    pub fn lag(&self) -> &Histogram {
        &self.lag
    }

    /// The lag of the worker that lagged most, at the 99th percentile, in microseconds.
    pub fn lag_p99_us(&self) -> u64 {
        self.worst_lag.quantile_us(0.99)
    }

    fn share(&self, part: Duration) -> f64 {
        let whole = self.spanned.as_secs_f64();
        if whole > 0.0 { part.as_secs_f64() / whole } else { 0.0 }
    }
}

fn waited(sample: &ProcessSample) -> Duration {
    sample.run_wait + sample.throttled
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples a second apart, each with the CPU time and the wait of that second, in milliseconds.
    fn after(seconds: &[(u64, u64)]) -> HealthRecorder {
        let start = Instant::now();
        let mut health = HealthRecorder::new(2.0, start);
        let (mut cpu, mut wait) = (0, 0);
        for (second, (cpu_ms, wait_ms)) in [(0, 0)].iter().chain(seconds).enumerate() {
            (cpu, wait) = (cpu + cpu_ms, wait + wait_ms);
            health.sample(ProcessSample {
                at: start + Duration::from_secs(second as u64),
                cpu: Duration::from_millis(cpu),
                rss_bytes: 1_000 * (10 - second as u64),
                fds: second as u64,
                run_wait: Duration::from_millis(wait),
                throttled: Duration::ZERO,
            });
        }
        health
    }

    #[test]
    fn a_second_is_busy_above_85_percent_of_the_cores_granted() {
        let health = after(&[(1_700, 0), (1_701, 0), (500, 0), (0, 400)]);
        let strain = health.figures().strain();
        assert_eq!((strain.busy_share, strain.waiting_share), (0.25, 0.1));
    }

    #[test]
    fn what_is_shown_is_the_highest_and_the_mean() {
        let mut run_wide = RunWideFigures::default();
        run_wide.tally.edges_opened = 4;
        let shown = after(&[(1_000, 0), (3_000, 0)]).figures().summary(&run_wide);
        assert_eq!(
            (shown.cpu_cores, shown.rss_bytes_max, shown.fds_max, shown.us_per_edge),
            (2.0, 10_000, 2, 1_000_000)
        );
    }

    #[test]
    fn a_starving_worker_does_not_hide_among_idle_ones() {
        let mut health = HealthRecorder::new(2.0, Instant::now());
        let (mut idle, mut starved) = (Histogram::default(), Histogram::default());
        (0..10_000).for_each(|_| idle.record_us(50));
        (0..100).for_each(|_| starved.record_us(80_000));
        health.lag(0, Instant::now(), &idle);
        health.lag(1, Instant::now(), &starved);
        assert_eq!((health.figures().strain().lag_p99_us / 1_000, health.figures().strain().lag_samples), (80, 100));
        assert_eq!(health.figures().summary(&RunWideFigures::default()).lag_us.p.p95, 50);
    }

    #[test]
    fn the_wait_of_a_worker_that_has_ended_still_counts() {
        let mut health = after(&[(0, 400), (0, 400)]);
        let last = health.last.unwrap();
        health.sample(ProcessSample { at: last.at + Duration::from_secs(2), run_wait: Duration::ZERO, ..last });
        assert_eq!(health.figures().strain().waiting_share, 0.2);
    }

    #[test]
    fn nobody_looking_for_more_than_two_seconds_is_a_lost_interval() {
        let lost = |gap_ms| {
            let mut health = after(&[(0, 0)]);
            let last = health.last.unwrap();
            health.sample(ProcessSample { at: last.at + Duration::from_millis(gap_ms), ..last });
            health.figures().strain().lost_intervals
        };
        assert_eq!((lost(2_000), lost(2_001)), (0, 1));
    }

    #[test]
    fn nothing_sampled_is_nothing_held_against_the_run() {
        assert_eq!(HealthRecorder::new(1.0, Instant::now()).figures().strain(), Strain::default());
    }
}
