//! The run's time series: counts of events and samples of the generator, row by row.

use crate::metrics::fold::time_buckets::{Fold, TimeBuckets, TimeRows};
use crate::summary::{CoarseHistogram, Histogram, Punctuality, RowTimer, SERIES_TIMERS, SeriesRow, heat};
use crate::vocabulary::format::micros;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Rows that `recent_us` looks back over.
const RECENT: usize = 5;

/// Counts of one row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::metrics) struct SecondCounts {
    pub joined: u64,
    pub opened: u64,
    pub failed: u64,
    pub frames: u64,
    pub messages: u64,
    /// Of the arrivals and of the messages that were due in the row.
    pub arrivals_due: Punctuality,
    pub messages_due: Punctuality,
    /// Samples of `time_to_open` (due) in microseconds, unordered.
    pub times_us: Vec<u32>,
    /// Samples of the timers after the first of `SERIES_TIMERS`.
    pub deliveries: CoarseHistogram,
    pub latencies: CoarseHistogram,
    /// By `TimedSecond::TIMERS`: number and sum in microseconds.
    pub timers: [(u64, u64); 3],
}

impl SecondCounts {
    pub(in crate::metrics) fn is_sound(&self) -> bool {
        self.deliveries.is_sound() && self.latencies.is_sound()
    }

    /// Adds a sample of `signal_delivery`.
    pub(in crate::metrics) fn delivery(&mut self, us: u64) {
        self.time(0, us);
        self.deliveries.record_us(us);
    }

    /// Adds a sample of the timer at `position` in `TimedSecond::TIMERS`.
    pub(in crate::metrics) fn time(&mut self, position: usize, us: u64) {
        let (count, sum) = &mut self.timers[position];
        *count += 1;
        *sum = sum.saturating_add(us);
    }
}

/// The load on the generator between two samples of the process, taken about a second apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::metrics) struct GeneratorSample {
    /// A sample was taken in this row.
    pub sampled: bool,
    /// CPU time of the process.
    pub cpu: Duration,
    /// Time spent runnable without a CPU, or throttled.
    pub waited: Duration,
    pub lag_max_us: u64,
    pub rss_bytes: u64,
    pub fds: u64,
}

/// The rows of a summary; both series begin at the start of the run.
pub(in crate::metrics) fn rows(
    mut counts: TimeRows<SecondCounts>,
    mut generator: TimeRows<GeneratorSample>,
) -> Vec<SeriesRow> {
    counts.align(&mut generator);
    let both = counts.iter().zip(generator.iter());
    both.map(|((second, seconds, counts), (_, _, generator))| series_row(second, seconds, counts, generator)).collect()
}

/// The newest rows' samples of `time_to_open` (due) in microseconds, unordered.
pub(in crate::metrics) fn recent_us(scenarios: &[TimeBuckets<SecondCounts>]) -> Vec<u32> {
    recent(scenarios).flat_map(|row| row.times_us.iter().copied()).collect()
}

/// The newest rows' samples of `message_latency`.
pub(in crate::metrics) fn recent_latencies(scenarios: &[TimeBuckets<SecondCounts>]) -> CoarseHistogram {
    let mut latencies = CoarseHistogram::default();
    recent(scenarios).for_each(|row| latencies.merge(&row.latencies));
    latencies
}

/// The newest rows of the run, of all scenarios.
fn recent(scenarios: &[TimeBuckets<SecondCounts>]) -> impl Iterator<Item = &SecondCounts> {
    let end = scenarios.iter().map(|series| series.rows().end()).max().unwrap_or(0);
    scenarios.iter().flat_map(move |series| series.rows().newest(RECENT, end))
}

impl Fold for SecondCounts {
    fn fold(&mut self, other: Self) {
        self.joined += other.joined;
        self.opened += other.opened;
        self.failed += other.failed;
        self.frames += other.frames;
        self.messages += other.messages;
        self.arrivals_due += other.arrivals_due;
        self.messages_due += other.messages_due;
        self.times_us.extend(other.times_us);
        self.deliveries.merge(&other.deliveries);
        self.latencies.merge(&other.latencies);
        for (ours, theirs) in self.timers.iter_mut().zip(other.timers) {
            *ours = (ours.0 + theirs.0, ours.1.saturating_add(theirs.1));
        }
    }
}

impl Fold for GeneratorSample {
    fn fold(&mut self, other: Self) {
        self.sampled |= other.sampled;
        self.cpu += other.cpu;
        self.waited += other.waited;
        self.lag_max_us = self.lag_max_us.max(other.lag_max_us);
        self.rss_bytes = self.rss_bytes.max(other.rss_bytes);
        self.fds = self.fds.max(other.fds);
    }
}

fn series_row(second: u64, seconds: u64, counts: &SecondCounts, generator: &GeneratorSample) -> SeriesRow {
    let mut times_us = counts.times_us.clone();
    let mut opened = Histogram::default();
    times_us.iter().for_each(|us| opened.record_us(u64::from(*us)));
    let timers = [opened, counts.deliveries.histogram(), counts.latencies.histogram()];
    let timers = SERIES_TIMERS.into_iter().zip(timers);
    let timers = timers.filter_map(|(name, samples)| Some((name.to_owned(), RowTimer::of(&samples)?)));
    let seen = |figure: u64| generator.sampled.then_some(figure);
    SeriesRow {
        second,
        seconds,
        joined: counts.joined,
        opened: counts.opened,
        failed: counts.failed,
        frames: counts.frames,
        messages: counts.messages,
        time_to_open_p50_us: quantile(&mut times_us, 0.5),
        time_to_open_p99_us: quantile(&mut times_us, 0.99),
        time_to_open: heat::count_by_band(&times_us),
        timers: timers.collect(),
        cpu_us: seen(micros(generator.cpu)),
        waiting_us: seen(micros(generator.waited)),
        lag_max_us: seen(generator.lag_max_us),
        rss_bytes: seen(generator.rss_bytes),
        fds: seen(generator.fds),
    }
}

/// The smallest sample that the share `quantile` of all does not exceed.
pub(in crate::metrics) fn quantile(samples: &mut [u32], quantile: f64) -> Option<u64> {
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
    use std::time::Instant;

    #[test]
    fn rows_that_are_folded_keep_every_sample_and_the_worst_of_the_generator() {
        let start = Instant::now();
        let (mut counts, mut generator) =
            (TimeBuckets::<SecondCounts>::new(start), TimeBuckets::<GeneratorSample>::new(start));
        let second = |second| start + Duration::from_secs(second);
        counts.at(second(2)).times_us.push(7);
        counts.at(second(3)).times_us.push(9);
        counts.at(second(1_500)).opened += 1;
        for (at, cpu_ms, lag_max_us) in [(2, 300, 40), (3, 500, 20)] {
            let cpu = Duration::from_millis(cpu_ms);
            generator.at(second(at)).fold(GeneratorSample {
                sampled: true,
                cpu,
                lag_max_us,
                ..GeneratorSample::default()
            });
        }
        let rows = rows(counts.into_rows(), generator.into_rows());
        let row = &rows[1];
        assert_eq!((row.second, row.seconds, row.time_to_open_p99_us), (2, 2, Some(9)));
        assert_eq!((row.cpu_us, row.lag_max_us), (Some(800_000), Some(40)));
        assert_eq!((rows[750].opened, rows[750].cpu_us), (1, None));
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
