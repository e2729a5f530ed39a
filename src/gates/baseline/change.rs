//! The change of each figure from base to new, with its confidence interval and finding.

use crate::gates::baseline::interval::{Interval, mean_difference, of_quantile, of_share};
use crate::gates::baseline::rule::ToleranceRule;
use crate::summary::{
    Clock, Histogram, Readings, Summary, Unit, distribution::samples_needed, metric::RATES, metric::VALUES,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

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
/// The highest percentile that one run per side judges; higher ones differ from run to run by more than any tolerance.
const JUDGED_IN_ONE_RUN: f64 = 95.0;
/// The least number of runs per side from which their spread is estimated.
const REPEATS_MIN: usize = 3;
/// The precision of a delivery's time (docs/spec/measurement.md), in microseconds: less is no change.
const FLOOR_US: f64 = 500.0;
/// The growth that any rate may have, one percentage point: a first failure is no regression.
const FLOOR_RATE: f64 = 0.01;

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Change {
    pub metric: String,
    /// `p50`, `p95`, `p99`, `rate` or `value`.
    pub aggregation: String,
    pub unit: Unit,
    pub base: Option<f64>,
    pub new: Option<f64>,
    /// The change relative to base (0.2: a fifth more); for a rate the difference.
    pub change: Option<f64>,
    /// The 95 % interval of the change; a bound that the samples can't support is absent.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// The numbers of samples of base and new.
    pub samples: [u64; 2],
    pub tolerance: f64,
    /// True if a change for the worse fails the comparison.
    pub judged: bool,
    pub finding: Finding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Worse beyond the tolerance, and significantly.
    Worse,
    Better,
    /// Within the tolerance, and so are the bounds, roughly.
    Same,
    /// The bounds reach beyond the tolerance: more samples or repeats are needed.
    Unclear,
    /// Fewer samples than the percentile needs.
    TooFew,
    /// Measured in base only.
    Gone,
    /// Measured in new only, or in neither.
    Novel,
}

impl Change {
    /// True if the change fails the comparison.
    pub fn fails(&self) -> bool {
        self.judged && matches!(self.finding, Finding::Worse | Finding::Gone)
    }
}

/// The changes of every timer at every percentile, every rate and every value; judged ones first.
pub(super) fn changes(base: &[&Summary], new: &[&Summary], rule: &ToleranceRule) -> Vec<Change> {
    let names: BTreeSet<&str> = base.iter().chain(new).flat_map(|run| run.timers.keys().map(String::as_str)).collect();
    let timers = names.into_iter().flat_map(|name| timer(base, new, name, rule));
    let rates = RATES.iter().filter_map(|name| rate(base, new, name, rule));
    let values = VALUES.iter().filter_map(|name| value(base, new, name, rule));
    let mut changes: Vec<Change> = timers.chain(rates).chain(values).collect();
    let place = |change: &Change| JUDGED.iter().position(|name| *name == change.metric).unwrap_or(JUDGED.len());
    changes.sort_by_key(|change| (!change.judged, place(change)));
    changes
}

fn timer(base: &[&Summary], new: &[&Summary], name: &str, rule: &ToleranceRule) -> Vec<Change> {
    let repeated = base.len() >= REPEATS_MIN && new.len() >= REPEATS_MIN;
    let (before, after) = (Timed::of(base, name), Timed::of(new, name));
    PERCENTILES
        .into_iter()
        .map(|percentile| {
            let quantile = percentile / 100.0;
            let named = rule.overrides.contains_key(name);
            let samples = [before.merged.count(), after.merged.count()];
            let at = |timed: &Timed| (!timed.merged.is_empty()).then(|| timed.merged.quantile_us(quantile) as f64);
            let within = Interval::change(before.interval(quantile), after.interval(quantile));
            let bounds = match (repeated, mean_difference(&before.logs(quantile), &after.logs(quantile))) {
                (true, Some(between_runs)) => within.union(Interval {
                    low: between_runs.low.map(|log| log.exp() - 1.0),
                    high: between_runs.high.map(|log| log.exp() - 1.0),
                }),
                _ => within,
            };
            let mut change = Change {
                metric: name.to_owned(),
                aggregation: format!("p{percentile}"),
                unit: Unit::Us,
                judged: named || (JUDGED.contains(&name) && (repeated || percentile <= JUDGED_IN_ONE_RUN)),
                ..Change::between(at(&before), at(&after), samples, bounds, rule.tolerance_of(name))
            };
            if samples[0].min(samples[1]) < samples_needed(percentile) && change.change.is_some() {
                change.finding = Finding::TooFew;
            } else if change.base.zip(change.new).is_some_and(|(base, new)| (new - base).abs() < FLOOR_US) {
                change.finding = Finding::Same;
            }
            change
        })
        .collect()
}

fn rate(base: &[&Summary], new: &[&Summary], name: &str, rule: &ToleranceRule) -> Option<Change> {
    // Higher must be worse: completeness is judged by the missing share.
    let inverted = name == "mesh_complete";
    let losses = |runs: &[&Summary]| {
        runs.iter()
            .filter_map(|run| Some((run.rate(name)?, run.counts.peers.planned)))
            .map(|((rate, of), peers)| (if inverted { 1.0 - rate } else { rate }, of, of.min(peers)))
            .collect::<Vec<_>>()
    };
    let (before, after) = (losses(base), losses(new));
    let (was, is) = (Pooled::of(&before)?, Pooled::of(&after)?);
    let mut bounds = Interval::difference(of_share(was.share, was.independent), of_share(is.share, is.independent));
    if before.len() >= REPEATS_MIN && after.len() >= REPEATS_MIN {
        let shares = |losses: &[(f64, u64, u64)]| losses.iter().map(|(share, ..)| *share).collect::<Vec<_>>();
        bounds = mean_difference(&shares(&before), &shares(&after))
            .map_or(bounds, |between_runs| bounds.union(between_runs));
    }
    let tolerance = rule.tolerance_of(name);
    let change = is.share - was.share;
    let finding = classify(change, bounds, (tolerance * was.share).max(FLOOR_RATE));
    let seen = |share: f64| Some(if inverted { 1.0 - share } else { share });
    let sign = if inverted { -1.0 } else { 1.0 };
    let (low, high) = (bounds.low.map(|low| low * sign), bounds.high.map(|high| high * sign));
    let (low, high) = if inverted { (high, low) } else { (low, high) };
    Some(Change {
        metric: name.to_owned(),
        aggregation: "rate".into(),
        unit: Unit::Ratio,
        base: seen(was.share),
        new: seen(is.share),
        // The addition turns a negative zero into zero.
        change: Some(change * sign + 0.0),
        low,
        high,
        samples: [was.of, is.of],
        tolerance,
        judged: true,
        finding,
    })
}

fn value(base: &[&Summary], new: &[&Summary], name: &str, rule: &ToleranceRule) -> Option<Change> {
    let values = |runs: &[&Summary]| runs.iter().filter_map(|run| run.value(name)).collect::<Vec<_>>();
    let (before, after) = (values(base), values(new));
    let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let (was, is) = (mean(&before), mean(&after));
    was.or(is)?;
    let repeated = before.len() >= REPEATS_MIN && after.len() >= REPEATS_MIN;
    let between_runs = repeated.then(|| mean_difference(&before, &after)).flatten();
    let relative = |bound: Option<f64>| Some(bound? / was.filter(|was| *was > 0.0)?);
    // Without a spread, the values are taken as exact.
    let alone = was.zip(is).map(|(was, is)| is - was);
    let bounds = between_runs.unwrap_or(Interval { low: alone, high: alone });
    let bounds = Interval { low: relative(bounds.low), high: relative(bounds.high) };
    let samples = [before.len() as u64, after.len() as u64];
    Some(Change {
        metric: name.to_owned(),
        aggregation: "value".into(),
        unit: if name.contains("bytes") { Unit::Bytes } else { Unit::Count },
        judged: true,
        ..Change::between(was, is, samples, bounds, rule.tolerance_of(name))
    })
}

impl Change {
    /// A relative change; the caller sets its metric.
    fn between(base: Option<f64>, new: Option<f64>, samples: [u64; 2], bounds: Interval, tolerance: f64) -> Self {
        let change = base.zip(new).and_then(|(base, new)| (base > 0.0).then(|| new / base - 1.0));
        let finding = match (base, new, change) {
            (Some(_), None, _) => Finding::Gone,
            (None, _, _) => Finding::Novel,
            (_, _, None) => Finding::Same,
            (_, _, Some(change)) => classify(change, bounds, tolerance),
        };
        Self {
            metric: String::new(),
            aggregation: String::new(),
            unit: Unit::Us,
            base,
            new,
            change,
            low: bounds.low,
            high: bounds.high,
            samples,
            tolerance,
            judged: false,
            finding,
        }
    }
}

/// `Worse` is more than allowed and significantly more than zero, `Better` the reverse; an insignificant change is
/// unclear.
fn classify(change: f64, bounds: Interval, allowed: f64) -> Finding {
    match (bounds.low, bounds.high) {
        (Some(low), _) if change > allowed && low > 0.0 => Finding::Worse,
        (_, Some(high)) if change < -allowed && high < 0.0 => Finding::Better,
        (Some(low), Some(high)) if change.abs() <= allowed && low >= -2.0 * allowed && high <= 2.0 * allowed => {
            Finding::Same
        }
        _ => Finding::Unclear,
    }
}

impl ToleranceRule {
    fn tolerance_of(&self, metric: &str) -> f64 {
        self.overrides.get(metric).copied().unwrap_or(self.tolerance)
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

    fn interval(&self, quantile: f64) -> Interval {
        of_quantile(&self.merged, quantile, self.independent)
    }

    /// The logarithms of each run's latency at `quantile`: latencies differ by factors.
    fn logs(&self, quantile: f64) -> Vec<f64> {
        self.runs.iter().map(|run| (run.quantile_us(quantile).max(1) as f64).ln()).collect()
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

/// The losses of all runs of a side.
struct Pooled {
    share: f64,
    of: u64,
    independent: u64,
}

impl Pooled {
    fn of(losses: &[(f64, u64, u64)]) -> Option<Self> {
        let of = losses.iter().map(|(_, of, _)| *of).fold(0, u64::saturating_add);
        let lost = losses.iter().map(|(share, of, _)| share * *of as f64).sum::<f64>();
        let independent = losses.iter().map(|(_, _, independent)| *independent).fold(0, u64::saturating_add);
        (of > 0).then(|| Self { share: lost / of as f64, of, independent })
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
