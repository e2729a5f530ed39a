//! Findings: sentences that a run or a probe concludes from what it recorded, each with its evidence.

use crate::vocabulary::format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One conclusion about the server, the dialect or the network between the peers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunFinding {
    /// The name for `meshload explain`; within a schema version ids are added, never renamed.
    pub id: String,
    pub severity: Severity,
    pub confidence: FindingConfidence,
    /// The conclusion in one sentence, with its figures.
    pub sentence: String,
    /// Whole sentences, strongest first.
    pub evidence: Vec<String>,
    pub remedy: String,
    /// The share of the peers, edges or frames concerned, from 0 to 1.
    pub share: f64,
}

/// The weight of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something does not work as the protocol needs it.
    Fault,
    /// Something to know before the figures are used.
    Hint,
}

/// The confidence in a finding: high if a count or an experiment rules out its rivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FindingConfidence {
    High,
    Low,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Hint => "hint",
        }
    }
}

impl FindingConfidence {
    pub fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
        }
    }
}

impl RunFinding {
    /// The finding in one line: id, severity, confidence, sentence, share and remedy. The caller escapes it.
    pub fn in_words(&self) -> String {
        let (severity, confidence) = (self.severity.name(), self.confidence.name());
        let share = format::percent(self.share.clamp(0.0, 1.0));
        let Self { id, sentence, remedy, .. } = self;
        format!("{id} ({severity}, confidence {confidence}, share {share}): {sentence} What to do: {remedy}")
    }

    /// True for `untested`, which tells what the run can't say: neither a gate nor the verdict counts it.
    pub fn is_about_coverage(&self) -> bool {
        self.id == "untested"
    }
}
