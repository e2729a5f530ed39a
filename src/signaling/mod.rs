//! The client's side of a signaling socket: text frames in and out, and failures as measurements.

mod dial;
mod line;
mod no_proxy;
mod proxy;
mod reach;
mod route;
mod stream;
mod tls;
mod tongue;
mod tunnel;
mod userinfo;
mod way;
mod wire;

pub use dial::{Endpoint, dial};
pub use line::{Call, Exchange, Line};
pub use proxy::Proxy;
pub use reach::{Reach, is_near, resolve};
pub use route::{Barrier, Route};
pub use tls::{Tls, Trust, Unfit};
pub use tongue::Tongue;
pub use way::Way;
pub use wire::Wire;

use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::phase::Phase;
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

/// The longest message taken from a server, in any number of fragments (faults.md 1); in bytes.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// Frames that wait to be written; a server that reads none for so long has closed in all but name.
const OUTBOX_FRAMES_MAX: usize = 1_024;

/// An open connection to a signaling server.
pub struct Connection {
    stream: WebSocketStream<Stream>,
    outbox: VecDeque<String>,
    /// Frames were handed to the stream and may not be on the wire yet.
    unflushed: bool,
}

impl Connection {
    fn new(stream: WebSocketStream<Stream>) -> Self {
        Self { stream, outbox: VecDeque::new(), unflushed: false }
    }

    /// Queues a text frame; `poll_flush` writes it.
    ///
    /// # Errors
    /// The server has not read for so long that the queue is full.
    pub fn push(&mut self, text: String) -> Result<(), Failure> {
        if self.outbox.len() >= OUTBOX_FRAMES_MAX {
            return Err(Failure::new(Phase::Join, Reason::Closed, "the server stopped reading"));
        }
        self.outbox.push_back(text);
        Ok(())
    }

    /// Whether frames wait to be written.
    pub fn is_waiting(&self) -> bool {
        self.unflushed || !self.outbox.is_empty()
    }

    /// Ready when all that was pushed is on the wire.
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

    /// The next text frame. The end of the connection is an error, with how it ended.
    pub fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Utf8Bytes, Failure>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.stream).poll_next(context)) {
                Some(Ok(Message::Text(text))) => Ok(text),
                Some(Ok(Message::Close(Some(frame)))) => {
                    let code = u16::from(frame.code);
                    // 1000 and 1001 are goodbyes; the others say no (RFC 6455 §7.4.1).
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

    /// Says goodbye to the server, as far as that is possible without waiting for it.
    pub fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        ready!(Pin::new(&mut self.stream).poll_close(context)).ok();
        Poll::Ready(())
    }
}

/// Read at once: the longest frame of a handshake, an offer in its envelope, twice.
const READ_BYTES: usize = 2 * 1024;

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        // Held by each of thousands of connections, and zeroed before every read: most reads bring one frame of 100 B.
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(16 * 1024)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
}

/// What an error of the WebSocket stack means as a measurement; the phase is the caller's to set.
fn failure(error: Error) -> Failure {
    let say = |reason, detail: String| Failure::new(Phase::Connect, reason, detail);
    match error {
        Error::Io(error) => io_failure(&error),
        Error::Http(response) => say(Reason::Rejected, format!("HTTP {}", response.status().as_u16())),
        Error::ConnectionClosed | Error::AlreadyClosed => say(Reason::Closed, String::new()),
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            say(Reason::Protocol, format!("a message over {} KiB", MESSAGE_BYTES_MAX / 1024))
        }
        Error::Utf8(_) => say(Reason::Protocol, "invalid UTF-8".to_owned()),
        Error::AttackAttempt => say(Reason::Protocol, "an HTTP answer without end".to_owned()),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete) => {
            say(Reason::Closed, "end of stream".to_owned())
        }
        Error::Protocol(ProtocolError::HttparseError(error)) => say(Reason::Protocol, format!("not HTTP: {error}")),
        Error::Protocol(error) => say(Reason::Protocol, error.to_string()),
        other => say(Reason::Protocol, other.to_string()),
    }
}

/// What an error of the operating system means: out of descriptors or ports is this machine's limit.
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
