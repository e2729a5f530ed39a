//! The writing side of one client: its outbox and its socket.

use crate::server::connection::outbox::Outbox;
use crate::server::connection::transport::ClientTransport;
use std::io;
use std::net::Shutdown;
use std::sync::Arc;

pub(crate) struct ClientWriter {
    pub stream: Arc<ClientTransport>,
    pub outbox: Outbox,
    /// True while the socket accepts no more bytes.
    pub blocked: bool,
    /// True once the client is queued for the next round of writes.
    scheduled: bool,
}

impl ClientWriter {
    pub(crate) fn new(stream: Arc<ClientTransport>) -> Self {
        Self { stream, outbox: Outbox::default(), blocked: false, scheduled: false }
    }

    /// True if the caller has to queue the client for the next round of writes; it then counts as queued.
    pub(crate) fn schedule(&mut self) -> bool {
        !self.blocked && !std::mem::replace(&mut self.scheduled, true)
    }

    /// Writes until the outbox is empty or the socket accepts no more, which sets `blocked`. Returns the number of frames
    /// written in full.
    ///
    /// # Errors
    /// The socket's error; the client is lost.
    pub(crate) fn flush(&mut self, scratch: &mut Vec<u8>) -> io::Result<u64> {
        self.scheduled = false;
        let before = self.outbox.delivered();
        while !self.outbox.is_empty() {
            match self.stream.try_write(self.outbox.next_write(scratch)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.outbox.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        match self.stream.try_flush() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
            Err(error) => return Err(error),
        }
        Ok(self.outbox.delivered() - before)
    }

    pub(crate) fn shut(&self, how: Shutdown) {
        self.stream.shut(how);
    }
}
