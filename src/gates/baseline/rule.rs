//! The rule of a comparison: tolerances, floors, and the runs that may be compared.

use std::collections::BTreeMap;
use std::time::Duration;

/// The tolerances of a comparison, and its exceptions.
#[derive(Clone, Debug, PartialEq)]
pub struct ToleranceRule {
    /// The allowed change as a fraction: 0.1 lets a latency grow by a tenth.
    pub tolerance: f64,
    /// The growth of a time that is none. By default the precision of a delivery (docs/spec/measurement.md), 500 µs.
    pub floor: Duration,
    /// The growth of a rate that is none, as a fraction: one percentage point by default.
    pub floor_rate: f64,
    /// Tolerances of single metrics. A metric named here is judged even if by default it is only shown.
    pub overrides: BTreeMap<String, f64>,
    /// Compares runs of different plans too.
    pub force: bool,
    /// Judges runs of different machines too.
    pub across_machines: bool,
}

impl Default for ToleranceRule {
    fn default() -> Self {
        Self {
            tolerance: 0.1,
            floor: Duration::from_micros(500),
            floor_rate: 0.01,
            overrides: BTreeMap::new(),
            force: false,
            across_machines: false,
        }
    }
}

impl ToleranceRule {
    pub(super) fn tolerance_of(&self, metric: &str) -> f64 {
        self.overrides.get(metric).copied().unwrap_or(self.tolerance)
    }
}
