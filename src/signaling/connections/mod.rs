//! Open signaling connections behind one trait: over a network, or in memory.

mod event_stream;
mod logged;
mod memory;
mod mqtt;
mod websocket;

pub(super) use event_stream::EventStream;
pub(super) use logged::LoggedConnection;
pub use memory::{MemoryCall, MemoryConnection, MemoryListener};
pub(super) use websocket::{WebSocketConnection, config, failure};

use crate::vocabulary::Failure;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The text of one frame, cheap to copy.
pub type Frame = Utf8Bytes;

/// An open connection that carries text frames.
pub trait SignalingConnection {
    /// Queues a text frame; `poll_flush` writes it.
    ///
    /// # Errors
    /// The frame is longer than one that would be accepted, or the queue is full, since the server has stopped reading.
    fn push(&mut self, text: String) -> Result<(), Failure>;

    /// True while frames wait to be written.
    fn is_waiting(&self) -> bool;

    /// Ready when all queued frames are sent.
    ///
    /// # Errors
    /// The connection has ended.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>>;

    /// The number of queued frames of which no byte is on its way.
    fn unsent(&self) -> usize;

    /// Reads the next text frame.
    ///
    /// # Errors
    /// The connection has ended; the failure says how.
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Frame, Failure>>;

    /// The kernel's receive stamp of the read that completed the last frame, by the wall clock; `None` where there is none.
    fn stamp(&self) -> Option<SystemTime>;

    /// Time for which answers of the dial (proxy, TLS, upgrade) lay in the kernel before this process read them.
    fn dial_waited(&self) -> Duration;

    /// Closes, without waiting for the server's close frame.
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()>;
}
