//! The interface of an open signaling connection, over a network or in memory.

use super::{Connection, Frame};
use crate::vocabulary::Failure;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

/// An open connection that carries text frames.
pub trait SignalingConnection {
    /// Queues a text frame; `poll_flush` writes it.
    ///
    /// # Errors
    /// The queue is full, since the server has stopped reading.
    fn push(&mut self, text: String) -> Result<(), Failure>;

    /// True while frames wait to be written.
    fn is_waiting(&self) -> bool;

    /// Ready when all queued frames are sent.
    ///
    /// # Errors
    /// The connection has ended.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>>;

    /// Reads the next text frame.
    ///
    /// # Errors
    /// The connection has ended; the failure says how.
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Frame, Failure>>;

    /// The kernel's receive stamp of the last frame, by the wall clock; `None` where there is none.
    fn stamp(&self) -> Option<SystemTime>;

    /// Time for which answers of the dial lay in the kernel before this process read them.
    fn dial_waited(&self) -> Duration;

    /// Closes, without waiting for the server's close frame.
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()>;
}

impl SignalingConnection for Connection {
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

    fn stamp(&self) -> Option<SystemTime> {
        Self::stamp(self)
    }

    fn dial_waited(&self) -> Duration {
        Self::dial_waited(self)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        Self::poll_close(self, context)
    }
}
