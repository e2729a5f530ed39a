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
        _ => {
            let words = upgrade_status(&failure.detail).map(status_in_words);
            insight.evidence.extend(words.or_else(|| close_in_words(failure)).map(str::to_owned));
        }
    }
    Some(insight)
}

/// The cause that a peer's failure names by itself.
pub(in crate::diagnosis) fn of_failure(failure: &Failure) -> Option<Cause> {
    Some(match (failure.phase, failure.reason) {
        (_, Reason::GeneratorLimit) => Cause::Unknown,
        (_, Reason::Rejected) if failure.detail.contains("DUPLICATE") => Cause::NameTaken,
        (_, Reason::Rejected) if upgrade_status(&failure.detail).is_some_and(|status| status < 400) => {
            Cause::WrongDialect
        }
        (_, Reason::Rejected) if close_in_words(failure).is_some() => Cause::Closed,
        (_, Reason::Rejected) => Cause::Rejected,
        (Phase::Connect, _) => Cause::Unreachable,
        (_, Reason::Closed) => Cause::Closed,
        (_, Reason::Protocol | Reason::Tls) => Cause::Protocol,
        _ => return None,
    })
}

/// The HTTP status that answered an upgrade; `None` for any other failure, such as that of a request before it.
pub(in crate::diagnosis) fn upgrade_status(detail: &str) -> Option<u16> {
    detail.strip_prefix("HTTP ")?.parse().ok()
}

/// The meaning of a status instead of an upgrade, and where to look (RFC 9110 §15).
fn status_in_words(status: u16) -> &'static str {
    match status {
        ..300 => "An HTTP answer to an upgrade: there is no WebSocket at that path.",
        300..400 => {
            "A redirection: no browser follows one with a WebSocket, nor does meshload. Dial the address that it names."
        }
        400 => {
            "Bad request: the path is served, and takes this for no valid upgrade. Look at the query, the headers and the \
             subprotocol; Socket.IO says so of an unknown session or transport."
        }
        401 => {
            "The server wants credentials: --header 'Authorization: …', --tokens, or a login ([[before]] in the dialect)."
        }
        403 => "The server forbids it to this client: look at the Origin (--origin), the credentials and this address.",
        404 => {
            "Nothing is served at that path; many servers have one of their own, such as /ws, /peerjs or /socket.io/."
        }
        405 | 426 => {
            "The path is served, and the server saw no upgrade that it takes: a proxy that drops the headers Upgrade and \
             Connection, or another version or subprotocol."
        }
        407 => "A proxy on the way wants credentials.",
        429 => {
            "Too many requests or connections of this address or token: a limit that is set, which says nothing of the \
             server's capacity."
        }
        502 => {
            "A gateway answers; the server behind it gave it no valid answer: it is down, or the way to it takes no upgrade."
        }
        503 => {
            "The server, or a gateway before it, is overloaded, starts or stops, or has as many connections as it takes."
        }
        504 => "A gateway answers; the server behind it did not answer it in time.",
        _ if status < 500 => "The server answers, and takes the request for one that this client may not make.",
        _ => "The server answers, and failed at this request: its log says why.",
    }
}

/// The meaning of a close code that tells of an error, not of a refusal (RFC 6455 §7.4.1).
fn close_in_words(failure: &Failure) -> Option<&'static str> {
    Some(match failure.close_code()? {
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
