//! Failures that name their cause by themselves.

use super::super::cause::{Cause, Confidence, Insight};
use crate::vocabulary::{Failure, Phase, Reason};

/// The insight that a failure gives without a trace; `None` if it takes one.
pub(in crate::diagnosis) fn judge(failure: &Failure) -> Option<Insight> {
    let cause = of_failure(failure)?;
    let detail = if failure.detail.is_empty() { String::new() } else { format!(": {}", failure.detail) };
    let mut insight = Insight::high(
        cause,
        format!("A peer failed in phase {} ({}{detail}).", failure.phase.name(), failure.reason.name()),
    );
    match cause {
        Cause::Unknown => insight.confidence = Confidence::Low,
        Cause::WrongDialect => {
            insight = insight.and("An HTTP answer to an upgrade: there is no WebSocket at that path.");
        }
        _ => insight.evidence.extend(close_in_words(&failure.detail).map(str::to_owned)),
    }
    Some(insight)
}

/// The cause that a peer's failure names by itself.
pub(in crate::diagnosis) fn of_failure(failure: &Failure) -> Option<Cause> {
    Some(match (failure.phase, failure.reason) {
        (_, Reason::GeneratorLimit) => Cause::Unknown,
        (_, Reason::Rejected) if failure.detail.contains("DUPLICATE") => Cause::NameTaken,
        (_, Reason::Rejected) if ["HTTP 2", "HTTP 3"].iter().any(|class| failure.detail.starts_with(class)) => {
            Cause::WrongDialect
        }
        (_, Reason::Rejected) if close_in_words(&failure.detail).is_some() => Cause::Closed,
        (_, Reason::Rejected) => Cause::Rejected,
        (Phase::Connect, _) => Cause::Unreachable,
        (_, Reason::Closed) => Cause::Closed,
        (_, Reason::Protocol | Reason::Tls) => Cause::Protocol,
        _ => return None,
    })
}

/// The meaning of a close code that tells of an error, not of a refusal (RFC 6455 §7.4.1).
fn close_in_words(detail: &str) -> Option<&'static str> {
    let code = detail.strip_prefix("close ")?.split(|letter: char| !letter.is_ascii_digit()).next()?;
    Some(match code.parse().ok()? {
        1_002 => "Close code 1002: the server saw a breach of the WebSocket protocol.",
        1_003 => "Close code 1003: the server takes no frames of this kind, such as text.",
        1_007 => "Close code 1007: the server could not read a frame's content.",
        1_009 => "Close code 1009: a frame was larger than the server takes.",
        1_011 => "Close code 1011: the server met an error of its own.",
        1_012 => "Close code 1012: the server restarts.",
        1_013 => "Close code 1013: the server is overloaded, and asks to be tried later.",
        1_014 => "Close code 1014: a gateway had an invalid answer from the server behind it.",
        _ => return None,
    })
}
