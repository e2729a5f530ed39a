//! One client's reading side: bytes off the socket, through the WebSocket parser, to the hub.

pub(super) mod client_writer;
mod outbox;
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

/// Bytes of a message that a client may send, in however many fragments.
pub const MESSAGE_BYTES_MAX: usize = 256 << 10;
/// Taken off the socket at once; held only while there is something to read.
const READ_BYTES: usize = 8 << 10;
/// The parser's own buffer, held for as long as the connection lives.
const PARSE_BYTES: usize = 2 << 10;
/// What is still read from a client after the last word to it.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: usize = 4 << 20;

/// Sees a connection from its first byte to its last.
pub async fn serve(stream: TcpStream, tls: Option<ServerTls>, hub: mpsc::Sender<Input>) {
    // Without it the relay would wait for acknowledgements, and the delay would be ours.
    let _ = stream.set_nodelay(true);
    let stream = match tls {
        None => ClientTransport::from(stream),
        Some(tls) => match tls.accept(stream).await {
            Ok((stream, session)) => ClientTransport::secured(stream, session),
            Err(_) => return,
        },
    };
    match upgrade(&stream).await {
        Ok(Some(rest)) => converse(Arc::new(stream), rest, hub).await,
        Ok(None) => {
            stream.shut(Shutdown::Write);
            linger(&stream).await;
        }
        Err(_) => {}
    }
}

async fn converse(stream: Arc<ClientTransport>, rest: Vec<u8>, hub: mpsc::Sender<Input>) {
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

/// Reads until the client's end, or its first offence against the protocol.
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
    let told = |input| async { hub.send(input).await.map_err(|_| HubGone) };
    loop {
        let end = loop {
            match socket.read() {
                Ok(Message::Text(text)) => told(Input::Frame { client, text }).await?,
                Ok(Message::Binary(_)) => break Some(Disconnect::Offence(CloseCode::Unsupported)),
                // The parser answers pings and closes by itself, into the pipe.
                Ok(_) => {}
                Err(error) => break Disconnect::of(&error),
            }
        };
        let said = Bytes::from(std::mem::take(&mut socket.get_mut().said));
        match end {
            None if said.is_empty() => {}
            None => told(Input::Pong { client, frame: said }).await?,
            Some(Disconnect::Handshake) => return told(Input::Close { client, frame: said }).await,
            Some(Disconnect::Offence(code)) => return told(Input::Close { client, frame: wire::close(code) }).await,
            Some(Disconnect::Lost) => return Ok(()),
        }
        fill(stream, socket.get_mut()).await;
    }
}

/// How a conversation ended.
enum Disconnect {
    /// The client said close, and the answer is in the pipe.
    Handshake,
    Offence(CloseCode),
    /// The socket ended without a word.
    Lost,
}

impl Disconnect {
    /// Nothing if there is only no more to read yet.
    fn of(error: &Error) -> Option<Self> {
        match error {
            Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Error::ConnectionClosed => Some(Self::Handshake),
            Error::Io(_) | Error::AlreadyClosed | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Some(Self::Lost)
            }
            Error::Capacity(_) => Some(Self::Offence(CloseCode::TooBig)),
            Error::Utf8(_) => Some(Self::Offence(CloseCode::NotUtf8)),
            _ => Some(Self::Offence(CloseCode::Protocol)),
        }
    }
}

/// Waits for bytes; a socket's error is its end.
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

/// Reads on without listening: closing with bytes unread would reset the connection, and the client
/// would never see the close frame.
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

/// What the parser takes for its socket: it reads what `fill` brought, and what it says is for the hub to send.
#[derive(Default)]
struct Pipe {
    input: Vec<u8>,
    taken: usize,
    ended: bool,
    said: Vec<u8>,
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
        self.said.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
