//! The result of a run, as data: one versioned value from which every report is rendered.

pub mod control;
pub mod counts;
pub mod health;
mod latency;
pub mod metric;
pub mod repeats;
pub mod rows;
pub mod run;
mod schema;
mod sums;
pub mod verdict;
pub mod wall_time;

use crate::summary::control::Control;
use crate::summary::counts::Counts;
use crate::summary::distribution::Timer;
use crate::summary::health::Health;
use crate::summary::outage::Outage;
use crate::summary::rows::{FailureRow, PhaseTimes, RoomMesh, SeriesRow, Shares, SlowEdge};
use crate::summary::run::{Build, Outcome, PhaseSpan, Run};
use crate::summary::trace::{Events, Trace, TraceDiagnosis};
use crate::summary::verdict::{GateResult, Validity, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

pub use crate::summary::latency::{curve, distribution, heat, histogram};
pub use crate::summary::rows::{event_line, outage, trace};
pub use crate::summary::schema::json_schema;

/// Keys are added within a version, never renamed.
pub const SCHEMA: u32 = 1;

/// A summary of a thousand rooms takes well under one; more is somebody else's file.
const BYTES_MAX: usize = 64 << 20;
const TIMERS_MAX: usize = 1_000;

/// `summary.json`. Durations are integer microseconds (`_us`), rates fractions from 0 to 1 and null where
/// there was nothing to take a share of, times RFC 3339 UTC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    pub schema: u32,
    pub result: Outcome,
    pub exit_code: u8,
    pub meshload: Build,
    pub run: Run,
    pub phases: Vec<PhaseSpan>,
    /// Without the warm-up, as everything that gates read.
    pub counts: Counts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_warmup: Option<Counts>,
    pub rates: Rates,
    /// Signaling frames delivered to peers for each that concerned its receiver: 1 is perfect.
    pub amplification: Option<f64>,
    /// Signaling bytes written and read by peers, for each edge that opened.
    pub signaling_bytes_per_edge: Option<u64>,
    /// By name (measurement.md, "Metrics"); one that measured nothing is absent.
    pub timers: BTreeMap<String, Timer>,
    pub timers_warmup: BTreeMap<String, Timer>,
    /// Absent when no edge opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<Shares>,
    /// The mean of each phase over the edges that opened; they add up to the mean of those edges' `time_to_open`
    /// (began). The timer `connect` has a sample a peer, so the phases' own means do not. Absent when no edge opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_edge: Option<PhaseTimes>,
    pub failures: Vec<FailureRow>,
    pub gates: Vec<GateResult>,
    pub validity: Validity,
    pub health: Health,
    /// At most 1,000 rows, warm-up included.
    pub series: Vec<SeriesRow>,
    /// The 20 slowest edges that opened, the slowest first.
    pub slowest: Vec<SlowEdge>,
    /// When peers that had joined lost their server, and how long until all were back; warm-up included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Outage>,
    /// What of it all is ours, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
    /// The rooms that lack most edges, the worst first; rooms that lack none are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worst_rooms: Vec<RoomMesh>,
    /// Absent when no edge failed by anything but this machine's limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<TraceDiagnosis>,
    /// `--events`: what is in events.jsonl.gz, and what is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Events>,
    /// `--traces N`: of the traced edges those that failed, one of each cause before two of any, then the slowest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traces: Vec<Trace>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rates {
    pub edges_failed: Option<f64>,
    pub peers_failed: Option<f64>,
    pub messages_lost: Option<f64>,
    pub mesh_complete: Option<f64>,
}

/// Why a text is no summary that this version reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    TooLong,
    NotJson(String),
    Foreign(String),
    Version(u64),
    Timer { name: String, why: &'static str },
}

impl Summary {
    /// Reads a summary.json, ours or a hostile one: its histograms are guarded before they are believed.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Version {
            schema: u64,
        }
        if text.len() > BYTES_MAX {
            return Err(Unreadable::TooLong);
        }
        // The version is read alone first, so that a later one is named, not called broken.
        let version: Version = serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Unreadable::Foreign(error.to_string()),
            _ => Unreadable::NotJson(error.to_string()),
        })?;
        if version.schema != u64::from(SCHEMA) {
            return Err(Unreadable::Version(version.schema));
        }
        let summary: Self = serde_json::from_str(text).map_err(|error| Unreadable::Foreign(error.to_string()))?;
        summary.check_timers()?;
        Ok(summary)
    }

    /// Peers failed, and not one ever had a connection.
    pub fn met_nobody(&self) -> bool {
        let connected = [&self.timers, &self.timers_warmup].into_iter().filter_map(|timers| timers.get("connect"));
        let failed = self.counts.peers.failed + self.counts_warmup.as_ref().map_or(0, |counts| counts.peers.failed);
        failed > 0 && connected.map(|timer| timer.began.count).sum::<u64>() == 0
    }

    /// The verdict as people read it: a run that met nobody has no figures to be anybody's.
    pub fn validity_in_words(&self) -> &'static str {
        if self.measured_nothing() { "nothing was measured" } else { self.validity.verdict.name() }
    }

    /// It met nobody, and this machine was not the reason.
    pub fn measured_nothing(&self) -> bool {
        self.met_nobody() && self.validity.verdict != Verdict::Invalid
    }

    /// As the file holds it: indented, with a newline at the end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a summary holds nothing that JSON can't");
        text.push('\n');
        text
    }

    fn check_timers(&self) -> Result<(), Unreadable> {
        let of_control = self.control.iter().flat_map(|control| &control.timers);
        if self.timers.len() + self.timers_warmup.len() + of_control.clone().count() > TIMERS_MAX {
            return Err(Unreadable::Foreign("more timers than any run has".into()));
        }
        for (name, timer) in self.timers.iter().chain(&self.timers_warmup).chain(of_control) {
            for distribution in [&timer.due, &timer.began] {
                distribution.histogram().map_err(|error| Unreadable::Timer { name: name.clone(), why: error.0 })?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "a summary of more than {} MiB", BYTES_MAX >> 20),
            Self::NotJson(error) => write!(f, "not JSON: {error}"),
            Self::Foreign(error) => write!(f, "not a summary of meshload: {error}"),
            Self::Version(found) => {
                write!(f, "a summary of schema version {found}; this meshload reads version {SCHEMA}")
            }
            Self::Timer { name, why } => write!(f, "timer {name:?}: its histogram can't be read: {why}"),
        }
    }
}

impl std::error::Error for Unreadable {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::distribution::Distribution;
    use crate::summary::histogram::Histogram;

    fn measured() -> Summary {
        let mut histogram = Histogram::default();
        histogram.record_us(41_200);
        let distribution = Distribution::of(&histogram);
        let timer = Timer { due: distribution.clone(), began: distribution };
        Summary { schema: SCHEMA, timers: BTreeMap::from([("time_to_open".into(), timer)]), ..Summary::default() }
    }

    fn check_refusal(text: &str, start: &str) {
        let error = Summary::read(text).unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    }

    #[test]
    fn a_summary_reads_back_as_it_was_written() {
        assert_eq!(Summary::read(&measured().to_json()), Ok(measured()));
    }

    #[test]
    fn what_jq_is_promised_is_there() {
        let json: serde_json::Value = serde_json::from_str(&measured().to_json()).unwrap();
        assert_eq!(json["timers"]["time_to_open"]["due"]["p"]["99"], 41_215);
        assert_eq!(json["timers"]["time_to_open"]["due"]["p"]["99.99"], 41_215);
    }

    #[test]
    fn a_key_of_a_later_meshload_is_no_error() {
        let text = measured().to_json().replacen('{', "{ \"novelty\": 1,", 1);
        assert_eq!(Summary::read(&text), Ok(measured()));
    }

    #[test]
    fn a_foreign_text_is_refused_with_the_reason() {
        check_refusal("", "not JSON");
        check_refusal(&"[".repeat(100_000), "not");
        check_refusal("{}", "not a summary of meshload: missing field `schema`");
        check_refusal("{\"schema\": 2}", "a summary of schema version 2; this meshload reads version 1");
        let hostile = Summary { timers: BTreeMap::new(), ..measured() };
        let lying = Distribution { count: 1, hdr: "AAAA".into(), ..Distribution::default() };
        let timers = BTreeMap::from([("join".into(), Timer { due: lying.clone(), began: lying })]);
        check_refusal(&Summary { timers, ..hostile }.to_json(), "timer \"join\": its histogram can't be read: not a");
    }
}
