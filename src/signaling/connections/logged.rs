//! A connection whose first frames each way are logged.

use super::{Frame, SignalingConnection};
use crate::signaling::dial_log::DialLog;
use crate::vocabulary::Failure;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

/// Frames each way that are told.
const FRAMES_MAX: usize = 6;

pub(in crate::signaling) struct LoggedConnection {
    connection: Box<dyn SignalingConnection>,
    log: DialLog,
    pushed: usize,
    read: usize,
}

impl LoggedConnection {
    pub(in crate::signaling) fn new(connection: Box<dyn SignalingConnection>, log: DialLog) -> Self {
        Self { connection, log, pushed: 0, read: 0 }
    }
}

impl SignalingConnection for LoggedConnection {
    fn push(&mut self, text: String) -> Result<(), Failure> {
        self.pushed += 1;
        if self.pushed <= FRAMES_MAX {
            self.log.tell_frame("→", &text);
        }
        self.connection.push(text)
    }

    fn is_waiting(&self) -> bool {
        self.connection.is_waiting()
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.connection.poll_flush(context)
    }

    fn unsent(&self) -> usize {
        self.connection.unsent()
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Frame, Failure>> {
        let polled = self.connection.poll_frame(context);
        match &polled {
            Poll::Ready(Ok(frame)) => {
                self.read += 1;
                if self.read <= FRAMES_MAX {
                    self.log.tell_frame("←", frame);
                }
            }
            Poll::Ready(Err(failure)) => self.log.tell(|| format!("ended: {failure}")),
            Poll::Pending => {}
        }
        polled
    }

    fn stamp(&self) -> Option<SystemTime> {
        self.connection.stamp()
    }

    fn dial_waited(&self) -> Duration {
        self.connection.dial_waited()
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.connection.poll_close(context)
    }
}
