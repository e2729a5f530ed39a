//! The changes of rates, by an exact test, and of values that a run has one of.

use crate::gates::baseline::change::{Change, Finding, REPEATS_MIN, classify};
use crate::gates::baseline::interval::{
    Interval, SHOWN, STRICT, TrialShare, chance_of_growth, mean_difference, share_difference,
};
use crate::gates::baseline::rule::ToleranceRule;
use crate::summary::{Readings, Summary, Unit};

pub(super) fn rate(base: &[&Summary], new: &[&Summary], name: &str, rule: &ToleranceRule) -> Option<Change> {
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
    let mut bounds = share_difference(was.share, is.share, SHOWN);
    let mut worse = chance_of_growth(was.share, is.share) < SHOWN;
    if before.len() >= REPEATS_MIN && after.len() >= REPEATS_MIN {
        let shares = |losses: &[(f64, u64, u64)]| losses.iter().map(|(share, ..)| *share).collect::<Vec<_>>();
        if let Some(between_runs) = mean_difference(&shares(&before), &shares(&after), SHOWN) {
            bounds = bounds.union(between_runs);
            worse &= between_runs.is_above_zero();
        }
    }
    let tolerance = rule.tolerance_of(name);
    let allowed = (tolerance * was.share.share).max(rule.floor_rate);
    let change = is.share.share - was.share.share;
    // Of a share as small as the floor, that many trials show one on average: none at all is no growth.
    let none_lost = is.share.share == 0.0 && is.share.independent as f64 * rule.floor_rate >= 1.0;
    let finding = match classify(change, worse, bounds, allowed) {
        Finding::Unclear if none_lost => Finding::Same,
        finding => finding,
    };
    let seen = |share: f64| Some(if inverted { 1.0 - share } else { share });
    let sign = if inverted { -1.0 } else { 1.0 };
    let (low, high) = (bounds.low.map(|low| low * sign), bounds.high.map(|high| high * sign));
    let (low, high) = if inverted { (high, low) } else { (low, high) };
    Some(Change {
        metric: name.to_owned(),
        aggregation: "rate".into(),
        unit: Unit::Ratio,
        base: seen(was.share.share),
        new: seen(is.share.share),
        // The addition turns a negative zero into zero.
        change: Some(change * sign + 0.0),
        low,
        high,
        samples: [was.of, is.of],
        tolerance,
        allowed,
        exceeds: change > allowed,
        judged: true,
        finding,
    })
}

/// The losses of all runs of a side.
struct Pooled {
    share: TrialShare,
    of: u64,
}

impl Pooled {
    fn of(losses: &[(f64, u64, u64)]) -> Option<Self> {
        let of = losses.iter().map(|(_, of, _)| *of).fold(0, u64::saturating_add);
        let lost = losses.iter().map(|(share, of, _)| share * *of as f64).sum::<f64>();
        let independent = losses.iter().map(|(_, _, independent)| *independent).fold(0, u64::saturating_add);
        (of > 0).then(|| Self { share: TrialShare { share: lost / of as f64, independent }, of })
    }
}

pub(super) fn value(base: &[&Summary], new: &[&Summary], name: &str, rule: &ToleranceRule) -> Option<Change> {
    let values = |runs: &[&Summary]| runs.iter().filter_map(|run| run.value(name)).collect::<Vec<_>>();
    let (before, after) = (values(base), values(new));
    let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let (was, is) = (mean(&before), mean(&after));
    was.or(is)?;
    let change = was.filter(|was| *was > 0.0).zip(is).map(|(was, is)| is / was - 1.0);
    let bounds = |tail: f64| {
        let repeated = before.len() >= REPEATS_MIN && after.len() >= REPEATS_MIN;
        let between_runs = repeated.then(|| mean_difference(&before, &after, tail)).flatten();
        // Without a spread, the values are taken as exact: a plan determines them but for a hundredth.
        let exact = Interval { low: change, high: change };
        between_runs.map_or(exact, |bounds| bounds.map(|bound| bound / was.unwrap_or(1.0)))
    };
    let tolerance = rule.tolerance_of(name);
    let finding = match (was, is, change) {
        (Some(_), None, _) => Finding::Gone,
        (None, ..) => Finding::Novel,
        (.., None) => Finding::Same,
        (.., Some(change)) => classify(change, bounds(STRICT).is_above_zero(), bounds(SHOWN), tolerance),
    };
    Some(Change {
        metric: name.to_owned(),
        aggregation: "value".into(),
        unit: if name.contains("bytes") { Unit::Bytes } else { Unit::Count },
        base: was,
        new: is,
        change,
        low: bounds(SHOWN).low,
        high: bounds(SHOWN).high,
        samples: [before.len() as u64, after.len() as u64],
        tolerance,
        allowed: tolerance,
        exceeds: change.is_some_and(|change| change > tolerance),
        judged: true,
        finding,
    })
}
