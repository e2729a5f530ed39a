//! Samples the target's process and metrics once a second while a probe runs, on its own thread.

use super::scrape::MetricsUrl;
use crate::capacity::TargetRow;
use crate::os::{OtherProcess, other_process};
use crate::signaling::TargetPolicy;
use std::collections::BTreeMap;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

/// The sampling interval.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// The most rows; a summary's time series has as many.
const ROWS_MAX: usize = 1_000;

/// Parts of the target to sample; none by default.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    pub pid: Option<u32>,
    pub metrics: Option<MetricsUrl>,
    /// The addresses that metrics may be read from.
    pub reach: TargetPolicy,
}

impl Watched {
    /// Checks that all parts can be sampled.
    ///
    /// # Errors
    /// One sentence: there is no such process, it belongs to another user, or there are no metrics.
    pub fn check(&self) -> Result<(), String> {
        if let Some(pid) = self.pid {
            other_process(pid).map_err(|error| format!("--target-pid {pid}: {error}"))?;
        }
        let Some(url) = &self.metrics else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let checked =
            runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(url.check(&self.reach)));
        checked.map_err(|why| format!("--target-metrics {url}: {why}"))
    }
}

/// A running sampler.
pub(super) struct Watch {
    stop: oneshot::Sender<()>,
    thread: Option<JoinHandle<Vec<TargetRow>>>,
}

impl Watch {
    /// Starts to sample.
    ///
    /// # Errors
    /// The system has no thread or runtime for it.
    pub(super) fn start(watched: Watched) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        if watched.pid.is_none() && watched.metrics.is_none() {
            return Ok(Self { stop, thread: None });
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || runtime.block_on(sample_rows(watched, stopped)))?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Ends the sampling, and returns one row a second.
    pub(super) fn stop(self) -> Vec<TargetRow> {
        // Fails only if the thread has ended.
        let _ = self.stop.send(());
        self.thread.and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

async fn sample_rows(watched: Watched, mut stopped: oneshot::Receiver<()>) -> Vec<TargetRow> {
    let start = Instant::now();
    let mut ticks = tokio::time::interval(SAMPLE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rows = vec![];
    let mut before = None;
    while rows.len() < ROWS_MAX {
        tokio::select! {
            _ = &mut stopped => break,
            _ = ticks.tick() => {}
        }
        let now = Instant::now();
        let process = watched.pid.and_then(|pid| other_process(pid).ok());
        let metrics = match &watched.metrics {
            Some(url) => url.scrape(&watched.reach).await,
            None => BTreeMap::new(),
        };
        let cpu = process.map(|sample| sample.cpu).or_else(|| cpu_of(&metrics));
        let cpu_cores = match (before, cpu) {
            (Some((then, used)), Some(cpu)) => cores(used, cpu, now - then),
            _ => None,
        };
        before = cpu.map(|cpu| (now, cpu));
        rows.push(row(now.duration_since(start), cpu_cores, process, metrics));
    }
    rows
}

/// Cores used between two samples; `None` if the CPU time shrank: another process has the pid now.
fn cores(used: Duration, cpu: Duration, passed: Duration) -> Option<f64> {
    Some(cpu.checked_sub(used)?.as_secs_f64() / passed.as_secs_f64().max(1e-3))
}

fn row(
    since: Duration,
    cpu_cores: Option<f64>,
    process: Option<OtherProcess>,
    metrics: BTreeMap<String, f64>,
) -> TargetRow {
    let metric = |name: &str| metrics.get(name).map(|value| *value as u64);
    TargetRow {
        second: since.as_secs_f64().round() as u64,
        cpu_cores,
        rss_bytes: process.map(|sample| sample.rss_bytes).or_else(|| metric("process_resident_memory_bytes")),
        fds: process.and_then(|sample| sample.fds).or_else(|| metric("process_open_fds")),
        threads: process.map(|sample| sample.threads),
        metrics,
    }
}

/// CPU time by the metric that all client libraries offer.
fn cpu_of(metrics: &BTreeMap<String, f64>) -> Option<Duration> {
    Duration::try_from_secs_f64(*metrics.get("process_cpu_seconds_total")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_watch_costs_nothing_and_sees_nothing() {
        assert!(Watch::start(Watched::default()).unwrap().stop().is_empty());
    }

    #[test]
    fn the_first_look_has_no_rate_and_a_number_used_again_neither() {
        let second = Duration::from_secs(1);
        assert_eq!(cores(second, second * 2, second * 2), Some(0.5));
        assert_eq!(cores(second * 2, second, second), None);
    }

    #[test]
    fn metrics_stand_in_for_a_process_that_is_elsewhere() {
        let metrics = [("process_open_fds", 9.0), ("process_cpu_seconds_total", 1.5)];
        let metrics: BTreeMap<String, f64> = metrics.map(|(name, value)| (name.to_owned(), value)).into();
        assert_eq!(cpu_of(&metrics), Some(Duration::from_millis(1_500)));
        assert_eq!(row(Duration::from_millis(1_980), None, None, metrics).fds, Some(9));
    }
}
