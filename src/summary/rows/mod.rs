//! Rows of a summary: failures, findings, seconds of the run, slowest edges, room meshes, outages and traces.

mod bounds;
pub mod event_line;
pub mod evidence;
pub mod finding;
pub mod fleet;
pub mod outage;
pub mod scenario;
pub mod trace;
pub mod unmatched;

use crate::summary::histogram::Histogram;
use crate::vocabulary::Phase;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All failures with one phase, reason and detail.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailureRow {
    pub phase: String,
    pub reason: String,
    pub detail: String,
    /// Failed edges; over all rows they add up to `counts.edges.failed`.
    pub count: u64,
    /// Peers that failed, or that lost their connection after they had joined.
    #[serde(default)]
    pub peers: u64,
    pub example: String,
    /// The indices of the example's peers in the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub example_peers: Vec<u32>,
    /// The ids of their traces at the server (W3C Trace Context); absent without `target.traceparent`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace_ids: Vec<String>,
    /// The diagnosed causes of the traced edges among them, such as `62 % channel-isolation, 38 % unknown`.
    pub cause: Option<String>,
}

impl FailureRow {
    /// The reason with its detail, and with a hint if it is a rate limit's.
    pub fn reason_in_words(&self) -> String {
        let detail = if self.detail.is_empty() { String::new() } else { format!(" ({})", self.detail) };
        let is_limit = ["HTTP 429", "HTTP 503"].iter().any(|limit| self.detail.contains(limit));
        format!("{}{detail}{}", self.reason, if is_limit { ", a rate limit?" } else { "" })
    }
}

/// One second of the run, or several merged when it was long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesRow {
    /// Seconds from the start of the run to the start of the row.
    pub second: u64,
    /// The seconds that the row covers.
    pub seconds: u64,
    pub joined: u64,
    pub opened: u64,
    pub failed: u64,
    /// Signaling frames read.
    pub frames: u64,
    /// Messages received.
    pub messages: u64,
    /// Percentiles of `time_to_open` (due) of the edges decided in the row; absent when none was.
    pub time_to_open_p50_us: Option<u64>,
    pub time_to_open_p99_us: Option<u64>,
    /// The same samples counted by the bands of `summary::heat`, up to the slowest sample's band.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub time_to_open: Vec<u64>,
    /// The row's samples of `SERIES_TIMERS`; a timer without one is absent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timers: BTreeMap<String, RowTimer>,
    /// CPU time of this process; this and the following fields are absent if they were not sampled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_us: Option<u64>,
    /// Time in which a worker was runnable without a CPU or throttled; of the worker that waited longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_us: Option<u64>,
    /// The longest delay of a timer of the generator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_max_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_bytes: Option<u64>,
    /// Open file descriptors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fds: Option<u64>,
}

/// The timers of a row, on the clock due.
pub const SERIES_TIMERS: [&str; 3] = ["time_to_open", "signal_delivery", "message_latency"];

/// The samples of a timer in one row, in microseconds; those of `signal_delivery` and `message_latency` are off by 1.6 % at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowTimer {
    pub count: u64,
    pub p50_us: u64,
    pub p95_us: u64,
    pub p99_us: u64,
    /// The histogram: HdrHistogram V2, deflated, in base64.
    pub hdr: String,
}

impl RowTimer {
    /// `None` without samples.
    pub fn of(histogram: &Histogram) -> Option<Self> {
        let at = |quantile| histogram.quantile_us(quantile);
        (!histogram.is_empty()).then(|| Self {
            count: histogram.count(),
            p50_us: at(0.5),
            p95_us: at(0.95),
            p99_us: at(0.99),
            hdr: histogram.encode(),
        })
    }
}

/// An edge and its time in each phase; the phases add up to `began_us`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlowEdge {
    pub room: String,
    /// The two peers' indices in the plan.
    pub peers: [u32; 2],
    pub due_us: u64,
    pub began_us: u64,
    pub phases: PhaseTimes,
    /// The ids of the two peers' traces at the server (W3C Trace Context); absent without `target.traceparent`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace_ids: Vec<String>,
}

/// The time in each phase, in microseconds; the engine `none` has no ice, dtls and channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseTimes {
    pub connect_us: u64,
    pub join_us: u64,
    pub discovery_us: u64,
    pub negotiation_us: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ice_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtls_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_us: Option<u64>,
}

impl PhaseTimes {
    /// The phases in their order, each with its time in microseconds; without those that the engine does not have.
    pub fn by_phase(&self) -> Vec<(Phase, u64)> {
        let all = [
            (Phase::Connect, Some(self.connect_us)),
            (Phase::Join, Some(self.join_us)),
            (Phase::Discovery, Some(self.discovery_us)),
            (Phase::Negotiation, Some(self.negotiation_us)),
            (Phase::Ice, self.ice_us),
            (Phase::Dtls, self.dtls_us),
            (Phase::Channel, self.channel_us),
        ];
        all.into_iter().filter_map(|(phase, us)| Some((phase, us?))).collect()
    }
}

/// Shares of the opened edges' time; fractions that add up to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shares {
    /// The target's: connect, join, discovery and negotiation, without what is ours.
    pub target: f64,
    /// The peers': ice, dtls and channel, without what is ours.
    pub peers: f64,
    /// Our own work: making offers and answers.
    pub own_work: f64,
    /// Frames and datagrams that waited for this process.
    #[serde(default)]
    pub own_wait: f64,
}

/// The outcome of every edge of one room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomMesh {
    pub room: String,
    /// The index in the plan of the peer at seat 0; those of the other seats follow.
    pub first_peer: u32,
    pub size: u16,
    /// One character per pair of seats, in the order 1–0, 2–0, 2–1, 3–0 …
    /// `o` opened, `f` failed, `s` one-sided, `d` dropped, `u` unfinished.
    pub edges: String,
}
