//! What a peer needs of its way to the server, over a network or in memory.

use super::{Connection, Frame};
use crate::vocabulary::failure::Failure;
use std::task::{Context, Poll};

/// An open connection that carries text frames.
pub trait Wire {
    /// Queues a text frame; `poll_flush` writes it.
    ///
    /// # Errors
    /// The server has not read for so long that the queue is full.
    fn push(&mut self, text: String) -> Result<(), Failure>;

    /// Whether frames wait to be written.
    fn is_waiting(&self) -> bool;

    /// Ready when all that was pushed is on its way.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>>;

    /// The next text frame. The end of the connection is an error, with how it ended.
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Frame, Failure>>;

    /// Says goodbye, as far as that is possible without waiting for it.
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()>;
}

impl Wire for Connection {
    fn push(&mut self, text: String) -> Result<(), Failure> {
        Self::push(self, text)
    }

    fn is_waiting(&self) -> bool {
        Self::is_waiting(self)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Self::poll_flush(self, context)
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Frame, Failure>> {
        Self::poll_frame(self, context)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        Self::poll_close(self, context)
    }
}
