//! One client's connection: handshake, then the reading side, from the socket through the WebSocket parser to the hub.

pub(super) mod client_writer;
pub(super) mod held;
pub(super) mod outbox;
pub(super) mod tls;
pub(super) mod transport;
mod upgrade;
pub(super) mod wire;

use crate::server::connection::tls::ServerTls;
use crate::server::connection::transport::ClientTransport;
use crate::server::connection::upgrade::upgrade;
use crate::server::connection::wire::CloseCode;
use crate::server::hub::Input;
use crate::server::rooms::ClientId;
use bytes::Bytes;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, error::ProtocolError};

/// Longest message of a client, in any number of fragments, in bytes.
pub(super) const MESSAGE_BYTES_MAX: usize = 256 << 10;
/// Size of a read from the socket, in bytes; the buffer is held only while there is data.
const READ_BYTES: usize = 8 << 10;
/// Size of the parser's buffer, in bytes, held for the life of the connection.
const PARSE_BYTES: usize = 2 << 10;
/// Limits on reading from a client after its close frame was sent.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: usize = 4 << 20;

/// A connection's place among those of its address.
pub(super) enum Admission {
    Unlimited,
    /// The address's token, held as long as the connection is open.
    Counted {
        _token: Arc<()>,
    },
    /// The address has its most connections: HTTP 429.
    Refused,
}

/// Serves one connection from accept to close.
pub(super) async fn serve(stream: TcpStream, tls: Option<ServerTls>, admission: Admission, hub: mpsc::Sender<Input>) {
    // Nagle's algorithm would hold small frames until an acknowledgement, and the delay would be measured.
    let _ = stream.set_nodelay(true);
    let stream = match tls {
        None => ClientTransport::from(stream),
        Some(tls) => match tls.accept(stream).await {
            Ok((stream, session)) => ClientTransport::secured(stream, session),
            Err(_) => return,
        },
    };
    match upgrade(&stream, !matches!(admission, Admission::Refused)).await {
        Ok(Some(rest)) => run_session(Arc::new(stream), rest, hub).await,
        Ok(None) => {
            stream.shut(Shutdown::Write);
            linger(&stream).await;
        }
        Err(_) => {}
    }
}

async fn run_session(stream: Arc<ClientTransport>, rest: Vec<u8>, hub: mpsc::Sender<Input>) {
    let (reply, number) = oneshot::channel();
    let connected = Input::Connected { stream: stream.clone(), client: reply };
    if hub.send(connected).await.is_err() {
        return;
    }
    let Ok(client) = number.await else { return };
    if read(&stream, client, rest, &hub).await.is_ok() && hub.send(Input::Closed { client }).await.is_ok() {
        linger(&stream).await;
    }
}

/// The hub has stopped.
struct HubGone;

/// Reads until the client closes, or violates the protocol.
async fn read(
    stream: &ClientTransport,
    client: ClientId,
    rest: Vec<u8>,
    hub: &mpsc::Sender<Input>,
) -> Result<(), HubGone> {
    let config = WebSocketConfig::default()
        .read_buffer_size(PARSE_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let pipe = Pipe { input: rest, ..Pipe::default() };
    let mut socket = WebSocket::from_raw_socket(pipe, Role::Server, Some(config));
    let send = |input| async { hub.send(input).await.map_err(|_| HubGone) };
    loop {
        let end = loop {
            match socket.read() {
                Ok(Message::Text(text)) => send(Input::Frame { client, text }).await?,
                Ok(Message::Binary(_)) => break Some(Disconnect::Violation(CloseCode::Unsupported)),
                // The parser writes its answers to pings and closes into the pipe.
                Ok(_) => {}
                Err(error) => break Disconnect::of(&error),
            }
        };
        let written = Bytes::from(std::mem::take(&mut socket.get_mut().written));
        match end {
            None if written.is_empty() => {}
            None => send(Input::Pong { client, frame: written }).await?,
            Some(Disconnect::Handshake) => return send(Input::Close { client, frame: written }).await,
            Some(Disconnect::Violation(code)) => return send(Input::Close { client, frame: wire::close(code) }).await,
            Some(Disconnect::Lost) => return Ok(()),
        }
        fill(stream, socket.get_mut()).await;
    }
}

/// End of a session.
enum Disconnect {
    /// The client sent a close frame, and the parser's answer is in the pipe.
    Handshake,
    Violation(CloseCode),
    /// The socket closed without a close frame.
    Lost,
}

impl Disconnect {
    /// `None` if the parser only needs more bytes.
    fn of(error: &Error) -> Option<Self> {
        match error {
            Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Error::ConnectionClosed => Some(Self::Handshake),
            Error::Io(_) | Error::AlreadyClosed | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Some(Self::Lost)
            }
            Error::Capacity(_) => Some(Self::Violation(CloseCode::TooBig)),
            Error::Utf8(_) => Some(Self::Violation(CloseCode::NotUtf8)),
            _ => Some(Self::Violation(CloseCode::Protocol)),
        }
    }
}

/// Waits for bytes; an error of the socket counts as its end.
async fn fill(stream: &ClientTransport, pipe: &mut Pipe) {
    loop {
        if stream.readable().await.is_err() {
            pipe.ended = true;
            return;
        }
        let mut input = Vec::with_capacity(READ_BYTES);
        match stream.try_read(&mut input) {
            Ok(count) => {
                pipe.ended = count == 0;
                pipe.input = input;
                pipe.taken = 0;
                return;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => {
                pipe.ended = true;
                return;
            }
        }
    }
}

/// Reads and discards: closing a socket with unread bytes would reset the connection before the client sees the close
/// frame.
async fn linger(stream: &ClientTransport) {
    let mut bytes = 0;
    let mut sink = Vec::with_capacity(READ_BYTES);
    let _ = tokio::time::timeout(LINGER, async {
        while bytes < LINGER_BYTES_MAX && stream.readable().await.is_ok() {
            sink.clear();
            match stream.try_read(&mut sink) {
                Ok(0) => return,
                Ok(count) => bytes += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    })
    .await;
}

/// The parser's stream: it reads the bytes of `fill`, and the hub sends the bytes that it writes.
#[derive(Default)]
struct Pipe {
    input: Vec<u8>,
    taken: usize,
    ended: bool,
    written: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = &self.input[self.taken..];
        if left.is_empty() && !self.ended {
            // An idle connection holds no read buffer.
            self.input = Vec::new();
            self.taken = 0;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = left.len().min(into.len());
        into[..count].copy_from_slice(&left[..count]);
        self.taken += count;
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
