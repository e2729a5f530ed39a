//! The changes of one timer at its percentiles, by the spread within runs and between them.

use crate::gates::baseline::change::{Change, Finding, REPEATS_MIN, classify};
use crate::gates::baseline::interval::{Interval, SHOWN, STRICT, mean_difference, moderated_difference, of_quantile};
use crate::gates::baseline::rule::ToleranceRule;
use crate::summary::{Clock, Histogram, Readings, Summary, Unit, distribution::samples_needed};
use crate::vocabulary::format::micros;

/// The judged timers: those that depend on the target, and `time_to_open`. Others are only shown: ice, dtls and channel
/// depend on the peers' machine, and `time_to_open` includes them anyway.
pub(super) const JUDGED: [&str; 8] = [
    "time_to_open",
    "connect",
    "discovery",
    "negotiation",
    "signal_delivery",
    "room_complete",
    "message_latency",
    "message_rtt",
];

const PERCENTILES: [f64; 3] = [50.0, 95.0, 99.0];
/// The percentile that repeats must decide. Higher ones of one server differ by a third from run to run (docs/figures.md,
/// "Does compare notice?"): they count when a growth is shown, and leave nothing undecided.
const DECISIVE: f64 = 50.0;
/// The standard deviation of the logarithm of a run's p50, as measured (docs/figures.md); those of higher percentiles vary
/// too much to be known before.
const DECISIVE_DEVIATION: f64 = 0.07;
/// The probability by which a growth of it is called worse and is none.
const DECISIVE_STRICT: f64 = 0.01;
/// The factor by which single runs of one unchanged server differ, for which fewer than `REPEATS_MIN` runs give no
/// estimate: only more is a change.
const SINGLE_RUNS_DIFFER_BY: f64 = 2.0;

pub(super) fn timer(base: &[&Summary], new: &[&Summary], name: &str, rule: &ToleranceRule) -> Vec<Change> {
    let (before, after) = (Timed::of(base, name), Timed::of(new, name));
    PERCENTILES.into_iter().map(|percentile| at_percentile(&before, &after, (name, percentile), rule)).collect()
}

fn at_percentile(before: &Timed, after: &Timed, (name, percentile): (&str, f64), rule: &ToleranceRule) -> Change {
    let quantile = percentile / 100.0;
    let repeated = before.runs.len() >= REPEATS_MIN && after.runs.len() >= REPEATS_MIN;
    let bounds = |tail: f64| {
        let within = Interval::change(before.interval(quantile, tail), after.interval(quantile, tail));
        let (base, new) = (before.logs(quantile), after.logs(quantile));
        let between_runs = match percentile == DECISIVE {
            true => moderated_difference(&base, &new, tail, DECISIVE_DEVIATION),
            false => mean_difference(&base, &new, tail),
        };
        match between_runs.filter(|_| repeated) {
            Some(between_runs) => within.union(between_runs.map(|log| log.exp() - 1.0)),
            None => within.widened(SINGLE_RUNS_DIFFER_BY),
        }
    };
    let samples = [before.merged.count(), after.merged.count()];
    let at = |timed: &Timed| (!timed.merged.is_empty()).then(|| timed.merged.quantile_us(quantile).max(1) as f64);
    let (was, is) = (at(before), at(after));
    let tolerance = rule.tolerance_of(name);
    let allowed = was.map_or(tolerance, |was| tolerance.max(micros(rule.floor) as f64 / was));
    let change = was.zip(is).map(|(was, is)| is / was - 1.0);
    let (shown, strict) = (bounds(SHOWN), bounds(if percentile == DECISIVE { DECISIVE_STRICT } else { STRICT }));
    let finding = match (was, is, change) {
        (Some(_), None, _) => Finding::Gone,
        (None, _, _) | (_, _, None) => Finding::Novel,
        (.., Some(_)) if samples[0].min(samples[1]) < samples_needed(percentile) => Finding::TooFew,
        (.., Some(change)) => classify(change, strict.is_above_zero(), shown, allowed),
    };
    let is_shown = matches!(finding, Finding::Worse | Finding::Gone | Finding::Better);
    let is_decisive = repeated && percentile == DECISIVE || is_shown;
    // Of repeats, the run in the middle must be slower than the slowest before: one in three is, by chance.
    let seen = if repeated { after.middle(quantile) / before.slowest(quantile) - 1.0 } else { change.unwrap_or(0.0) };
    Change {
        metric: name.to_owned(),
        aggregation: format!("p{percentile}"),
        unit: Unit::Us,
        base: was,
        new: is,
        change,
        low: shown.low,
        high: shown.high,
        samples,
        tolerance,
        allowed,
        exceeds: seen > allowed,
        judged: rule.overrides.contains_key(name) || JUDGED.contains(&name) && is_decisive,
        finding,
    }
}

/// A timer of one side: the histogram of every run, and all merged.
struct Timed {
    runs: Vec<Histogram>,
    merged: Histogram,
    independent: u64,
}

impl Timed {
    fn of(runs: &[&Summary], name: &str) -> Self {
        let measured = |run: &&Summary| Some((run.timer(name, Clock::Due)?, independent(run, name)));
        let measured: Vec<(Histogram, u64)> = runs.iter().filter_map(measured).collect();
        let independent = measured.iter().map(|(run, most)| run.count().min(*most)).fold(0, u64::saturating_add);
        let runs_measured = measured.into_iter().map(|(run, _)| run).filter(|run| !run.is_empty()).collect();
        Self { runs: runs_measured, merged: merged(runs, name), independent }
    }

    fn interval(&self, quantile: f64, tail: f64) -> Interval {
        of_quantile(&self.merged, quantile, self.independent, tail)
    }

    /// Each run's latency at `quantile`, in microseconds, the least first.
    fn latencies(&self, quantile: f64) -> Vec<f64> {
        let mut latencies: Vec<u64> = self.runs.iter().map(|run| run.quantile_us(quantile).max(1)).collect();
        latencies.sort_unstable();
        latencies.into_iter().map(|us| us as f64).collect()
    }

    /// Their logarithms: latencies differ by factors.
    fn logs(&self, quantile: f64) -> Vec<f64> {
        self.latencies(quantile).into_iter().map(f64::ln).collect()
    }

    fn middle(&self, quantile: f64) -> f64 {
        let latencies = self.latencies(quantile);
        latencies.get((latencies.len().max(1) - 1) / 2).copied().unwrap_or(0.0)
    }

    fn slowest(&self, quantile: f64) -> f64 {
        self.latencies(quantile).last().copied().unwrap_or(f64::INFINITY)
    }
}

/// The largest number of independent samples: edges and frames of one peer are correlated, and so are messages of one
/// channel.
fn independent(run: &Summary, name: &str) -> u64 {
    match name {
        "message_latency" | "message_rtt" => run.counts.edges.opened,
        _ => run.counts.peers.joined,
    }
}

/// All samples of a timer on the clock due.
pub(super) fn merged(runs: &[&Summary], metric: &str) -> Histogram {
    let mut merged = Histogram::default();
    for run in runs {
        if let Some(histogram) = run.timers.get(metric).and_then(|timer| timer.on(Clock::Due).histogram().ok()) {
            merged.merge(&histogram);
        }
    }
    merged
}
