//! Client connections to a signaling server: text frames in and out; a failed attempt is a `Failure` to count.

mod connector;
mod dial;
mod limits;
mod memory;
mod proxy;
mod signaling_connection;
mod stream;
mod target_policy;
mod tls;
mod transport;
mod userinfo;

pub use connector::{Connector, Refused};
pub use dial::{Endpoint, HttpReply, HttpSteps, OwnRequest, dial, get, open};
pub use limits::Limits;
pub use memory::{MemoryCall, MemoryConnection, MemoryListener};
pub use proxy::Proxy;
pub use signaling_connection::SignalingConnection;
pub use target_policy::{TargetPolicy, is_private, resolve};
pub use tls::{ClientTls, TlsError, TlsSniff, Trust};
pub use transport::Transport;

use crate::dialect::Wire;
use crate::vocabulary::{Failure, Phase, Reason, inert_text::bounded};
use futures_util::{Sink, Stream as _};
use limits::Waiting;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};
use stream::Stream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// The text of one frame, cheap to copy.
pub type Frame = Utf8Bytes;

/// Pings that are read before their pongs must be on the wire: a server that does not read is read no more.
const PONGS_WAITING_MAX: usize = 64;

/// Control frames that are read before other peers of the worker have their turn.
const CONTROL_FRAMES_BATCH: usize = 512;

/// An open connection to a signaling server.
pub struct Connection {
    stream: WebSocketStream<Stream>,
    outbox: VecDeque<String>,
    /// The frames of `outbox`, and those that the stream holds.
    waiting: Waiting,
    message_bytes_max: usize,
    wire: Wire,
    /// True while the stream may hold frames that are not on the wire yet.
    unflushed: bool,
    dial_waited: Duration,
    /// Pongs that may not be on the wire yet.
    pongs: usize,
}

impl Connection {
    fn new(mut stream: WebSocketStream<Stream>, limits: Limits, wire: Wire) -> Self {
        let dial_waited = stream.get_mut().take_waited();
        let message_bytes_max = limits.message_bytes_max;
        let waiting = Waiting::new(limits);
        Self {
            stream,
            outbox: VecDeque::new(),
            waiting,
            message_bytes_max,
            wire,
            unflushed: false,
            dial_waited,
            pongs: 0,
        }
    }

    /// Queues a text frame; `poll_flush` writes it.
    ///
    /// # Errors
    /// The frame is longer than one that would be accepted, or the queue is full, since the server has stopped reading.
    pub fn push(&mut self, text: String) -> Result<(), Failure> {
        if text.len() > self.message_bytes_max {
            let detail = format!("a frame of our own over {} KiB", self.message_bytes_max / 1024);
            return Err(Failure::new(Phase::Join, Reason::GeneratorLimit, detail));
        }
        if !self.waiting.add(text.len()) {
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
            Pin::new(&mut self.stream).start_send(message(self.wire, text)).map_err(failure)?;
        }
        ready!(Pin::new(&mut self.stream).poll_flush(context)).map_err(failure)?;
        self.unflushed = false;
        self.pongs = 0;
        self.waiting.clear();
        Poll::Ready(Ok(()))
    }

    /// Reads the next text frame.
    ///
    /// # Errors
    /// The connection has ended; the failure says how.
    pub fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Utf8Bytes, Failure>> {
        for _ in 0..CONTROL_FRAMES_BATCH {
            if self.pongs >= PONGS_WAITING_MAX {
                ready!(Pin::new(&mut self.stream).poll_flush(context)).map_err(failure)?;
                self.pongs = 0;
            }
            match ready!(Pin::new(&mut self.stream).poll_next(context)) {
                Some(Ok(Message::Text(text))) => return Poll::Ready(Ok(text)),
                Some(Ok(Message::Ping(_))) => self.pongs += 1,
                Some(Ok(Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(frame))) => {
                    // The stream holds the echo (RFC 6455 §5.5.1); if the server reads none, it goes without.
                    let _echoed = Pin::new(&mut self.stream).poll_flush(context);
                    return Poll::Ready(Err(closed(frame)));
                }
                Some(Ok(Message::Binary(bytes))) => {
                    return Poll::Ready(self.wire.to_text(&bytes).map(Utf8Bytes::from).map_err(|detail| {
                        self.say_close(context, CloseCode::Unsupported);
                        Failure::new(Phase::Join, Reason::Protocol, detail)
                    }));
                }
                Some(Err(error)) => {
                    if let Some(code) = close_code(&error) {
                        self.say_close(context, code);
                    }
                    return Poll::Ready(Err(failure(error)));
                }
                None => return Poll::Ready(Err(Failure::new(Phase::Join, Reason::Closed, ""))),
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// The kernel's receive stamp of the read that completed the last frame, by the wall clock.
    pub fn stamp(&self) -> Option<SystemTime> {
        self.stream.get_ref().stamp()
    }

    /// Time for which answers of the dial (proxy, TLS, upgrade) lay in the kernel before this process read them.
    pub fn dial_waited(&self) -> Duration {
        self.dial_waited
    }

    /// Fails the connection (RFC 6455 §7.1.7): says why, and waits for nothing.
    fn say_close(&mut self, context: &mut Context<'_>, code: CloseCode) {
        let frame = CloseFrame { code, reason: Utf8Bytes::default() };
        let said = Pin::new(&mut self.stream).start_send(Message::Close(Some(frame)));
        let _flushed = said.map(|()| Pin::new(&mut self.stream).poll_flush(context));
    }

    /// Sends a close frame, without waiting for the server's.
    pub fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        ready!(Pin::new(&mut self.stream).poll_close(context)).ok();
        Poll::Ready(())
    }
}

/// The message that carries a text.
fn message(wire: Wire, text: String) -> Message {
    wire.to_bytes(&text).map_or_else(|| Message::text(text), Message::binary)
}

/// Read buffer in bytes: twice the longest frame of a handshake, an offer in its envelope.
const READ_BYTES: usize = 2 * 1024;

/// Bytes that are gathered before they are written.
const WRITE_BYTES: usize = 16 * 1024;

/// Characters of a close's words that a failure shows.
const CLOSE_CHARS_MAX: usize = 60;

fn config(message_bytes_max: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        // Each of thousands of connections holds this buffer and zeroes it before every read; most reads bring 100 B.
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(WRITE_BYTES)
        // Full buffers of frames and of pongs, and the longest frame.
        .max_write_buffer_size(2 * WRITE_BYTES + message_bytes_max)
        .max_message_size(Some(message_bytes_max))
        .max_frame_size(Some(message_bytes_max))
}

/// The failure of a connection that the server closes.
fn closed(frame: Option<CloseFrame>) -> Failure {
    let failure = |reason, detail: String| Failure::new(Phase::Join, reason, detail);
    let Some(CloseFrame { code, reason }) = frame else { return failure(Reason::Closed, String::new()) };
    // tungstenite 0.30 gives a code that may not be sent (RFC 6455 §7.4.1) as its own 1002 with these words.
    if code == CloseCode::Protocol && reason == "Protocol violation" {
        return failure(Reason::Protocol, "a close code that may not be sent".to_owned());
    }
    let code = u16::from(code);
    let words = close_words(&reason);
    // 1000 and 1001 are normal ends; all others reject the client (RFC 6455 §7.4.1).
    let reason = if code <= 1_001 { Reason::Closed } else { Reason::Rejected };
    failure(reason, if words.is_empty() { format!("close {code}") } else { format!("close {code}: {words}") })
}

/// The server's words about a close, without the ids and long numbers that would set each peer's failure apart.
fn close_words(reason: &str) -> String {
    let is_of_one_peer = |word: &str| {
        let has_digit = word.contains(|letter: char| letter.is_ascii_digit());
        has_digit && (word.len() > 4 || word.contains(char::is_alphabetic))
    };
    let shown = |word| if is_of_one_peer(word) { "…" } else { word };
    let words: Vec<&str> = reason.split_whitespace().map(shown).collect();
    bounded(&words.join(" "), CLOSE_CHARS_MAX).into_owned()
}

/// The code that tells a server of its offence (RFC 6455 §7.4.1); `None` for an end that is no offence.
fn close_code(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Capacity(_) => Some(CloseCode::Size),
        Error::Utf8(_) => Some(CloseCode::Invalid),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) => Some(CloseCode::Protocol),
        _ => None,
    }
}

/// Converts an error of the WebSocket stack; the caller sets the phase.
fn failure(error: Error) -> Failure {
    let failure = |reason, detail: String| Failure::new(Phase::Connect, reason, detail);
    match error {
        Error::Io(error) => io_failure(&error),
        Error::Http(response) => failure(Reason::Rejected, format!("HTTP {}", response.status().as_u16())),
        Error::ConnectionClosed | Error::AlreadyClosed => failure(Reason::Closed, String::new()),
        Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            failure(Reason::Protocol, format!("a message over {} KiB", max_size / 1024))
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
