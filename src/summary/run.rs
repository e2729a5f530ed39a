//! The description of a run: plan, target, machine, times and outcome.

use crate::vocabulary::format::{bytes, plural};
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
    /// The hash of the profile's work, which comparable runs share; target, headers, gates, name and seed are not in it.
    pub plan_sha256: String,
    pub dialect: String,
    pub engine: String,
    /// The target's URL, without any secret.
    pub target: String,
    /// The route to the target; absent for a direct connection with a checked certificate to the URL as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<TargetRoute>,
    pub interrupted: bool,
    /// True if no part of the run's data is missing.
    pub complete: bool,
    /// The reason why the run ended before its plan: a signal, a gate, the failure brake.
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
    /// CPU cores granted by affinity and cgroup quota; a quota may grant part of a core.
    pub cores: f64,
    pub cores_host: u32,
    pub memory_bytes: u64,
    pub nofile: u64,
    /// The container runtime, if one was recognised.
    pub container: Option<String>,
}

impl Machine {
    /// Everything about it but its operating system, in one line.
    pub fn in_words(&self) -> String {
        let container = self.container.as_ref().map_or(String::new(), |name| format!(", in {name}"));
        format!(
            "{}, {} of {} cores, {}, {}{container}",
            self.cpu,
            self.cores,
            self.cores_host,
            bytes(self.memory_bytes),
            plural(self.nofile, "descriptor"),
        )
    }
}

impl Run {
    /// The target and the route to it, for people.
    pub fn destination(&self) -> String {
        let way = self.way.iter().flat_map(TargetRoute::in_words);
        [self.target.clone()].into_iter().chain(way).collect::<Vec<_>>().join(", ")
    }

    /// The profile's `description`; empty if it has none.
    pub fn description(&self) -> String {
        let profile = self.profile.as_deref().and_then(|profile| profile.parse::<toml::Table>().ok());
        let description = profile.as_ref().and_then(|profile| profile.get("description")?.as_str());
        description.unwrap_or_default().to_owned()
    }
}

/// The deviations from a direct, verified connection to the target's own URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetRoute {
    /// `--insecure`: no certificate was checked.
    pub insecure: bool,
    /// The HTTP proxy, without its credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// The address dialled instead of the URL's host and port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_to: Option<String>,
    /// The URL that the dialect makes of the target's, for a client called `probe`; absent if it is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialled: Option<String>,
}

impl TargetRoute {
    /// One phrase for each deviation.
    pub fn in_words(&self) -> Vec<String> {
        let dialled = self.dialled.as_ref().map(|url| format!("dialled as {url}"));
        let insecure = self.insecure.then(|| "its certificate not checked (--insecure)".to_owned());
        let proxy = self.proxy.as_ref().map(|proxy| format!("through the proxy {proxy}"));
        let connect_to = self.connect_to.as_ref().map(|address| format!("at {address} (--connect-to)"));
        [dialled, connect_to, proxy, insecure].into_iter().flatten().collect()
    }
}

/// The version of meshload that wrote the summary.
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

/// The outcome of the run; the exit code corresponds to it.
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
