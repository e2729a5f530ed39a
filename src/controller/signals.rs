//! The signals that stop a run, and the second one that ends the process.

use std::io;
use std::time::{Duration, Instant};
use tokio::signal::unix::{self, SignalKind};

/// Terminals and npm send a signal twice: the same one again within this is the first (interface.md).
const TWICE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Hangup,
    Interrupt,
    Terminate,
}

impl Signal {
    pub fn name(self) -> &'static str {
        match self {
            Self::Hangup => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }

    pub fn number(self) -> u8 {
        match self {
            Self::Hangup => 1,
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}

/// The signals of this process.
pub struct Signals {
    hangup: unix::Signal,
    interrupt: unix::Signal,
    terminate: unix::Signal,
    first: Option<(Signal, Instant)>,
}

impl Signals {
    /// # Errors
    /// The handlers can't be installed.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: unix::signal(SignalKind::hangup())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            first: None,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Signal {
        let signal = tokio::select! {
            _ = self.hangup.recv() => Signal::Hangup,
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        };
        self.first.get_or_insert((signal, Instant::now()));
        signal
    }

    /// Whether a signal after the first is a new one, and ends the process at once.
    pub fn is_second(&self, signal: Signal) -> bool {
        self.first.is_some_and(|(first, at)| first != signal || at.elapsed() > TWICE)
    }
}
