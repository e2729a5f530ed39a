//! Failures as measurements: counted by phase, reason and detail, never propagated as errors.

use crate::vocabulary::phase::Phase;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

/// The share of a handshake's time in which what had arrived or was due waited for this machine; above it, a timeout is the
/// machine's own.
pub const OWN_TIMEOUT_SHARE: f64 = 0.1;

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

/// HTTP statuses of an overload, or of a fault that may be over soon (RFC 9110 §15, RFC 6585 §4, RFC 8470 §5.2).
const PASSING_STATUSES: [u16; 7] = [408, 425, 429, 500, 502, 503, 504];

/// Close codes of the same: an internal error, a restart, try again later, a bad gateway (IANA, WebSocket close codes).
const PASSING_CLOSE_CODES: RangeInclusive<u16> = 1_011..=1_014;

/// Reason codes of MQTT 5 of the same: server busy, server shutting down, message rate too high, quota exceeded, connection rate
/// exceeded (§4.13).
const PASSING_MQTT_CODES: [u16; 5] = [137, 139, 150, 151, 159];

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

    /// The code with which the server closed a WebSocket.
    pub fn close_code(&self) -> Option<u16> {
        self.number_after("close ")
    }

    /// True if the server says no for now, so that a client may come back. Applications close a WebSocket with 4000 and an
    /// HTTP status: 4429, 4503.
    pub fn may_pass(&self) -> bool {
        let is_passing = |status: &u16| PASSING_STATUSES.contains(status);
        let by_close = self.close_code().is_some_and(|code| {
            PASSING_CLOSE_CODES.contains(&code) || code.checked_sub(4_000).as_ref().is_some_and(is_passing)
        });
        let by_status = self.number_after("HTTP ").as_ref().is_some_and(is_passing);
        let mqtt = self.detail.strip_prefix("MQTT disconnect: ").and_then(|reason| reason.split_once('('));
        let mqtt = mqtt.and_then(|(_, code)| code.strip_suffix(')')?.parse().ok());
        by_close || by_status || mqtt.is_some_and(|code: u16| PASSING_MQTT_CODES.contains(&code))
    }

    fn number_after(&self, prefix: &str) -> Option<u16> {
        let rest = self.detail.strip_prefix(prefix)?;
        rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_says_not_now_may_be_asked_again() {
        let check = |detail: &str, expected: bool| {
            let failure = Failure::new(Phase::Join, Reason::Rejected, detail.to_owned());
            assert_eq!(failure.may_pass(), expected, "{detail}");
        };
        for later in ["close 1011", "close 1014", "close 4429", "close 4503: later", "HTTP 429 to a POST", "HTTP 503"] {
            check(later, true);
        }
        for never in ["close 1008", "close 1010", "close 1015", "close 4001", "close 4403: no", "HTTP 403 to a POST"] {
            check(never, false);
        }
        check("MQTT disconnect: server busy (137)", true);
        check("MQTT disconnect: not authorized (135)", false);
        check("MQTT connect refused: server busy (137)", false);
        check("429", false);
        check("", false);
    }
}
