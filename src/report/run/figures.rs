//! Percentiles as cells, those with too few samples in brackets.

use crate::report::document::StyledText;
use crate::summary::{Distribution, distribution::samples_needed};
use crate::vocabulary::format::duration;

/// A percentile in brackets if it has too few samples to mean anything; `us` is its value in microseconds.
pub(super) fn percentile(distribution: &Distribution, percentile: f64, us: u64) -> String {
    let shown = duration(us);
    if distribution.count < samples_needed(percentile) { format!("[{shown}]") } else { shown }
}

/// The median, the two percentiles of the tail, and the maximum.
pub(super) fn spread(distribution: &Distribution) -> [(&'static str, String); 4] {
    let p = &distribution.p;
    [
        ("p50", percentile(distribution, 50.0, p.p50)),
        ("p95", percentile(distribution, 95.0, p.p95)),
        ("p99", percentile(distribution, 99.0, p.p99)),
        ("max", duration(distribution.max_us)),
    ]
}

/// `spread` as cells of a table.
pub(super) fn cells(distribution: &Distribution) -> impl Iterator<Item = StyledText> {
    spread(distribution).into_iter().map(|(_, value)| value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_with_too_few_samples_is_in_brackets() {
        let of = |count| percentile(&Distribution { count, ..Distribution::default() }, 99.0, 5_000);
        assert_eq!((of(99).as_str(), of(100).as_str()), ("[5.00 ms]", "5.00 ms"));
    }
}
