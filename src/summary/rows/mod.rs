//! The rows of a run: failures by cause, seconds in order, the slowest edges.

pub mod event_line;
pub mod outage;
pub mod trace;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All failures of one phase, reason and detail.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailureRow {
    pub phase: String,
    pub reason: String,
    pub detail: String,
    /// Edges that ended so; over all rows they add up to `counts.edges.failed`.
    pub count: u64,
    /// Peers that ended so, or lost their connection so after they had joined.
    #[serde(default)]
    pub peers: u64,
    pub example: String,
    /// What the diagnosis made of those that were traced, such as `62 % channel-isolation, 38 % unknown`.
    pub cause: Option<String>,
}

/// One second of the run, or several merged when it was long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesRow {
    /// Seconds from the start of the run to the start of the row.
    pub second: u64,
    /// How many seconds the row covers.
    pub seconds: u64,
    pub joined: u64,
    pub opened: u64,
    pub failed: u64,
    /// Signaling frames read.
    pub frames: u64,
    /// Messages received.
    pub messages: u64,
    /// Of the `time_to_open` (due) of the edges decided in it; absent when none was.
    pub time_to_open_p50_us: Option<u64>,
    pub time_to_open_p99_us: Option<u64>,
    /// The same samples, counted by the bands of `summary::heat`; bands above the slowest sample are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub time_to_open: Vec<u64>,
    /// CPU time of this process; this and what follows is absent where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_us: Option<u64>,
    /// Time that the worker which waited longest was runnable without a CPU, or throttled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_us: Option<u64>,
    /// How late a timer of ours fired, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_max_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_bytes: Option<u64>,
    /// Descriptors open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fds: Option<u64>,
}

/// An edge and where its time went; the phases add up to `began_us`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlowEdge {
    pub room: String,
    /// The two peers' indices in the plan.
    pub peers: [u32; 2],
    pub due_us: u64,
    pub began_us: u64,
    pub phases: PhaseTimes,
}

/// Absent phases did not exist: the engine `none` has no ice, dtls and channel.
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

/// Who had the opened edges' time: fractions of it that add up to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shares {
    /// Connect, join, discovery, and negotiation less our own work.
    pub target: f64,
    /// Ice, dtls, channel.
    pub peers: f64,
    /// Making offers and answers.
    pub own_work: f64,
}

/// How the mesh of one room ended, edge by edge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomMesh {
    pub room: String,
    /// The index in the plan of the peer at seat 0; the others follow.
    pub first_peer: u32,
    pub size: u16,
    /// One letter for each pair of seats, the higher seat by the higher seat: 1–0, 2–0, 2–1, 3–0 …
    /// `o` opened, `f` failed, `s` one-sided, `d` dropped, `u` unfinished.
    pub edges: String,
}
