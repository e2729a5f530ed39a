//! Outages: times in which joined peers had lost the signaling server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An outage from the first loss until all peers rejoined; times in microseconds. Open channels stay open meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outage {
    /// The first loss, from the start of the run.
    pub began_us: u64,
    /// The time from the first loss to the last reconnect; absent if no peer reconnected, or if a peer was still without
    /// the server at the end.
    pub recovery_us: Option<u64>,
    /// Peers that lost their socket.
    pub lost: u64,
    /// Lost peers that joined again.
    pub back: u64,
    /// Lost peers that were there until the end of the run and still without the server.
    #[serde(default)]
    pub never: u64,
    /// Redials that failed.
    pub redials: u64,
    /// The causes of losses and failed redials, in order of their first occurrence.
    pub causes: Vec<OutageCause>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutageCause {
    pub reason: String,
    pub detail: String,
    pub count: u64,
    /// The first occurrence, from the start of the run.
    pub first_us: u64,
}
