//! What was run, when, on which machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    pub name: String,
    pub id: String,
    pub seed: u64,
    /// RFC 3339, UTC, with milliseconds.
    pub started_at: String,
    pub duration_us: u64,
    /// Covers what makes two runs comparable, not target, headers, gates, name or seed.
    pub plan_sha256: String,
    pub dialect: String,
    pub engine: String,
    /// Without any secret.
    pub target: String,
    pub interrupted: bool,
    /// Whether no part of the run's data is missing.
    pub complete: bool,
    /// What ended the run before its plan did: a signal, a gate, the failure brake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
    /// The profile as run, in TOML, defaults and overrides included; `${TOKEN}` stays as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    pub machine: Machine,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    pub os: String,
    pub cpu: String,
    /// Cores granted by affinity and cgroup quota; a quota may grant part of one.
    pub cores: f64,
    pub cores_host: u32,
    pub memory_bytes: u64,
    pub nofile: u64,
    /// The container runtime, if one was recognised.
    pub container: Option<String>,
}

/// Which meshload wrote the summary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Build {
    pub version: String,
    pub git: String,
}

/// One phase of the run: warm-up, ramp, steady or drain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseSpan {
    pub name: String,
    /// RFC 3339, UTC, with milliseconds.
    pub started_at: String,
    pub ended_at: String,
}

/// How the run ended, as one word; the exit code says the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Passed,
    Failed,
    Invalid,
    Incomplete,
    Interrupted,
    Unreachable,
    #[default]
    Error,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Incomplete => "incomplete",
            Self::Interrupted => "interrupted",
            Self::Unreachable => "unreachable",
            Self::Error => "error",
        }
    }
}
