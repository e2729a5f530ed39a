//! Client connections to a signaling server: text frames in and out; a failed attempt is a `Failure` to count.

mod connector;
mod dial;
mod memory;
mod proxy;
mod signaling_connection;
mod stream;
mod target_policy;
mod tls;
mod transport;
mod userinfo;

pub use connector::{Connector, Refused};
pub use dial::{Endpoint, dial};
pub use memory::{MemoryCall, MemoryConnection, MemoryListener};
pub use proxy::Proxy;
pub use signaling_connection::SignalingConnection;
pub use target_policy::{TargetPolicy, is_private, resolve};
pub use tls::{ClientTls, TlsError, TlsSniff, Trust};
pub use transport::Transport;

use crate::vocabulary::{Failure, Phase, Reason};
use futures_util::{Sink, Stream as _};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use stream::Stream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// The text of one frame, cheap to copy.
pub type Frame = Utf8Bytes;

/// Longest message accepted from a server, in any number of fragments (docs/spec/faults.md 1), in bytes.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// Frames that may wait to be written; a server that reads none for so long counts as closed.
const OUTBOX_FRAMES_MAX: usize = 1_024;

/// An open connection to a signaling server.
pub struct Connection {
    stream: WebSocketStream<Stream>,
    outbox: VecDeque<String>,
    /// True while the stream may hold frames that are not on the wire yet.
    unflushed: bool,
}

impl Connection {
    fn new(stream: WebSocketStream<Stream>) -> Self {
        Self { stream, outbox: VecDeque::new(), unflushed: false }
    }

    /// Queues a text frame; `poll_flush` writes it.
    ///
    /// # Errors
    /// The queue is full, since the server has stopped reading.
    pub fn push(&mut self, text: String) -> Result<(), Failure> {
        if self.outbox.len() >= OUTBOX_FRAMES_MAX {
            return Err(Failure::new(Phase::Join, Reason::Closed, "the server stopped reading"));
        }
        self.outbox.push_back(text);
        Ok(())
    }

    /// True while frames wait to be written.
    pub fn is_waiting(&self) -> bool {
        self.unflushed || !self.outbox.is_empty()
    }

    /// Ready when all queued frames are on the wire.
    pub fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        while !self.outbox.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_ready(context)).map_err(failure)?;
            let Some(text) = self.outbox.pop_front() else { break };
            self.unflushed = true;
            Pin::new(&mut self.stream).start_send(Message::text(text)).map_err(failure)?;
        }
        ready!(Pin::new(&mut self.stream).poll_flush(context)).map_err(failure)?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    /// Reads the next text frame.
    ///
    /// # Errors
    /// The connection has ended; the failure says how.
    pub fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Utf8Bytes, Failure>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.stream).poll_next(context)) {
                Some(Ok(Message::Text(text))) => Ok(text),
                Some(Ok(Message::Close(Some(frame)))) => {
                    let code = u16::from(frame.code);
                    // 1000 and 1001 are normal ends; all others reject the client (RFC 6455 §7.4.1).
                    let reason = if code <= 1_001 { Reason::Closed } else { Reason::Rejected };
                    Err(Failure::new(Phase::Join, reason, format!("close {code}")))
                }
                Some(Ok(Message::Close(None))) | None => Err(Failure::new(Phase::Join, Reason::Closed, "")),
                Some(Ok(Message::Binary(_))) => {
                    Err(Failure::new(Phase::Join, Reason::Protocol, "a binary frame, where only text belongs"))
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => Err(failure(error)),
            });
        }
    }

    /// Sends a close frame, without waiting for the server's.
    pub fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        ready!(Pin::new(&mut self.stream).poll_close(context)).ok();
        Poll::Ready(())
    }
}

/// Read buffer in bytes: twice the longest frame of a handshake, an offer in its envelope.
const READ_BYTES: usize = 2 * 1024;

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        // Each of thousands of connections holds this buffer and zeroes it before every read; most reads bring 100 B.
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(16 * 1024)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
}

/// Converts an error of the WebSocket stack; the caller sets the phase.
fn failure(error: Error) -> Failure {
    let failure = |reason, detail: String| Failure::new(Phase::Connect, reason, detail);
    match error {
        Error::Io(error) => io_failure(&error),
        Error::Http(response) => failure(Reason::Rejected, format!("HTTP {}", response.status().as_u16())),
        Error::ConnectionClosed | Error::AlreadyClosed => failure(Reason::Closed, String::new()),
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            failure(Reason::Protocol, format!("a message over {} KiB", MESSAGE_BYTES_MAX / 1024))
        }
        Error::Utf8(_) => failure(Reason::Protocol, "invalid UTF-8".to_owned()),
        Error::AttackAttempt => failure(Reason::Protocol, "an HTTP answer without end".to_owned()),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete) => {
            failure(Reason::Closed, "end of stream".to_owned())
        }
        Error::Protocol(ProtocolError::HttparseError(error)) => failure(Reason::Protocol, format!("not HTTP: {error}")),
        Error::Protocol(error) => failure(Reason::Protocol, error.to_string()),
        other => failure(Reason::Protocol, other.to_string()),
    }
}

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
