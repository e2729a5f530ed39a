//! A time in which peers that had joined were without their server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// From the first loss until all were back; times in microseconds. Channels that were open live on meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outage {
    /// From the start of the run.
    pub began_us: u64,
    /// Until the last of those that came back was back; none, if nobody did or somebody was still lost at the end.
    pub recovery_us: Option<u64>,
    /// Peers that lost their socket.
    pub lost: u64,
    /// Of them, those that joined again.
    pub back: u64,
    /// Dials that came to nothing.
    pub redials: u64,
    /// Why sockets were lost and dials failed, in the order in which that first happened.
    pub causes: Vec<OutageCause>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutageCause {
    pub reason: String,
    pub detail: String,
    pub count: u64,
    /// From the start of the run.
    pub first_us: u64,
}
