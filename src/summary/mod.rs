//! The summary of a run: one versioned value from which every report is rendered.

pub mod control;
pub mod counts;
pub mod health;
mod latency;
pub mod metric;
pub mod repeats;
pub mod rows;
pub mod run;
mod schema;
pub mod verdict;
pub mod wall_time;

pub use crate::summary::control::Control;
pub use crate::summary::counts::{Counts, Edges, Messages, Peers, Rates, Rooms, Signaling, Traffic};
pub use crate::summary::health::{ArrivalClocks, Health, OfferedLoad, Punctuality, TargetProcess, TargetSecond};
pub use crate::summary::latency::coarse::CoarseHistogram;
pub use crate::summary::latency::curve::Point;
pub use crate::summary::latency::distribution::{Clock, Distribution, Timer};
pub use crate::summary::latency::histogram::Histogram;
pub use crate::summary::latency::sparse::{SparseHistogram, TimerSamples};
pub use crate::summary::metric::Readings;
pub use crate::summary::repeats::{PercentileRange, Repeats, Spread};
pub use crate::summary::rows::event_line::EventLine;
pub use crate::summary::rows::evidence::{
    AnnouncementCheck, ConnectionChange, DialectFacts, LeaveNotices, RoomGroups, RunEvidence, ServerLoss, SignalCheck,
    SocketChange, TimedSecond,
};
pub use crate::summary::rows::finding::{FindingConfidence, RunFinding, Severity};
pub use crate::summary::rows::fleet::FleetAgent;
pub use crate::summary::rows::outage::{Outage, OutageCause};
pub use crate::summary::rows::scenario::ScenarioFigures;
pub use crate::summary::rows::trace::{CauseRow, Events, Trace, TraceDiagnosis, TraceStep};
pub use crate::summary::rows::unmatched::UnmatchedRow;
pub use crate::summary::rows::{
    FailureRow, PhaseTimes, RoomMesh, RowTimer, SERIES_TIMERS, SeriesRow, Shares, SlowEdge,
};
pub use crate::summary::run::{Build, Machine, Outcome, PhaseSpan, Run, TargetRoute};
pub use crate::summary::verdict::{Doubt, GateResult, Unit, Validity, Verdict};

use crate::vocabulary::{format, inert_text::inert_json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

pub use crate::summary::latency::{curve, distribution, heat, histogram};
pub use crate::summary::rows::{event_line, outage, trace};
pub use crate::summary::schema::json_schema;

/// The version of summary.json. Within a version keys are added, never renamed.
pub const SCHEMA: u32 = 1;

/// The longest summary that is read, in bytes; one of a thousand rooms is below 1 MiB.
const BYTES_MAX: usize = 64 << 20;
const TIMERS_MAX: usize = 1_000;

/// The content of `summary.json`. Durations are integer microseconds (`_us`); rates are fractions from 0 to 1, and null
/// if they are shares of nothing; times are RFC 3339 UTC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    pub schema: u32,
    pub result: Outcome,
    pub exit_code: u8,
    pub meshload: Build,
    pub run: Run,
    /// The user's own words about the run (`[tags]`, `--tag`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    pub phases: Vec<PhaseSpan>,
    /// Counters without the warm-up, as everything that gates read.
    pub counts: Counts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_warmup: Option<Counts>,
    pub rates: Rates,
    /// Signaling frames delivered to peers, divided by those that concerned their receiver: 1 is perfect.
    pub amplification: Option<f64>,
    /// Signaling bytes written and read by peers, per opened edge.
    pub signaling_bytes_per_edge: Option<u64>,
    /// The figures of each kind of room, by its name; only with `[[scenarios]]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scenarios: BTreeMap<String, ScenarioFigures>,
    /// Timers by name (docs/spec/measurement.md, "Metrics"); a timer without samples is absent.
    pub timers: BTreeMap<String, Timer>,
    pub timers_warmup: BTreeMap<String, Timer>,
    /// The parties' shares of the opened edges' time; absent when no edge opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<Shares>,
    /// The mean of each phase over the opened edges; they add up to the mean of those edges' `time_to_open` (began),
    /// which the timers' means do not: `connect` has one sample per peer. Absent when no edge opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_edge: Option<PhaseTimes>,
    /// The generator's share of `mean_edge`, phase by phase: its own work, and what waited for this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_edge_own: Option<PhaseTimes>,
    pub failures: Vec<FailureRow>,
    /// Conclusions from the recorded events, worst first.
    #[serde(default)]
    pub findings: Vec<RunFinding>,
    /// Frames and values that the dialect could not use, the most frequent shape first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmatched: Vec<UnmatchedRow>,
    pub gates: Vec<GateResult>,
    pub validity: Validity,
    /// The load as it was offered; gates that hold rest on it.
    #[serde(default)]
    pub offered: OfferedLoad,
    pub health: Health,
    /// The target's processes on this machine; absent if they are elsewhere, another user's, or part of this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_process: Option<TargetProcess>,
    /// The machines of a run on several, by slot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fleet: Vec<FleetAgent>,
    /// Sentences about what of the plan was not measured; only where `run.complete` is false.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The course of the run, warm-up included; at most 1,000 rows.
    pub series: Vec<SeriesRow>,
    /// The 20 slowest edges that opened, the slowest first.
    pub slowest: Vec<SlowEdge>,
    /// Outages of the server that joined peers noticed, warm-up included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Outage>,
    /// The control run, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
    /// The rooms that lack most edges, worst first; complete rooms are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worst_rooms: Vec<RoomMesh>,
    /// The causes of failed edges; absent when no edge failed other than by this machine's limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<TraceDiagnosis>,
    /// The number of events in events.jsonl.gz and of those left out, with `--events`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Events>,
    /// Handshakes of traced edges, with `--traces N`: failed ones first, one of each cause before two of any, then the
    /// slowest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traces: Vec<Trace>,
}

/// The reason why a text is no summary that this version reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    TooLong,
    NotJson(String),
    Foreign(String),
    Version(u64),
    Timer { name: String, why: &'static str },
}

impl Summary {
    /// Reads a summary.json, which may be hostile: its histograms are checked too.
    ///
    /// # Errors
    /// The text is too long, is no summary, or has another version.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Version {
            schema: u64,
        }
        if text.len() > BYTES_MAX {
            return Err(Unreadable::TooLong);
        }
        // Its texts are foreign: another run's target said them, or whoever wrote the file.
        let text = inert_json(text);
        // The version is read first, so that a later version is reported as such and not as a syntax error.
        let version: Version = serde_json::from_str(&text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Unreadable::Foreign(error.to_string()),
            _ => Unreadable::NotJson(error.to_string()),
        })?;
        if version.schema != u64::from(SCHEMA) {
            return Err(Unreadable::Version(version.schema));
        }
        let summary: Self = serde_json::from_str(&text).map_err(|error| Unreadable::Foreign(error.to_string()))?;
        summary.check_timers()?;
        Ok(summary.bounded())
    }

    /// True if peers failed and no peer ever connected.
    pub fn never_connected(&self) -> bool {
        let connected = [&self.timers, &self.timers_warmup].into_iter().filter_map(|timers| timers.get("connect"));
        let failed = self.counts.peers.failed + self.counts_warmup.as_ref().map_or(0, |counts| counts.peers.failed);
        failed > 0 && connected.map(|timer| timer.began.count).sum::<u64>() == 0
    }

    /// The outcome for people, with the reason of an unreachable target and the number of findings that a pass has.
    pub fn result_in_words(&self) -> String {
        let name = self.result.name();
        match (self.result, self.findings_counted(None), self.failures.first()) {
            (Outcome::Unreachable, _, Some(FailureRow { reason, detail, .. })) if detail.is_empty() => {
                format!("{name}: {}", reason.replace('_', " "))
            }
            (Outcome::Unreachable, _, Some(FailureRow { reason, detail, .. })) => {
                format!("{name}: {} ({detail})", reason.replace('_', " "))
            }
            (Outcome::Passed, found @ 1.., _) => format!("{name}, with {}", format::plural(found, "finding")),
            _ => name.to_owned(),
        }
    }

    /// The number of findings, those of one severity or all, without those that only tell what was not tested.
    pub fn findings_counted(&self, severity: Option<Severity>) -> u64 {
        let is_counted = |finding: &&RunFinding| {
            !finding.is_about_coverage() && severity.is_none_or(|severity| finding.severity == severity)
        };
        self.findings.iter().filter(is_counted).count() as u64
    }

    /// The share of the peers that stayed until the end of the run and had no server then; 0 if none stayed.
    pub fn lost_share(&self) -> f64 {
        let peers = &self.counts.peers;
        if peers.stayed == 0 { 0.0 } else { peers.lost as f64 / peers.stayed as f64 }
    }

    /// The verdict for people: `nothing was measured` for a run in which no peer connected.
    pub fn validity_in_words(&self) -> &'static str {
        if self.measured_nothing() { "nothing was measured" } else { self.validity.verdict.name() }
    }

    /// True if no peer connected, and this machine was not the reason.
    pub fn measured_nothing(&self) -> bool {
        self.never_connected() && self.validity.verdict != Verdict::Invalid
    }

    /// The JSON of the file: indented, with a newline at the end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a summary holds nothing that JSON can't");
        text.push('\n');
        text
    }

    fn check_timers(&self) -> Result<(), Unreadable> {
        let of_control = self.control.iter().flat_map(|control| &control.timers);
        let of_scenarios = self.scenarios.values().flat_map(|figures| &figures.timers);
        let all = self.timers.iter().chain(&self.timers_warmup).chain(of_control).chain(of_scenarios);
        if all.clone().count() > TIMERS_MAX {
            return Err(Unreadable::Foreign("more timers than any run has".into()));
        }
        for (name, timer) in all {
            for distribution in [&timer.due, &timer.began].into_iter().chain(&timer.net) {
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
        let timer = Timer { due: distribution.clone(), began: distribution, net: None };
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
        let timers = BTreeMap::from([("join".into(), Timer { due: lying.clone(), began: lying, net: None })]);
        check_refusal(&Summary { timers, ..hostile }.to_json(), "timer \"join\": its histogram can't be read: not a");
    }
}
