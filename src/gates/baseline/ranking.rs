//! The changes of all figures, the worst first.

use crate::gates::baseline::change::{Change, Finding};
use crate::gates::baseline::rates::{rate, value};
use crate::gates::baseline::rule::ToleranceRule;
use crate::gates::baseline::timers::{JUDGED, timer};
use crate::summary::{Summary, metric::RATES, metric::VALUES};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The changes of every timer at every percentile, every rate and every value: judged ones first, the worst before all.
/// Values follow from the plan, and those of two plans are only shown.
pub(super) fn changes(base: &[&Summary], new: &[&Summary], rule: &ToleranceRule, same_plan: bool) -> Vec<Change> {
    let names: BTreeSet<&str> = base.iter().chain(new).flat_map(|run| run.timers.keys().map(String::as_str)).collect();
    let timers = names.into_iter().flat_map(|name| timer(base, new, name, rule));
    let rates = RATES.iter().filter_map(|name| rate(base, new, name, rule));
    let values = VALUES.iter().filter_map(|name| value(base, new, name, rule));
    let values = values.map(|change| Change { judged: change.judged && same_plan, ..change });
    let mut changes: Vec<Change> = rates.chain(values).chain(timers).collect();
    let place = |change: &Change| JUDGED.iter().position(|name| *name == change.metric).unwrap_or(JUDGED.len());
    changes.sort_by_cached_key(|change| match change.judged {
        // Tolerances exceeded many times over come first; a figure that is gone before all.
        true => (0, severity(change), Reverse((change.change.unwrap_or(f64::MAX).abs() / change.allowed * 1e3) as u64)),
        false => (1, place(change) as u8, Reverse(0)),
    });
    changes
}

fn severity(change: &Change) -> u8 {
    match change.finding {
        Finding::Gone => 0,
        Finding::Worse => 1,
        Finding::Unclear | Finding::TooFew if change.exceeds => 2,
        Finding::Unclear | Finding::TooFew => 3,
        Finding::Better => 4,
        Finding::Same | Finding::Novel => 5,
    }
}
