//! The wording of a comparison, the same in every format.

use crate::gates::baseline::{Change, Comparison, ComparisonVerdict, Finding, Side};
use crate::report::html::sanitize;
use crate::summary::Unit;
use crate::vocabulary::format;

/// The verdict in a word, and its meaning in a sentence that names a NEW that failed by itself.
pub(super) fn verdict(comparison: &Comparison) -> (&'static str, String) {
    let (word, why) = of_verdict(comparison);
    let Some(failure) = comparison.new.failure.as_ref().filter(|_| comparison.new.runs > 0) else { return (word, why) };
    let how_many = if comparison.new.runs > 1 { format!(" in {} runs", comparison.new.failed) } else { String::new() };
    (word, format!("{why} NEW did not pass by itself{how_many}: {}.", sanitize(failure)))
}

fn of_verdict(comparison: &Comparison) -> (&'static str, String) {
    let worse = comparison.changes.iter().filter(|change| change.fails()).count();
    let within = format!("worse by more than {}", percent(comparison.tolerance));
    match comparison.verdict {
        ComparisonVerdict::Passed => ("Passed", format!("No figure is {within}.")),
        ComparisonVerdict::Undecided => ("Not decided", undecided(comparison, &within)),
        ComparisonVerdict::Regressed if worse == 1 => ("Regressed", format!("One figure is {within}.")),
        ComparisonVerdict::Regressed => ("Regressed", format!("{worse} figures are {within}.")),
        ComparisonVerdict::Invalid => {
            ("Invalid", format!("{} has no run whose figures are the target's.", invalid_side(comparison)))
        }
        ComparisonVerdict::Unlike => ("Not comparable", "The plans differ; --force compares all the same.".into()),
        ComparisonVerdict::OtherMachine => {
            ("Not judged", "The machines differ; --across-machines judges all the same.".into())
        }
    }
}

/// The undecided figures, and what would decide them.
fn undecided(comparison: &Comparison, within: &str) -> String {
    let open = || comparison.changes.iter().filter(|change| change.is_undecided());
    let mut why = format!("No figure is shown to be {within}");
    let count = open().count() as u64;
    why.push_str(&match open().find(|change| change.exceeds) {
        Some(grown) => format!(", but {} changed by {}, which may be chance.", name(grown), difference(grown)),
        None if count > 0 => format!(", and {} can't be told.", format::plural(count, "figure")),
        None => ".".to_owned(),
    });
    why.push_str(match comparison.lacks_repeats() {
        true => " Times take three runs a side: run --repeat 3.",
        false => " More repeats would tell, or a larger --tolerance.",
    });
    why
}

/// A tolerance, without digits that say nothing: `10 %`.
fn percent(fraction: f64) -> String {
    format!("{} %", format!("{:.2}", fraction * 100.0).trim_end_matches('0').trim_end_matches('.'))
}

fn invalid_side(comparison: &Comparison) -> &'static str {
    match (comparison.base.runs, comparison.new.runs) {
        (0, 0) => "Either side",
        (0, _) => "Base",
        _ => "New",
    }
}

/// `smoke, 3 runs (1 INVALID left out), 2026-…`
pub(super) fn side(side: &Side) -> String {
    let mut notes = vec![];
    let mut note = |count: u64, what: &str| {
        if count > 0 {
            notes.push(format!("{count} {what}"));
        }
    };
    note(side.invalid, "INVALID left out");
    note(side.suspect, "SUSPECT");
    note(side.partial, "not complete");
    note(side.failed, "not passed");
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    let runs = if side.runs == 1 { "1 run".to_owned() } else { format!("{} runs", side.runs) };
    let git = if side.git.is_empty() { String::new() } else { format!("meshload {}", sanitize(&side.git)) };
    let parts = [sanitize(&side.name), format!("{runs}{notes}"), sanitize(&side.started_at), git];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The finding as a mark that needs no colour, and as a word.
pub(super) fn finding(change: &Change) -> (&'static str, &'static str) {
    match change.finding {
        Finding::Worse => ("✗", "worse"),
        Finding::Gone => ("✗", "gone"),
        Finding::Better => ("✓", "better"),
        Finding::Same => ("=", "same"),
        Finding::Unclear => ("?", "unclear"),
        Finding::TooFew => ("?", "too few samples"),
        Finding::Novel => ("+", "new"),
    }
}

/// `time_to_open p95`
pub(super) fn name(change: &Change) -> String {
    format!("{} {}", sanitize(&change.metric), change.aggregation)
}

pub(super) fn amount(change: &Change, amount: Option<f64>) -> String {
    let Some(amount) = amount else { return "–".into() };
    match change.unit {
        Unit::Us => format::duration(amount.max(0.0) as u64),
        Unit::Ratio => format::percent(amount),
        Unit::Bytes => format::bytes(amount.max(0.0) as u64),
        Unit::Count => format::number(amount),
    }
}

/// `+12.3 %`, or percentage points for a rate.
pub(super) fn difference(change: &Change) -> String {
    change.change.map_or("–".into(), |fraction| signed(change, fraction))
}

/// The growth that is allowed: `+10.0 %`.
pub(super) fn allowed(change: &Change) -> String {
    signed(change, change.allowed)
}

/// `+8.1 % … +16.9 %`; an absent bound is an open end.
pub(super) fn bounds(change: &Change) -> String {
    match (change.low, change.high) {
        (None, None) => "–".into(),
        (Some(low), Some(high)) if (high - low).abs() < 1e-12 => "–".into(),
        (low, high) => {
            let bound = |bound: Option<f64>| bound.map_or("open".into(), |fraction| signed(change, fraction));
            format!("{} … {}", bound(low), bound(high))
        }
    }
}

fn signed(change: &Change, fraction: f64) -> String {
    if change.unit == Unit::Ratio { format!("{:+.2} pp", fraction * 100.0) } else { format::change(fraction) }
}
