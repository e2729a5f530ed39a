//! `two-populations`: the time to open has two humps, and a percentile between them tells nothing.

use super::super::record::{RunRecord, hint};
use crate::summary::{FindingConfidence, RunFinding};
use crate::vocabulary::format::{duration, percent};

/// Fewer opened edges show no shape.
const EDGES_MIN: u64 = 50;
/// Percentiles that are compared, in steps of 1 %.
const SHARES: std::ops::RangeInclusive<u32> = 10..=90;
/// Percentiles so far apart differ by at least `WIDE` where two populations meet; a single one grows more slowly.
const WINDOW: u32 = 20;
const WIDE: f64 = 5.0;
/// The slow median is so many times the fast one, and so many microseconds above it.
const FACTOR: u64 = 20;
const APART_US: u64 = 250_000;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let histogram = record.summary.timers.get("time_to_open")?.began.histogram().ok()?;
    let opened = histogram.count().checked_sub(record.summary.counts.edges.timed_out)?;
    if opened < EDGES_MIN {
        return None;
    }
    // What timed out lies above all others, at the timeout's value.
    let at = |share: f64| histogram.quantile_us(share * opened as f64 / histogram.count() as f64);
    let border = border(&at)?;
    let (fast, slow) = (at(border / 2.0), at(border + (1.0 - border) / 2.0));
    if slow < fast.saturating_mul(FACTOR) || slow - fast < APART_US {
        return None;
    }
    let (slow_from, slow_until) = (at((border + 0.01).min(1.0)), at(0.99));
    // A peer that waits for a frame which comes every S waits up to S.
    let fits = |us: u64| slow_until <= us * 11 / 10 && slow_until * 10 >= us * 6;
    let period = record.evidence.dialect.repeats.iter().find(|(_, us)| fits(*us));
    let period = period.map_or("nothing in the dialect has that period".to_owned(), |(kind, us)| {
        format!("the dialect repeats {kind} every {}", duration(*us))
    });
    let sentence = format!(
        "The edges are two populations: {} open within {} (median {}), the others between {} and {} (median {}); {period}.",
        percent(border),
        duration(at(border)),
        duration(fast),
        duration(slow_from),
        duration(slow_until),
        duration(slow)
    );
    let remedy =
        "Look at what the slow ones wait for: a repeated announcement, a list, a retry; --traces N shows the gap.";
    Some(hint("two-populations", FindingConfidence::High, sentence, remedy, 1.0 - border))
}

/// The share of the edges before the gap between the two populations. The second may begin where the first ends, such as
/// what waits for the next tick of a clock: the place is found by the growth over a wide range of percentiles.
fn border(at: &impl Fn(f64) -> u64) -> Option<f64> {
    let growth = |from: u32, over: u32| {
        let [low, high] = [from, from + over].map(|percent| at(f64::from(percent) / 100.0));
        high as f64 / low.max(1) as f64
    };
    let widest = |from: std::ops::RangeInclusive<u32>, over: u32| {
        from.map(|percent| (growth(percent, over), percent)).max_by(|one, other| one.0.total_cmp(&other.0))
    };
    let (ratio, from) = widest(*SHARES.start()..=SHARES.end() - WINDOW, WINDOW)?;
    let (_, percent) = widest(from..=from + WINDOW - 2, 2)?;
    (ratio >= WIDE).then_some(f64::from(percent) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{DialectFacts, Distribution, Histogram, RunEvidence, Summary, Timer};

    fn found(sample_ms: impl Fn(u64) -> u64) -> Option<RunFinding> {
        let mut histogram = Histogram::default();
        (0..400).for_each(|n| histogram.record_us(1_000 * sample_ms(n)));
        let began = Distribution::of(&histogram);
        let timers = [("time_to_open".to_owned(), Timer { due: began.clone(), began, net: None })].into();
        let dialect = DialectFacts { repeats: vec![("join".into(), 5_000_000)], ..DialectFacts::default() };
        let summary = Summary { timers, ..Summary::default() };
        find(&RunRecord { summary: &summary, evidence: &RunEvidence { dialect, ..RunEvidence::default() } })
    }

    #[test]
    fn half_at_once_and_half_by_the_next_repetition_are_two_populations() {
        let found = found(|n| if n % 2 == 0 { 8 + n % 7 } else { 20 + n * 12 }).unwrap();
        assert!(found.sentence.contains("the dialect repeats join every 5.00 s"), "{}", found.sentence);
        assert!((0.4..0.6).contains(&found.share), "{found:?}");
    }

    #[test]
    fn the_slow_ones_may_begin_where_the_fast_ones_end() {
        let found = found(|n| if n % 2 == 0 { 5 + n % 90 } else { 60 + n * 12 }).unwrap();
        assert!((0.4..0.6).contains(&found.share), "{found:?}");
    }

    #[test]
    fn a_long_tail_and_a_wide_hump_are_one_population() {
        assert_eq!(found(|n| 8 + n % 30), None);
        assert_eq!(found(|n| if n % 20 == 0 { 3_000 } else { 10 }), None, "a twentieth is a tail");
        assert_eq!(found(|n| 10 + n * 12), None);
        // An exponential one, such as a queue's.
        assert_eq!(found(|n| (-1_000.0 * ((n as f64 + 0.5) / 400.0).ln()) as u64), None);
        assert_eq!(found(|n| if n % 2 == 0 { 2 } else { 60 }), None, "58 ms apart");
    }
}
