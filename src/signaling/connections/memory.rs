//! In-memory signaling: connects a peer to a server in the same thread, for the control run.

use super::{Frame, SignalingConnection};
use crate::vocabulary::{Failure, Phase, Reason};
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;

/// Frames that may wait for one peer.
const OUTBOX_FRAMES_MAX: usize = 1_024;

/// Calls of all connections that may wait for the server.
const CALLS_MAX: usize = 65_536;

/// Event of one connection for the server. Connection numbers count up from 0 and are never reused.
#[derive(Debug)]
pub enum MemoryCall {
    Connected {
        number: u32,
        /// Carries the server's frames to the peer; a full mailbox means that the peer is stuck.
        mailbox: mpsc::Sender<Frame>,
    },
    Frame {
        number: u32,
        text: String,
    },
    Closed {
        number: u32,
    },
}

/// Opens connections to one in-memory server.
#[derive(Clone, Debug)]
pub struct MemoryListener {
    calls: mpsc::Sender<MemoryCall>,
    next: Rc<Cell<u32>>,
}

/// An open in-memory connection.
#[derive(Debug)]
pub struct MemoryConnection {
    number: u32,
    calls: mpsc::Sender<MemoryCall>,
    frames: mpsc::Receiver<Frame>,
    outbox: VecDeque<String>,
}

impl MemoryListener {
    /// Creates a listener, and the receiver of its server's calls.
    pub fn new() -> (Self, mpsc::Receiver<MemoryCall>) {
        let (calls, receiver) = mpsc::channel(CALLS_MAX);
        (Self { calls, next: Rc::default() }, receiver)
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// The server has stopped, or its queue is full.
    pub fn dial(&self) -> Result<MemoryConnection, Failure> {
        let number = self.next.get();
        self.next.set(number + 1);
        let (mailbox, frames) = mpsc::channel(OUTBOX_FRAMES_MAX);
        let failed = |_| Failure::new(Phase::Connect, Reason::Refused, "in memory");
        self.calls.try_send(MemoryCall::Connected { number, mailbox }).map_err(failed)?;
        Ok(MemoryConnection { number, calls: self.calls.clone(), frames, outbox: VecDeque::new() })
    }
}

impl SignalingConnection for MemoryConnection {
    fn push(&mut self, text: String) -> Result<(), Failure> {
        self.outbox.push_back(text);
        Ok(())
    }

    fn is_waiting(&self) -> bool {
        !self.outbox.is_empty()
    }

    fn unsent(&self) -> usize {
        self.outbox.len()
    }

    fn poll_flush(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        while let Some(text) = self.outbox.pop_front() {
            if self.calls.try_send(MemoryCall::Frame { number: self.number, text }).is_err() {
                return Poll::Ready(Err(Failure::new(Phase::Join, Reason::Closed, "in memory")));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Frame, Failure>> {
        let closed = || Failure::new(Phase::Join, Reason::Closed, "in memory");
        self.frames.poll_recv(context).map(|frame| frame.ok_or_else(closed))
    }

    fn stamp(&self) -> Option<SystemTime> {
        None
    }

    fn dial_waited(&self) -> Duration {
        Duration::ZERO
    }

    fn poll_close(&mut self, _context: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

impl Drop for MemoryConnection {
    fn drop(&mut self) {
        // A server that has stopped needs no `Closed`.
        let _ = self.calls.try_send(MemoryCall::Closed { number: self.number });
    }
}
