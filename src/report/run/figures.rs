//! Percentiles as cells, those with too few samples in brackets.

use crate::report::document::TableOf;
use crate::summary::{Distribution, distribution::samples_needed};
use crate::vocabulary::format::duration;

/// A percentile that the distribution keeps, in brackets if it has too few samples to mean anything.
pub(super) fn percentile(distribution: &Distribution, wanted: f64) -> String {
    let us = distribution.percentiles().into_iter().find(|(at, _)| *at == wanted).map_or(0, |(_, us)| us);
    bracketed(duration(us), distribution.count, wanted)
}

/// The text of a percentile, in brackets if it has too few samples to mean anything.
pub(in crate::report) fn bracketed(shown: String, samples: u64, percentile: f64) -> String {
    if samples < samples_needed(percentile) { format!("[{shown}]") } else { shown }
}

type SpreadFigure = fn(&Distribution) -> String;

/// The median, the two percentiles of the tail, and the maximum.
pub(super) const SPREAD: [(&str, SpreadFigure); 4] = [
    ("p50", |of| percentile(of, 50.0)),
    ("p95", |of| percentile(of, 95.0)),
    ("p99", |of| percentile(of, 99.0)),
    ("max", |of| duration(of.max_us)),
];

/// Appends the columns of `SPREAD`.
pub(super) fn with_spread<T>(table: TableOf<T>, of: impl Fn(&T) -> &Distribution) -> TableOf<T> {
    SPREAD.into_iter().fold(table, |table, (head, figure)| table.figures(head, |row| figure(of(row))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::distribution::Percentiles;

    #[test]
    fn a_percentile_with_too_few_samples_is_in_brackets() {
        let p = Percentiles { p99: 5_000, ..Percentiles::default() };
        let of = |count| percentile(&Distribution { count, p, ..Distribution::default() }, 99.0);
        assert_eq!((of(99).as_str(), of(100).as_str()), ("[5.00 ms]", "5.00 ms"));
    }
}
