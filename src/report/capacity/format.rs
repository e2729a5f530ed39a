//! Formats figures and outcomes of a search for a table cell.

use crate::capacity::LimitedBy;
use crate::vocabulary::format::count;

pub(super) fn limited_by(limited_by: LimitedBy) -> &'static str {
    match limited_by {
        LimitedBy::Target => "the target: it broke a gate",
        LimitedBy::Generator => "this generator: the target may hold more",
        LimitedBy::Range => "the range of the search: the target may hold more",
    }
}

/// Three digits for a number that is not whole.
pub(super) fn load(load: f64) -> String {
    if load.fract() == 0.0 && load.abs() < 1e15 { count(load as u64) } else { number(Some(load)) }
}

pub(super) fn whole(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| count(value.round() as u64))
}

pub(super) fn number(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value.abs() >= 100.0 => count(value.round() as u64),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}
