//! Failures as measurements: counted by phase, reason and detail, never propagated as errors.

use crate::vocabulary::phase::Phase;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// The reason why an attempt failed (docs/spec/measurement.md, "Metrics").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    TimedOut,
    /// The TCP connection was refused.
    Refused,
    /// The server declined: an HTTP status, a join-rejected, a close code.
    Rejected,
    Closed,
    Protocol,
    Tls,
    Dns,
    IceFailed,
    DtlsFailed,
    ChannelFailed,
    /// This machine ran out of descriptors, ports or memory: not the target's fault.
    GeneratorLimit,
}

impl Reason {
    pub const ALL: [Self; 11] = [
        Self::TimedOut,
        Self::Refused,
        Self::Rejected,
        Self::Closed,
        Self::Protocol,
        Self::Tls,
        Self::Dns,
        Self::IceFailed,
        Self::DtlsFailed,
        Self::ChannelFailed,
        Self::GeneratorLimit,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Closed => "closed",
            Self::Protocol => "protocol",
            Self::Tls => "tls",
            Self::Dns => "dns",
            Self::IceFailed => "ice_failed",
            Self::DtlsFailed => "dtls_failed",
            Self::ChannelFailed => "channel_failed",
            Self::GeneratorLimit => "generator_limit",
        }
    }
}

/// One failed attempt. `detail` is short and groups well: `HTTP 429`, `close 4001`, `ECONNREFUSED`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Failure {
    pub phase: Phase,
    pub reason: Reason,
    pub detail: Cow<'static, str>,
}

impl Failure {
    pub fn new(phase: Phase, reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { phase, reason, detail: detail.into() }
    }

    pub fn timed_out(phase: Phase) -> Self {
        Self::new(phase, Reason::TimedOut, "")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.phase.name(), self.reason.name())?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}
