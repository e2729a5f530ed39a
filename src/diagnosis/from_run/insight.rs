//! The diagnosis of one failed edge: its possible causes, and the evidence for them.

use super::super::cause::Cause;

/// The possible causes of one edge's failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insight {
    /// All causes that fit, the likeliest first; `unknown` if none does.
    pub causes: Vec<Cause>,
    pub evidence: String,
}

impl Insight {
    pub(super) fn new(causes: &[Cause], evidence: impl Into<String>) -> Self {
        Self { causes: causes.to_vec(), evidence: evidence.into() }
    }

    pub(super) fn unknown(evidence: impl Into<String>) -> Self {
        Self::new(&[Cause::Unknown], evidence)
    }
}
