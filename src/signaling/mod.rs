//! Client connections to a signaling server: text frames in and out; a failed attempt is a `Failure` to count.

mod connections;
mod connector;
mod dial;
mod dial_log;
mod limits;
mod proxy;
mod stream;
mod target_policy;
mod tls;
mod transport;
mod userinfo;

pub use connections::{Frame, MemoryCall, MemoryConnection, MemoryListener, SignalingConnection};
pub use connector::{Connector, Refused};
pub use dial::{Endpoint, HttpReply, HttpSteps, OwnRequest, dial, get, open, post};
pub use dial_log::DialLog;
pub use limits::Limits;
pub use proxy::Proxy;
pub use target_policy::{TargetPolicy, is_private, resolve};
pub use tls::{ClientTls, TlsError, TlsSniff, Trust};
pub use transport::Transport;

use crate::vocabulary::{Failure, Phase, Reason};
use std::io;

/// Converts an error of the operating system; running out of descriptors or ports is `GeneratorLimit`.
fn io_failure(error: &io::Error) -> Failure {
    let (reason, detail) = match (error.kind(), error.raw_os_error()) {
        (_, Some(code)) if [ENFILE, EMFILE, ENOMEM, EADDRNOTAVAIL, ENOBUFS].contains(&code) => {
            (Reason::GeneratorLimit, errno_name(code))
        }
        (io::ErrorKind::ConnectionRefused, _) => (Reason::Refused, "ECONNREFUSED"),
        (io::ErrorKind::NetworkUnreachable, _) => (Reason::Refused, "ENETUNREACH"),
        (io::ErrorKind::HostUnreachable, _) => (Reason::Refused, "EHOSTUNREACH"),
        (io::ErrorKind::ConnectionReset, _) => (Reason::Closed, "ECONNRESET"),
        (io::ErrorKind::BrokenPipe, _) => (Reason::Closed, "EPIPE"),
        (io::ErrorKind::UnexpectedEof, _) => (Reason::Closed, "end of stream"),
        (io::ErrorKind::TimedOut, _) => (Reason::TimedOut, "ETIMEDOUT"),
        (io::ErrorKind::InvalidData, _) => {
            let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref());
            let words = of_tls.map_or_else(|| error.to_string(), tls::in_words);
            return Failure::new(Phase::Connect, Reason::Tls, words);
        }
        _ => return Failure::new(Phase::Connect, Reason::Closed, error.to_string()),
    };
    Failure::new(Phase::Connect, reason, detail)
}

const ENOMEM: i32 = 12;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const EADDRNOTAVAIL: i32 = 99;
const ENOBUFS: i32 = 105;

fn errno_name(code: i32) -> &'static str {
    match code {
        ENOMEM => "ENOMEM",
        ENFILE => "ENFILE",
        EMFILE => "EMFILE",
        EADDRNOTAVAIL => "EADDRNOTAVAIL",
        _ => "ENOBUFS",
    }
}
