//! Formats a percentile, and marks one with too few samples.

use crate::summary::{Distribution, distribution::samples_needed};
use crate::vocabulary::format::duration;

/// A percentile in brackets if it has too few samples to mean anything; `us` is its value in microseconds.
pub(super) fn percentile(distribution: &Distribution, percentile: f64, us: u64) -> String {
    let shown = duration(us);
    if distribution.count < samples_needed(percentile) { format!("[{shown}]") } else { shown }
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
