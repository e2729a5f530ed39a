//! `drift`: a timer rises through the steady phase at the same load.

use super::super::record::{RunRecord, fault};
use crate::summary::{FindingConfidence, RunFinding, TimedSecond};
use crate::vocabulary::format::{count, duration};
use jiff::Timestamp;

/// Fewer seconds in a third show no trend.
const SECONDS_MIN: usize = 3;
/// Fewer samples in a third show no trend.
const SAMPLES_MIN: u64 = 20;
/// A rise by this factor, and by this many microseconds.
const RISE: f64 = 1.5;
const RISE_US: f64 = 2_000.0;
/// The load counts as the same if its frames per second differ by no more than this share.
const LOAD_SHARE: f64 = 0.35;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let (from, until) = steady(record)?;
    let seconds: Vec<&TimedSecond> =
        record.evidence.seconds.iter().filter(|row| row.second >= from && row.second < until).collect();
    let third = seconds.len() / 3;
    if third < SECONDS_MIN {
        return None;
    }
    let thirds = [&seconds[..third], &seconds[third..2 * third], &seconds[seconds.len() - third..]];
    let frames = thirds.map(|rows| rows.iter().map(|row| row.frames).sum::<u64>() as f64);
    if (frames[2] - frames[0]).abs() > LOAD_SHARE * frames[0].max(frames[2]) {
        return None;
    }
    let lag = lag_rise_us(record, from, until);
    let found = (0..TimedSecond::TIMERS.len()).find_map(|timer| rise(&thirds, timer).map(|rise| (timer, rise)));
    let (timer, Rise { means, samples }) = found.filter(|(_, rise)| rise.means[2] - rise.means[0] > lag)?;
    let minutes = (until - from) as f64 * 2.0 / 3.0 / 60.0;
    let sentence = format!(
        "{} rose from {} in the first third of the steady phase to {} in the last, at the same load: {} more each minute.",
        TimedSecond::TIMERS[timer],
        duration(means[0] as u64),
        duration(means[2] as u64),
        duration(((means[2] - means[0]) / minutes) as u64)
    );
    // A generator that gets slower makes figures rise too.
    let is_valid = record.summary.validity.is_at_ease();
    let confidence = if is_valid { FindingConfidence::High } else { FindingConfidence::Low };
    let remedy =
        "Look for state of the server that grows with time or with peers that left: lists, handlers, timers, memory.";
    let share = (1.0 - means[0] / means[2]).clamp(0.0, 1.0);
    let mut found = fault("drift", confidence, sentence, remedy, share);
    found.evidence.push(format!(
        "Means of the thirds: {}, {}, {} over {} samples; {} and {} frames in the first and the last.",
        duration(means[0] as u64),
        duration(means[1] as u64),
        duration(means[2] as u64),
        count(samples),
        count(frames[0] as u64),
        count(frames[2] as u64)
    ));
    Some(found)
}

struct Rise {
    /// Mean of each third, in microseconds.
    means: [f64; 3],
    samples: u64,
}

fn rise(thirds: &[&[&TimedSecond]; 3], timer: usize) -> Option<Rise> {
    let samples = thirds.map(|rows| rows.iter().map(|row| row.timers[timer].0).sum::<u64>());
    let sums = thirds.map(|rows| rows.iter().map(|row| row.timers[timer].1).sum::<u64>());
    let means = [0, 1, 2].map(|third| sums[third] as f64 / samples[third].max(1) as f64);
    // One slow second is no trend: more than half of the last third lies above the first third's slowest second.
    let of_seconds = |third: usize| -> Vec<f64> {
        let rows = thirds[third].iter().map(|row| row.timers[timer]).filter(|(count, _)| *count > 0);
        rows.map(|(count, sum)| sum as f64 / count as f64).collect()
    };
    let slowest = of_seconds(0).into_iter().fold(0.0, f64::max);
    let last = of_seconds(2);
    let above = last.iter().filter(|mean| **mean > slowest).count();
    let rises = samples.iter().all(|samples| *samples >= SAMPLES_MIN)
        && means[0] <= means[1]
        && means[1] <= means[2]
        && means[2] >= RISE * means[0]
        && means[2] - means[0] >= RISE_US
        && above * 2 > last.len();
    rises.then(|| Rise { means, samples: samples.iter().sum() })
}

/// Seconds of the run between which the steady phase lies.
fn steady(record: &RunRecord<'_>) -> Option<(u64, u64)> {
    let span = record.summary.phases.iter().find(|span| span.name == "steady")?;
    let start: Timestamp = record.summary.run.started_at.parse().ok()?;
    let since = |at: &str| -> Option<u64> {
        let at: Timestamp = at.parse().ok()?;
        u64::try_from(at.as_millisecond() - start.as_millisecond()).ok()
    };
    Some((since(&span.started_at)?.div_ceil(1_000), since(&span.ended_at)? / 1_000))
}

/// The rise of the generator's own lag between the first and the last third of the steady phase, in microseconds.
fn lag_rise_us(record: &RunRecord<'_>, from: u64, until: u64) -> f64 {
    let rows = record.summary.series.iter().filter(|row| row.second >= from && row.second < until);
    let lags: Vec<u64> = rows.filter_map(|row| row.lag_max_us).collect();
    let third = lags.len() / 3;
    let mean = |rows: &[u64]| rows.iter().sum::<u64>() as f64 / rows.len().max(1) as f64;
    if third == 0 { 0.0 } else { mean(&lags[lags.len() - third..]) - mean(&lags[..third]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{PhaseSpan, Run, RunEvidence, Summary};

    fn check(of_second: fn(u64) -> (u64, u64), expected: Option<&str>) {
        let run = Run { started_at: "2026-02-03T04:05:00.000Z".into(), ..Run::default() };
        let steady = PhaseSpan {
            name: "steady".into(),
            started_at: "2026-02-03T04:05:10.000Z".into(),
            ended_at: "2026-02-03T04:06:10.000Z".into(),
        };
        let summary = Summary { run, phases: vec![steady], ..Summary::default() };
        let row = |second| {
            let (mean_us, frames) = of_second(second);
            TimedSecond { second, frames, timers: [(10, 10 * mean_us), (0, 0), (0, 0)] }
        };
        let evidence = RunEvidence { seconds: (0..80).map(row).collect(), ..RunEvidence::default() };
        let found = find(&RunRecord { summary: &summary, evidence: &evidence });
        assert_eq!(found.as_ref().map(|found| found.sentence.as_str()), expected);
    }

    #[test]
    fn a_timer_that_rises_at_the_same_load_drifts_and_one_that_follows_the_load_does_not() {
        check(|_| (1_000, 100), None);
        check(
            |second| (1_000 + 1_000 * second, 100),
            Some(
                "signal_delivery rose from 20.5 ms in the first third of the steady phase to 60.5 ms in the last, at the same \
                 load: 60.0 ms more each minute.",
            ),
        );
        check(|second| (1_000 + 1_000 * second, 100 + 10 * second), None);
        // One slow second, and a step that comes and goes.
        check(|second| if second == 60 { (500_000, 100) } else { (1_000, 100) }, None);
        check(|second| if (30..50).contains(&second) { (90_000, 100) } else { (1_000, 100) }, None);
    }
}
