//! The rule of a comparison: how much worse is too much, and what may be compared at all.

use std::collections::BTreeMap;

/// How much worse is too much.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// A fraction: 0.1 lets a latency grow by a tenth.
    pub tolerance: f64,
    /// By metric, instead of `tolerance`. A metric named here is judged even if by default it is only shown.
    pub overrides: BTreeMap<String, f64>,
    /// Compares runs of unlike plans all the same.
    pub force: bool,
    /// Judges runs of unlike machines all the same.
    pub across_machines: bool,
}

impl Default for Rule {
    fn default() -> Self {
        Self { tolerance: 0.1, overrides: BTreeMap::new(), force: false, across_machines: false }
    }
}
