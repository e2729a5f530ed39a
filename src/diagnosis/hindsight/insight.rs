//! The answer for one failed edge: its causes, and the evidence for them.

use super::super::cause::Cause;

/// Why one edge failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insight {
    /// All that fit what was seen, the likeliest first; `unknown` where nothing does.
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
