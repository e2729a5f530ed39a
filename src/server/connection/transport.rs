//! A client's socket, plain or TLS, which one task reads and the hub writes without blocking each other.

use rustls::{Connection, ServerConnection};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::net::TcpStream;

/// Size of a read from a TLS session, in bytes.
const PLAIN_BYTES: usize = 4 << 10;

pub(crate) struct ClientTransport {
    stream: TcpStream,
    /// TLS state of both directions; locked for the length of one read or write.
    session: Option<Mutex<Connection>>,
}

impl From<TcpStream> for ClientTransport {
    fn from(stream: TcpStream) -> Self {
        Self { stream, session: None }
    }
}

impl ClientTransport {
    /// Wraps a socket after its TLS handshake.
    pub(crate) fn secured(stream: TcpStream, session: ServerConnection) -> Self {
        Self { stream, session: Some(Mutex::new(session.into())) }
    }

    /// Waits until `try_read` may return bytes.
    ///
    /// # Errors
    /// The socket's error.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        if let Some(session) = &self.session
            && has_plaintext(&mut lock(session))
        {
            return Ok(());
        }
        self.stream.readable().await
    }

    /// Waits until the socket accepts bytes.
    ///
    /// # Errors
    /// The socket's error.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.stream.writable().await
    }

    /// Appends the available bytes to `into`; 0 is the end of the stream.
    ///
    /// # Errors
    /// The socket's error, `WouldBlock` included, or a TLS protocol error of the client.
    pub(crate) fn try_read(&self, into: &mut Vec<u8>) -> io::Result<usize> {
        let Some(session) = &self.session else { return self.stream.try_read_buf(into) };
        let mut session = lock(session);
        let before = into.len();
        let ended = drain(&mut session, into)?;
        if into.len() > before || ended {
            return Ok(into.len() - before);
        }
        if session.read_tls(&mut NonblockingSocket(&self.stream))? == 0 {
            return Ok(0);
        }
        let processed = session.process_new_packets();
        // An alert or the answer to a key update; bytes that the socket refuses now go out with the next write.
        let answered = write_out(&mut session, &self.stream);
        processed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        answered.or_else(|error| if error.kind() == ErrorKind::WouldBlock { Ok(()) } else { Err(error) })?;
        let ended = drain(&mut session, into)?;
        match into.len() - before {
            0 if !ended => Err(ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }

    /// Writes a part of `bytes` and returns its length. `try_flush` writes the rest of what TLS has buffered.
    ///
    /// # Errors
    /// The socket's error, `WouldBlock` included.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let Some(session) = &self.session else { return self.stream.try_write(bytes) };
        let mut session = lock(session);
        write_out(&mut session, &self.stream)?;
        let count = session.writer().write(bytes)?;
        match write_out(&mut session, &self.stream) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(count),
        }
    }

    /// Writes the bytes that TLS has buffered.
    ///
    /// # Errors
    /// The socket's error, `WouldBlock` included.
    pub(crate) fn try_flush(&self) -> io::Result<()> {
        self.session.as_ref().map_or(Ok(()), |session| write_out(&mut lock(session), &self.stream))
    }

    pub(crate) fn shut(&self, how: Shutdown) {
        if let Some(session) = &self.session {
            let mut session = lock(session);
            session.send_close_notify();
            // A close_notify that the socket refuses is dropped.
            let _ = write_out(&mut session, &self.stream);
        }
        // Shutting down a socket that the client has closed fails, harmlessly.
        let _ = socket2::SockRef::from(&self.stream).shutdown(how);
    }
}

/// Non-blocking `Read` and `Write` on the socket, for rustls.
struct NonblockingSocket<'a>(&'a TcpStream);

impl Read for NonblockingSocket<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(into)
    }
}

impl Write for NonblockingSocket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock(session: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    // A panic poisons one client's session only, and ends that client's task.
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

fn has_plaintext(session: &mut Connection) -> bool {
    session.process_new_packets().is_ok_and(|state| state.plaintext_bytes_to_read() > 0)
}

/// Moves all decrypted plaintext to `into`; true once the client has sent close_notify.
fn drain(session: &mut Connection, into: &mut Vec<u8>) -> io::Result<bool> {
    let mut plain = [0; PLAIN_BYTES];
    loop {
        match session.reader().read(&mut plain) {
            Ok(0) => return Ok(true),
            Ok(count) => into.extend_from_slice(&plain[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

fn write_out(session: &mut Connection, stream: &TcpStream) -> io::Result<()> {
    while session.wants_write() {
        session.write_tls(&mut NonblockingSocket(stream))?;
    }
    Ok(())
}
