//! Repeated runs of one plan: the outcome of each run, and the spread of their percentiles.

use crate::summary::distribution::{Distribution, samples_needed};
use crate::summary::run::{Outcome, Run};
use crate::summary::verdict::{GateResult, Verdict};
use crate::summary::{SCHEMA, Summary};
use crate::vocabulary::format::duration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The content of `repeats.json`; each run's own summary is in its folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Repeats {
    pub schema: u32,
    pub result: Outcome,
    pub exit_code: u8,
    pub name: String,
    /// The first run, whose conditions the others share but for their seeds.
    #[serde(default)]
    pub run: Run,
    /// The user's own words about the runs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    pub runs: Vec<Repeat>,
    /// The best verdict of all runs; only runs with this verdict are judged and compared.
    pub judged: Verdict,
    /// Each gate's result in the median run.
    pub gates: Vec<GateResult>,
    /// The spread of each timer, on the clock due.
    pub timers: BTreeMap<String, Spread>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repeat {
    /// The run's folder, relative to the folder of all runs.
    pub folder: String,
    pub seed: u64,
    pub result: Outcome,
    pub verdict: Verdict,
}

/// A timer's percentiles over the runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// The samples of the run that has the fewest.
    #[serde(default)]
    pub samples: u64,
    pub p50: PercentileRange,
    pub p95: PercentileRange,
    pub p99: PercentileRange,
}

/// The range of one percentile over the runs, in microseconds. The median of an even number of runs is the greater of
/// the two in the middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PercentileRange {
    pub median_us: u64,
    pub min_us: u64,
    pub max_us: u64,
}

impl Repeats {
    /// The repeats of `runs`, each with its folder; gates are not judged yet.
    pub fn of(runs: &[(String, Summary)]) -> Self {
        let repeat = |(folder, summary): &(String, Summary)| Repeat {
            folder: folder.clone(),
            seed: summary.run.seed,
            result: summary.result,
            verdict: summary.validity.verdict,
        };
        let first = runs.first().map(|(_, summary)| (summary.run.clone(), summary.tags.clone()));
        let (run, tags) = first.unwrap_or_default();
        let (name, runs_told) = (run.name.clone(), runs.iter().map(repeat).collect());
        let mut repeats = Self { schema: SCHEMA, name, run, tags, runs: runs_told, ..Self::default() };
        repeats.judged = repeats.runs.iter().map(|run| run.verdict).min().unwrap_or(Verdict::Invalid);
        let judged = repeats.judged_of(runs);
        let names = judged.iter().flat_map(|summary| summary.timers.keys());
        let spread = |name: &String| {
            let timers: Vec<_> = judged.iter().filter_map(|summary| Some(&summary.timers.get(name)?.due)).collect();
            (name.clone(), Spread::of(&timers))
        };
        repeats.timers = names.map(spread).collect();
        repeats
    }

    /// The summaries of the judged runs.
    pub fn judged_of<'a>(&self, runs: &'a [(String, Summary)]) -> Vec<&'a Summary> {
        let summaries = runs.iter().map(|(_, summary)| summary);
        summaries.filter(|summary| summary.validity.verdict == self.judged).collect()
    }
}

impl Spread {
    fn of(runs: &[&Distribution]) -> Self {
        let range = |at: fn(&Distribution) -> u64| PercentileRange::of(runs.iter().map(|run| at(run)).collect());
        let samples = runs.iter().map(|run| run.count).min().unwrap_or(0);
        Self { samples, p50: range(|run| run.p.p50), p95: range(|run| run.p.p95), p99: range(|run| run.p.p99) }
    }

    /// The ranges, each with its percentile.
    pub fn percentiles(&self) -> [(f64, PercentileRange); 3] {
        [(50.0, self.p50), (95.0, self.p95), (99.0, self.p99)]
    }

    /// Those that every run has enough samples for.
    pub fn known(&self) -> impl Iterator<Item = (f64, PercentileRange)> + use<> {
        let samples = self.samples;
        self.percentiles().into_iter().filter(move |(at, _)| samples >= samples_needed(*at))
    }
}

impl PercentileRange {
    fn of(mut of_runs: Vec<u64>) -> Self {
        of_runs.sort_unstable();
        let at = |index: usize| of_runs.get(index).copied().unwrap_or(0);
        Self { median_us: at(of_runs.len() / 2), min_us: at(0), max_us: at(of_runs.len().saturating_sub(1)) }
    }

    /// `12.0 ms (10.0 ms to 13.0 ms)`
    pub fn in_words(&self) -> String {
        format!("{} ({} to {})", duration(self.median_us), duration(self.min_us), duration(self.max_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::distribution::Timer;
    use crate::summary::histogram::Histogram;
    use crate::summary::verdict::Validity;

    fn runs(of: &[(u64, Verdict)]) -> Vec<(String, Summary)> {
        let run = |(index, (us, verdict)): (usize, &(u64, Verdict))| {
            let mut histogram = Histogram::default();
            histogram.record_us(*us);
            let due = Distribution::of(&histogram);
            let timers = BTreeMap::from([("ice".to_owned(), Timer { began: due.clone(), due, net: None })]);
            let validity = Validity { verdict: *verdict, ..Validity::default() };
            ((index + 1).to_string(), Summary { timers, validity, ..Summary::default() })
        };
        of.iter().enumerate().map(run).collect()
    }

    fn check(of: &[(u64, Verdict)], judged: Verdict, median_min_max: [u64; 3]) {
        let repeats = Repeats::of(&runs(of));
        let PercentileRange { median_us, min_us, max_us } = repeats.timers["ice"].p50;
        assert_eq!((repeats.judged, [median_us, min_us, max_us]), (judged, median_min_max), "{of:?}");
    }

    #[test]
    fn only_valid_runs_are_compared_if_there_are_any() {
        use Verdict::*;
        check(&[(30, Valid), (900, Invalid), (10, Valid), (20, Valid)], Valid, [20, 10, 30]);
        check(&[(30, Suspect), (900, Invalid)], Suspect, [30; 3]);
        check(&[(900, Invalid), (800, Invalid)], Invalid, [900, 800, 900]);
    }
}
