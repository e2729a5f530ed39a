//! A WebSocket connection: text or binary frames in and out, pings answered, closes told as failures.

use super::mqtt::{ACCEPTED, Incoming, MqttPackets};
use super::{Frame, SignalingConnection};
use crate::dialect::Wire;
use crate::signaling::io_failure;
use crate::signaling::limits::{Limits, Waiting};
use crate::signaling::stream::Stream;
use crate::vocabulary::{Failure, Phase, Reason, inert_text::bounded};
use futures_util::{Sink, Stream as _};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// Pings that are read before their pongs must be on the wire: a server that does not read is read no more.
const PONGS_WAITING_MAX: usize = 64;

/// Control frames that are read before other peers of the worker have their turn.
const CONTROL_FRAMES_BATCH: usize = 512;

/// An open WebSocket.
pub(in crate::signaling) struct WebSocketConnection {
    stream: WebSocketStream<Stream>,
    outbox: VecDeque<Message>,
    /// The frames of `outbox`, and those that the stream holds.
    waiting: Waiting,
    wire: Wire,
    /// The packets of MQTT, if the frames carry them.
    packets: Option<Box<MqttPackets>>,
    /// True while the stream may hold frames that are not on the wire yet.
    unflushed: bool,
    dial_waited: Duration,
    /// Pongs that may not be on the wire yet.
    pongs: usize,
}

impl WebSocketConnection {
    /// The connection on an upgraded stream, once MQTT has connected too if it is spoken.
    ///
    /// # Errors
    /// The server refuses the connect packet, in phase `connect`.
    pub(in crate::signaling) async fn open(
        stream: WebSocketStream<Stream>,
        limits: Limits,
        wire: Wire,
    ) -> Result<Self, Failure> {
        let mut connection = Self::new(stream, limits, wire);
        if connection.packets.is_some() {
            let connected = connection.connect_mqtt().await;
            connected.map_err(|failure| Failure { phase: Phase::Connect, ..failure })?;
        }
        connection.dial_waited = connection.stream.get_mut().take_waited();
        Ok(connection)
    }

    fn new(stream: WebSocketStream<Stream>, limits: Limits, wire: Wire) -> Self {
        let packets = match &wire {
            Wire::Mqtt(connect) => Some(Box::new(MqttPackets::new(connect.clone(), limits.message_bytes_max))),
            _ => None,
        };
        Self {
            stream,
            outbox: VecDeque::new(),
            waiting: Waiting::new(limits),
            wire,
            packets,
            unflushed: false,
            dial_waited: Duration::ZERO,
            pongs: 0,
        }
    }

    async fn connect_mqtt(&mut self) -> Result<(), Failure> {
        let connect = self.packets.as_ref().map(|packets| packets.connect()).transpose()?;
        self.outbox.extend(connect.map(Message::binary));
        poll_fn(|context| self.poll_flush(context)).await?;
        match poll_fn(|context| self.poll_frame(context)).await?.as_str() {
            ACCEPTED => Ok(()),
            _ => Err(Failure::new(Phase::Connect, Reason::Protocol, "MQTT: another packet before the connack")),
        }
    }

    /// The message that carries a text.
    fn message(&mut self, text: String) -> Result<Message, Failure> {
        match &mut self.packets {
            Some(packets) => packets.encode(&text).map(Message::binary),
            None => Ok(self.wire.to_bytes(&text).map_or_else(|| Message::text(text), Message::binary)),
        }
    }

    /// The next frame of the packets that have come; answers those that ask for it.
    fn next_of_packets(&mut self) -> Result<Option<Frame>, Failure> {
        while let Some(incoming) = self.packets.as_mut().and_then(|packets| packets.next()) {
            match incoming {
                Incoming::Text(text) => return Ok(Some(text.into())),
                Incoming::Answer(packet) => {
                    Pin::new(&mut self.stream).start_send(Message::binary(packet)).map_err(failure)?;
                    self.unflushed = true;
                    self.pongs += 1;
                }
            }
        }
        Ok(None)
    }

    /// Takes a binary frame; `None` if it holds packets, which come one by one.
    fn take_binary(&mut self, bytes: &[u8]) -> Result<Option<Frame>, Failure> {
        if let Some(packets) = &mut self.packets {
            return packets.take(bytes).map(|()| None);
        }
        let text = self.wire.to_text(bytes);
        text.map(|text| Some(text.into())).map_err(|detail| Failure::new(Phase::Join, Reason::Protocol, detail))
    }

    /// Fails the connection (RFC 6455 §7.1.7): says why, and waits for nothing.
    fn say_close(&mut self, context: &mut Context<'_>, code: CloseCode) {
        let frame = CloseFrame { code, reason: Utf8Bytes::default() };
        let said = Pin::new(&mut self.stream).start_send(Message::Close(Some(frame)));
        let _flushed = said.map(|()| Pin::new(&mut self.stream).poll_flush(context));
    }
}

impl SignalingConnection for WebSocketConnection {
    fn push(&mut self, text: String) -> Result<(), Failure> {
        self.waiting.admit(text.len(), "the server stopped reading")?;
        let message = self.message(text)?;
        self.outbox.push_back(message);
        Ok(())
    }

    fn is_waiting(&self) -> bool {
        self.unflushed || !self.outbox.is_empty()
    }

    fn unsent(&self) -> usize {
        self.waiting.frames()
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        while !self.outbox.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_ready(context)).map_err(failure)?;
            let Some(message) = self.outbox.pop_front() else { break };
            self.unflushed = true;
            Pin::new(&mut self.stream).start_send(message).map_err(failure)?;
        }
        ready!(Pin::new(&mut self.stream).poll_flush(context)).map_err(failure)?;
        self.unflushed = false;
        self.pongs = 0;
        self.waiting.clear();
        Poll::Ready(Ok(()))
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Frame, Failure>> {
        for _ in 0..CONTROL_FRAMES_BATCH {
            if self.pongs >= PONGS_WAITING_MAX {
                ready!(Pin::new(&mut self.stream).poll_flush(context)).map_err(failure)?;
                self.pongs = 0;
            }
            if let Some(frame) = self.next_of_packets()? {
                return Poll::Ready(Ok(frame));
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
                Some(Ok(Message::Binary(bytes))) => match self.take_binary(&bytes) {
                    Ok(Some(frame)) => return Poll::Ready(Ok(frame)),
                    Ok(None) => {}
                    Err(failure) => {
                        self.say_close(context, CloseCode::Unsupported);
                        return Poll::Ready(Err(failure));
                    }
                },
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

    fn stamp(&self) -> Option<SystemTime> {
        self.stream.get_ref().stamp()
    }

    fn dial_waited(&self) -> Duration {
        self.dial_waited
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        ready!(Pin::new(&mut self.stream).poll_close(context)).ok();
        Poll::Ready(())
    }
}

/// Read buffer in bytes: twice the longest frame of a handshake, an offer in its envelope.
const READ_BYTES: usize = 2 * 1024;

/// Bytes that are gathered before they are written.
const WRITE_BYTES: usize = 16 * 1024;

/// Characters of a close's words that a failure shows.
const CLOSE_CHARS_MAX: usize = 60;

pub(in crate::signaling) fn config(message_bytes_max: usize) -> WebSocketConfig {
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
pub(in crate::signaling) fn failure(error: Error) -> Failure {
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
