//! Signaling without a network: a peer's line to a server in the same thread.

use super::{Frame, OUTBOX_FRAMES_MAX, SignalingConnection};
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::phase::Phase;
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Calls of all lines that wait for the server.
const CALLS_MAX: usize = 65_536;

/// What the server is told. Numbers count up from 0 and are never used again.
#[derive(Debug)]
pub enum MemoryCall {
    Came {
        number: u32,
        /// Takes the server's frames to the peer; one that has no room left belongs to a peer that is stuck.
        mailbox: mpsc::Sender<Frame>,
    },
    Said {
        number: u32,
        text: String,
    },
    Went {
        number: u32,
    },
}

/// Where lines are opened.
#[derive(Clone, Debug)]
pub struct MemoryListener {
    calls: mpsc::Sender<MemoryCall>,
    next: Rc<Cell<u32>>,
}

/// One open line.
#[derive(Debug)]
pub struct MemoryConnection {
    number: u32,
    calls: mpsc::Sender<MemoryCall>,
    frames: mpsc::Receiver<Frame>,
    outbox: VecDeque<String>,
}

impl MemoryListener {
    /// An exchange, and what its server hears.
    pub fn new() -> (Self, mpsc::Receiver<MemoryCall>) {
        let (calls, heard) = mpsc::channel(CALLS_MAX);
        (Self { calls, next: Rc::default() }, heard)
    }

    /// # Errors
    /// The server is gone, or so far behind that its queue is full.
    pub fn dial(&self) -> Result<MemoryConnection, Failure> {
        let number = self.next.get();
        self.next.set(number + 1);
        let (mailbox, frames) = mpsc::channel(OUTBOX_FRAMES_MAX);
        let failed = |_| Failure::new(Phase::Connect, Reason::Refused, "in memory");
        self.calls.try_send(MemoryCall::Came { number, mailbox }).map_err(failed)?;
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

    fn poll_flush(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        while let Some(text) = self.outbox.pop_front() {
            if self.calls.try_send(MemoryCall::Said { number: self.number, text }).is_err() {
                return Poll::Ready(Err(Failure::new(Phase::Join, Reason::Closed, "in memory")));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Frame, Failure>> {
        let closed = || Failure::new(Phase::Join, Reason::Closed, "in memory");
        self.frames.poll_recv(context).map(|frame| frame.ok_or_else(closed))
    }

    fn poll_close(&mut self, _context: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

impl Drop for MemoryConnection {
    fn drop(&mut self) {
        // A server that is gone needs no telling.
        let _ = self.calls.try_send(MemoryCall::Went { number: self.number });
    }
}
