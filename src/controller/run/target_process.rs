//! Watches the target during a run: its processes, if they are on this machine, and its own metrics, if it was asked for.

use super::super::target::metrics::MetricsScraper;
use super::super::target::watched::Watched;
use crate::metrics::{Fold, TimeBuckets};
use crate::os::TargetWatch;
use crate::summary::{TargetProcess, TargetSecond};
use crate::vocabulary::format::micros;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::{MissedTickBehavior, interval_at};

/// The interval at which the target is looked at for a run that other processes play.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Watches the target for a run that other processes play, on a thread of its own.
pub struct TargetObserver {
    /// Told how long the run lasted.
    end: oneshot::Sender<Duration>,
    thread: JoinHandle<Option<TargetProcess>>,
}

impl TargetObserver {
    /// Watches from `at` on, the start of the run; `None` if there is nothing to look at.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn start(watched: &Watched, at: Instant) -> io::Result<Option<Self>> {
        if watched.pid.is_none() && watched.metrics.is_none() {
            return Ok(None);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (watched, (end, ended)) = (watched.clone(), oneshot::channel());
        let observed = move || LocalSet::new().block_on(&runtime, observe(&watched, at, ended));
        let thread = thread::Builder::new().name("target".to_owned()).spawn(observed)?;
        Ok(Some(Self { end, thread }))
    }

    /// The record of a run that `lasted` so long; `None` if nothing could be seen.
    pub fn finish(self, lasted: Duration) -> Option<TargetProcess> {
        // Fails only if the thread has ended.
        let _ = self.end.send(lasted);
        self.thread.join().ok().flatten()
    }
}

async fn observe(watched: &Watched, at: Instant, mut ended: oneshot::Receiver<Duration>) -> Option<TargetProcess> {
    let mut ticks = interval_at(at.into(), LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut recorder: Option<TargetRecorder> = None;
    loop {
        tokio::select! {
            biased;
            lasted = &mut ended => return recorder.zip(lasted.ok()).map(|(recorder, lasted)| recorder.finish(lasted)),
            now = ticks.tick() => {
                let now = now.into_std();
                recorder = recorder.or_else(|| TargetRecorder::start(watched, vec![]));
                recorder.iter_mut().for_each(|recorder| recorder.sample(now, now.saturating_duration_since(at)));
            }
        }
    }
}

pub(super) struct TargetRecorder {
    watch: Option<TargetWatch>,
    scraper: Option<MetricsScraper>,
    pids: Vec<u32>,
    name: String,
    /// Counts from when the processes were found, which is before the run.
    rows: TimeBuckets<Option<TargetSecond>>,
    is_first: bool,
    /// CPU time so far, by the target's own metrics.
    metrics_cpu: Option<Duration>,
}

impl TargetRecorder {
    /// Finds what can be watched; `None` if nothing can. `addresses` are the target's.
    pub(super) fn start(watched: &Watched, addresses: Vec<SocketAddr>) -> Option<Self> {
        let watch = TargetWatch::find(watched.pid, addresses);
        let scraper = watched.metrics.clone().map(MetricsScraper::start);
        (watch.is_some() || scraper.is_some()).then(|| Self {
            pids: watch.as_ref().map_or(vec![], |watch| watch.pids().to_vec()),
            name: watch.as_ref().map(TargetWatch::name).unwrap_or_default(),
            watch,
            scraper,
            rows: TimeBuckets::new(Instant::now()),
            is_first: true,
            metrics_cpu: None,
        })
    }

    /// Takes one look at `now`, `since` the start of the run.
    pub(super) fn sample(&mut self, now: Instant, since: Duration) {
        let metrics = self.scraper.as_ref().map(MetricsScraper::take).unwrap_or_default();
        let seen = self.watch.as_mut().and_then(TargetWatch::look);
        if seen.is_none() && metrics.is_empty() {
            return;
        }
        // The first look counts from when the processes were found, which is before the run.
        let is_first = std::mem::take(&mut self.is_first);
        let told = metrics.get("process_cpu_seconds_total").and_then(|cpu| Duration::try_from_secs_f64(*cpu).ok());
        let before = if told.is_some() { std::mem::replace(&mut self.metrics_cpu, told) } else { None };
        let told_cpu = told.zip(before).and_then(|(now, before)| now.checked_sub(before));
        let cpu = seen.and_then(|seen| seen.cpu).filter(|_| !is_first).or(told_cpu.filter(|_| seen.is_none()));
        let metric = |name: &str| metrics.get(name).map(|value| *value as u64);
        self.rows.at(now).fold(Some(TargetSecond {
            second: since.as_secs_f64().round() as u64,
            cpu_us: cpu.map(micros),
            waiting_us: seen.and_then(|seen| seen.waited).filter(|_| !is_first).map(micros),
            rss_bytes: seen.map(|seen| seen.rss_bytes).or_else(|| metric("process_resident_memory_bytes")),
            fds: seen.and_then(|seen| seen.fds).or_else(|| metric("process_open_fds")),
            threads: seen.map(|seen| seen.threads),
            metrics,
        }));
    }

    pub(super) fn finish(self, lasted: Duration) -> TargetProcess {
        let Self { watch, pids, name, rows, .. } = self;
        // One that watched for others looked on until their figures came.
        let is_of_run = |row: &TargetSecond| row.second as f64 <= lasted.as_secs_f64().ceil();
        let series = rows.rows().iter().filter_map(|(_, _, row)| row.clone()).filter(is_of_run).collect();
        let restarts = watch.map_or(0, |watch| watch.restarts());
        let process = TargetProcess { pids, name, restarts, series, ..TargetProcess::default() };
        process.summed(lasted.as_secs_f64())
    }
}

/// Two looks become one: what was used adds up, of what was held the most counts, of a metric its last value.
impl Fold for Option<TargetSecond> {
    fn fold(&mut self, later: Self) {
        let Some(ours) = self else {
            *self = later;
            return;
        };
        let Some(later) = later else { return };
        let sum = |ours: Option<u64>, later: Option<u64>| ours.into_iter().chain(later).reduce(|a, b| a + b);
        *ours = TargetSecond {
            second: later.second,
            cpu_us: sum(ours.cpu_us, later.cpu_us),
            waiting_us: sum(ours.waiting_us, later.waiting_us),
            rss_bytes: ours.rss_bytes.max(later.rss_bytes),
            fds: ours.fds.max(later.fds),
            threads: ours.threads.max(later.threads),
            metrics: std::mem::take(&mut ours.metrics).into_iter().chain(later.metrics).collect::<BTreeMap<_, _>>(),
        };
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
            let row = TargetSecond { second, cpu_us, rss_bytes: Some(second), fds: Some(7), ..TargetSecond::default() };
            rows.at(start + Duration::from_secs(second)).fold(Some(row));
        }
        let series: Vec<TargetSecond> = rows.rows().iter().filter_map(|(_, _, row)| row.clone()).collect();
        assert_eq!((series.len(), series[0].second, series.last().unwrap().second), (750, 3, 2_999));
        let process = TargetProcess { series, ..TargetProcess::default() }.summed(2_999.0);
        assert_eq!((process.cpu_cores, process.cpu_cores_max), (1.0, 1.0));
        assert_eq!((process.rss_bytes_max, process.fds_max), (2_999, Some(7)));
    }
}
