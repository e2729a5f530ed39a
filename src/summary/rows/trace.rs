//! Traces of single handshakes, the diagnosis of the failed ones, and the size of the event log.

use crate::vocabulary::format::{count, plural};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The whole handshake of one edge, as its two peers observed it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    pub room: String,
    /// The two peers' indices in the plan.
    pub peers: [u32; 2],
    /// The failure; absent if the edge opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The diagnosed cause, as in `diagnosis.causes`; absent if the edge opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The edge's `time_to_open` (due); absent if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_us: Option<u64>,
    /// The ids of the two peers' traces at the server (W3C Trace Context); absent without `target.traceparent`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace_ids: Vec<String>,
    /// The steps in order of time.
    pub steps: Vec<TraceStep>,
}

/// One step of a handshake; times count from the first step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceStep {
    pub at_us: u64,
    /// The acting side: `peer` with its number, or `server`.
    pub from: String,
    /// The addressee of a message; absent for a step of one peer alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The message's type, or the event.
    pub what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_us: Option<u64>,
    /// For a message `heard`, `elsewhere` (on another channel), `never`, or `said` if its delivery is not known; else `ok`
    /// or `failed`.
    pub outcome: String,
}

impl TraceStep {
    /// The name of the server as a side of a step.
    pub const SERVER: &str = "server";
}

/// The causes of failed edges, diagnosed from traced handshakes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceDiagnosis {
    /// Traced edges among the `counts.edges.failed`.
    pub traced: u64,
    /// Causes, the most frequent first.
    pub causes: Vec<CauseRow>,
    /// The command line of a probe that can tell causes apart which a run can't; without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
}

/// The edges with the same possible causes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CauseRow {
    /// Names for `meshload explain`, the likeliest first; more than one if a run can't tell them apart.
    pub causes: Vec<String>,
    pub edges: u64,
    /// The evidence, from the first of those edges.
    pub evidence: String,
    pub remedy: String,
}

impl CauseRow {
    /// The names for a sentence: `timing or connection`.
    pub fn name(&self) -> String {
        self.causes.join(" or ")
    }
}

/// Events in the log and events left out of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Events {
    pub written: u64,
    /// Events left out because the file had reached `--events-max`.
    pub cut: u64,
    /// Events left out because the writer thread's queue was full.
    pub refused: u64,
}

impl TraceDiagnosis {
    /// Each cause with its share of the traced edges, its evidence and its remedy.
    pub fn causes_in_words(&self) -> impl Iterator<Item = String> {
        self.causes
            .iter()
            .map(|row| format!("{}: {}. {} What to do: {}", row.name(), self.share_of(row), row.evidence, row.remedy))
    }

    /// `30 of 30 traced edges`
    pub fn share_of(&self, row: &CauseRow) -> String {
        format!("{} of {}", count(row.edges), plural(self.traced, "traced edge"))
    }

    /// The probe that can tell more.
    pub fn closer(&self) -> impl Iterator<Item = String> {
        self.probe.iter().map(|probe| format!("to look closer: {probe}"))
    }
}
