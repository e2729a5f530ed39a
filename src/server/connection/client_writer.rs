//! The way out to one client: its outbox, and a socket that takes all of it at once.

use crate::server::connection::outbox::Outbox;
use crate::server::connection::transport::ClientTransport;
use std::io;
use std::net::Shutdown;
use std::sync::Arc;

pub struct ClientWriter {
    pub stream: Arc<ClientTransport>,
    pub outbox: Outbox,
    /// Waiting for the socket to take more.
    pub blocked: bool,
    /// Listed for the next round of writes.
    listed: bool,
}

impl ClientWriter {
    pub fn new(stream: Arc<ClientTransport>) -> Self {
        Self { stream, outbox: Outbox::default(), blocked: false, listed: false }
    }

    /// Whether the link has to be put on the list for the next round of writes; it counts as listed then.
    pub fn enlist(&mut self) -> bool {
        !self.blocked && !std::mem::replace(&mut self.listed, true)
    }

    /// Writes until nothing waits or the socket takes no more (then `blocked` is set). Returns how many
    /// frames went out whole. Errors: the socket's; the client is lost.
    pub fn flush(&mut self, scratch: &mut Vec<u8>) -> io::Result<u64> {
        self.listed = false;
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

    pub fn shut(&self, how: Shutdown) {
        self.stream.shut(how);
    }
}
