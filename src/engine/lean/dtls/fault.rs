//! Failures of a handshake: the text for our log, and the alert for the other end (RFC 5246 §7.2).

use std::borrow::Cow;

/// Alert levels and the descriptions that are sent.
pub(super) const WARNING: u8 = 1;
pub(super) const FATAL: u8 = 2;
pub(super) const CLOSE_NOTIFY: u8 = 0;
pub(super) const NO_RENEGOTIATION: u8 = 100;

/// A failure of this end, with the alert that tells the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub alert: u8,
    pub detail: Cow<'static, str>,
}

impl Fault {
    fn new(alert: u8, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { alert, detail: detail.into() }
    }

    pub(super) fn unexpected(kind: u8) -> Self {
        Self::new(10, format!("unexpected handshake message of type {kind}"))
    }

    pub(super) fn nothing_in_common(detail: &'static str) -> Self {
        Self::new(40, detail)
    }

    pub(super) fn certificate(detail: &'static str) -> Self {
        Self::new(42, detail)
    }

    pub(super) fn illegal(detail: &'static str) -> Self {
        Self::new(47, detail)
    }

    pub(super) fn malformed(message: &'static str) -> Self {
        Self::new(50, format!("malformed {message}"))
    }

    pub(super) fn forged(detail: &'static str) -> Self {
        Self::new(51, detail)
    }

    pub(super) fn version() -> Self {
        Self::new(70, "the other end does not speak DTLS 1.2")
    }

    pub(super) fn internal(detail: &'static str) -> Self {
        Self::new(80, detail)
    }
}

/// Describes an alert of the other end.
pub(super) fn describe(alert: u8) -> String {
    let name = match alert {
        CLOSE_NOTIFY => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        40 => "handshake_failure: no cipher suite in common; is its certificate RSA?",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        _ => return format!("alert received: {alert}"),
    };
    format!("alert received: {name}")
}
