//! The rule of a comparison: tolerances, and the runs that may be compared.

use std::collections::BTreeMap;

/// The tolerances of a comparison, and its exceptions.
#[derive(Clone, Debug, PartialEq)]
pub struct ToleranceRule {
    /// The allowed change as a fraction: 0.1 lets a latency grow by a tenth.
    pub tolerance: f64,
    /// Tolerances of single metrics. A metric named here is judged even if by default it is only shown.
    pub overrides: BTreeMap<String, f64>,
    /// Compares runs of different plans too.
    pub force: bool,
    /// Judges runs of different machines too.
    pub across_machines: bool,
}

impl Default for ToleranceRule {
    fn default() -> Self {
        Self { tolerance: 0.1, overrides: BTreeMap::new(), force: false, across_machines: false }
    }
}
