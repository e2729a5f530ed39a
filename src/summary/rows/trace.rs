//! What was kept of single handshakes, and what a diagnosis makes of those that failed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The whole handshake of one edge, as its two peers saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    pub room: String,
    /// The two peers' indices in the plan.
    pub peers: [u32; 2],
    /// Why it failed; absent if it opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What fits, as in `diagnosis.causes`; absent if it opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// `time_to_open` (due); absent if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_us: Option<u64>,
    /// In the order of time.
    pub steps: Vec<TraceStep>,
}

/// One fact of a handshake; times count from its first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceStep {
    pub at_us: u64,
    /// `peer` with its number, or `server`.
    pub from: String,
    /// To whom a message was said; absent for what happened to a peer by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The message's type, or what happened.
    pub what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_us: Option<u64>,
    /// Of a message `heard`, `elsewhere` (on another channel), `never`, or `said` where nobody can tell;
    /// else `ok` or `failed`.
    pub outcome: String,
}

/// Why edges failed, by what the handshakes of a sample of them tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceDiagnosis {
    /// Failed edges that were traced, of the `counts.edges.failed` that there are.
    pub traced: u64,
    /// The most frequent first.
    pub causes: Vec<CauseRow>,
    /// The command that looks closer where a run can't tell, ready to be pasted; secrets are left out of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
}

/// Edges for which the same causes fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CauseRow {
    /// Names that `meshload explain` knows, the likeliest first; more than one where a run can't tell them apart.
    pub causes: Vec<String>,
    pub edges: u64,
    /// What speaks for it, from the first of those edges.
    pub evidence: String,
    pub remedy: String,
}

impl CauseRow {
    /// `timing or connection`.
    pub fn name(&self) -> String {
        self.causes.join(" or ")
    }
}

/// How many dated facts there were; those that are not in the file are its last ones, or went by too fast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Events {
    pub written: u64,
    /// Left out because the file had reached `--events-max`.
    pub cut: u64,
    /// Left out because the queue of the thread that writes was full.
    pub refused: u64,
}
