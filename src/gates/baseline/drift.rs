//! Drift: a figure that grows a little from run to run, which no comparison of two sides shows.

use crate::gates::baseline::interval::STRICT;
use crate::gates::baseline::rule::ToleranceRule;
use crate::gates::baseline::timers::JUDGED;
use crate::summary::{Clock, Readings, Summary, Verdict};
use crate::vocabulary::format::micros;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// With fewer runs a line through them says nothing.
const RUNS_MIN: usize = 6;
/// The least samples of a run whose p50 counts.
const SAMPLES_MIN: u64 = 20;

/// The p50 (due) of one timer from run to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    pub metric: String,
    /// In microseconds, the oldest run first, NEW last.
    pub course_us: Vec<u64>,
    /// The growth from one run to the next, as a fraction, of the line that fits the logarithms best.
    pub per_run: f64,
    /// The growth along that line from the first run to the last, as a fraction.
    pub change: f64,
    /// The growth that counts as none, as a fraction.
    pub allowed: f64,
    /// It surely grows (one-sided 99.5 %), and by more than is allowed.
    pub creeps: bool,
}

/// Of `all` runs, the last `count` that were VALID and complete, of the plan and machine of `new`, and before it; the
/// oldest first. The rule's `force` and `across_machines` let other plans and machines in.
pub fn history(all: Vec<Summary>, new: &[Summary], count: usize, rule: &ToleranceRule) -> Vec<Summary> {
    let Some(first) = new.first() else { return vec![] };
    let machine = |run: &Summary| (run.run.machine.cpu.clone(), run.run.machine.cores.to_bits());
    let is_like = |run: &Summary| {
        run.validity.verdict == Verdict::Valid
            && run.run.complete
            && !run.run.interrupted
            && (rule.force || run.run.plan_sha256 == first.run.plan_sha256)
            && (rule.across_machines || machine(run) == machine(first))
            && run.run.started_at < first.run.started_at
            && new.iter().all(|other| other.run.id != run.run.id)
    };
    let mut runs: Vec<Summary> = all.into_iter().filter(is_like).collect();
    // RFC 3339 in UTC with milliseconds sorts as text.
    runs.sort_by(|one, other| one.run.started_at.cmp(&other.run.started_at));
    runs.split_off(runs.len().saturating_sub(count))
}

/// The drift of each judged timer over `runs`, the oldest first; none with fewer than six that have enough samples.
pub(super) fn drifts(runs: &[&Summary], rule: &ToleranceRule) -> Vec<Drift> {
    let course = |name: &str| {
        let timers = runs.iter().filter_map(|run| run.timer(name, Clock::Due));
        let enough = timers.filter(|timer| timer.count() >= SAMPLES_MIN);
        enough.map(|timer| timer.quantile_us(0.5).max(1)).collect::<Vec<_>>()
    };
    JUDGED.iter().filter_map(|name| drift(name, course(name), rule)).collect()
}

fn drift(name: &str, course_us: Vec<u64>, rule: &ToleranceRule) -> Option<Drift> {
    if course_us.len() < RUNS_MIN {
        return None;
    }
    let logs: Vec<f64> = course_us.iter().map(|us| (*us as f64).ln()).collect();
    let line = TrendLine::through(&logs);
    let steps = (logs.len() - 1) as f64;
    let change = (line.slope * steps).exp() - 1.0;
    let began_us = (line.middle - line.slope * steps / 2.0).exp();
    let allowed = rule.tolerance_of(name).max(micros(rule.floor) as f64 / began_us);
    let creeps = change > allowed && line.surely_rises(STRICT);
    Some(Drift { metric: name.to_owned(), course_us, per_run: line.slope.exp() - 1.0, change, allowed, creeps })
}

/// The line of least squares through values at 0, 1, 2, …
struct TrendLine {
    slope: f64,
    /// Its value in the middle.
    middle: f64,
    /// The standard error of the slope.
    error: f64,
    values: usize,
}

impl TrendLine {
    fn through(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let (centre, middle) = ((count - 1.0) / 2.0, values.iter().sum::<f64>() / count);
        let at = |index: usize| index as f64 - centre;
        let spread: f64 = (0..values.len()).map(|index| at(index).powi(2)).sum();
        let slope = values.iter().enumerate().map(|(index, value)| at(index) * (value - middle)).sum::<f64>() / spread;
        let off = |(index, value): (usize, &f64)| (value - middle - slope * at(index)).powi(2);
        let variance = values.iter().enumerate().map(off).sum::<f64>() / (count - 2.0);
        Self { slope, middle, error: (variance / spread).sqrt(), values: values.len() }
    }

    /// True if a level course gives such a slope with less than this probability (Student's t).
    fn surely_rises(&self, probability: f64) -> bool {
        let Ok(students) = StudentsT::new(0.0, 1.0, self.values as f64 - 2.0) else { return false };
        self.slope > self.error * students.inverse_cdf(1.0 - probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use statrs::distribution::Normal;

    /// The share of 300 seeds in which a course of `runs` runs is said to creep; each run's p50 is `growth` above the one
    /// before, and `noise` off, as a standard deviation of the logarithm.
    fn caught(runs: usize, growth: f64, noise: f64) -> f64 {
        let normal = Normal::new(0.0, 1.0).unwrap();
        let creeps = |seed: &u64| {
            let mut random = ChaCha8Rng::seed_from_u64(*seed);
            let mut off = || noise * normal.inverse_cdf(random.random_range(1e-12..1.0));
            let p50 = |run: usize| 40_000.0 * (1.0 + growth).powi(run as i32) * off().exp();
            let course = (0..runs).map(p50).map(|us| us as u64).collect();
            drift("time_to_open", course, &ToleranceRule::default()).unwrap().creeps
        };
        (0..300).filter(creeps).count() as f64 / 300.0
    }

    #[test]
    fn a_creep_of_two_percent_a_run_over_ten_runs_is_caught() {
        assert_eq!(caught(11, 0.02, 0.0), 1.0);
        assert!(caught(11, 0.02, 0.02) > 0.99, "{}", caught(11, 0.02, 0.02));
        assert!(caught(11, 0.02, 0.03) > 0.95, "{}", caught(11, 0.02, 0.03));
        assert!(caught(21, 0.02, 0.07) > 0.95, "{}", caught(21, 0.02, 0.07));
    }

    #[test]
    fn twenty_equal_runs_do_not_creep() {
        assert_eq!(caught(20, 0.0, 0.0), 0.0);
        assert!(caught(20, 0.0, 0.03) == 0.0, "{}", caught(20, 0.0, 0.03));
        // The spread of one server's p50 on a busy machine (docs/figures.md, "Does compare notice?").
        assert!(caught(20, 0.0, 0.07) < 0.02, "{}", caught(20, 0.0, 0.07));
        assert_eq!(caught(20, -0.02, 0.03), 0.0);
    }

    #[test]
    fn a_growth_within_what_is_allowed_is_none() {
        assert_eq!(caught(11, 0.009, 0.0), 0.0);
        assert_eq!(caught(11, 0.0097, 0.0), 1.0);
        let floor = drift("connect", (0..11).map(|run| 1_000 + 40 * run).collect(), &ToleranceRule::default()).unwrap();
        assert!(floor.change > 0.3 && !floor.creeps, "400 µs are below the floor: {floor:?}");
    }

    #[test]
    fn only_earlier_valid_runs_of_the_same_plan_and_machine_are_the_history() {
        let run = |day: u32, change: &dyn Fn(&mut Summary)| {
            let mut run = Summary::default();
            run.run.started_at = format!("2026-01-{day:02}T00:00:00.000Z");
            run.run.id = format!("m{day}");
            run.run.complete = true;
            change(&mut run);
            run
        };
        let all = vec![
            run(4, &|_| {}),
            run(2, &|_| {}),
            run(3, &|run| run.validity.verdict = Verdict::Suspect),
            run(5, &|run| run.run.plan_sha256 = "other".to_owned()),
            run(6, &|run| run.run.machine.cores = 9.0),
            run(7, &|run| run.run.interrupted = true),
            run(1, &|_| {}),
            run(8, &|_| {}),
            run(9, &|_| {}),
        ];
        let days = |count: usize, rule: &ToleranceRule| {
            let kept = history(all.clone(), &[run(8, &|_| {})], count, rule);
            kept.iter().map(|run| run.run.id.clone()).collect::<Vec<_>>()
        };
        let rule = ToleranceRule::default();
        assert_eq!(days(9, &rule), ["m1", "m2", "m4"]);
        assert_eq!(days(2, &rule), ["m2", "m4"]);
        assert_eq!(
            days(9, &ToleranceRule { force: true, across_machines: true, ..rule }),
            ["m1", "m2", "m4", "m5", "m6"]
        );
    }
}
