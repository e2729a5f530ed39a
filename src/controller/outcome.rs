//! The end of a run, and the reasons why one ends early or never begins.

use super::signals::Signal;
use crate::signaling::Barrier;
use crate::summary::Summary;
use std::io;

/// A run that is over.
pub struct Done {
    /// Complete but for its gates and outcome, which are the caller's to set.
    pub summary: Summary,
    pub stop: Option<Stop>,
    /// Peers whose code panicked; contained, and our own fault.
    pub panics: u64,
    /// events.jsonl.gz, if it was asked for.
    pub events: Option<Vec<u8>>,
}

/// What ended a run before its plan did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Signal(Signal),
    /// Too much failed for too long.
    Brake,
    /// A gate marked `abort` failed; `run.stopped_by` of the Summary names it.
    Gate,
}

/// Why there is no run.
#[derive(Debug)]
pub enum Trouble {
    /// The target is neither on this machine nor on a private network, and was not allowed by name.
    Barred(Barrier),
    /// The URL can't be dialled.
    Url(String),
    /// A STUN or TURN server can't be found.
    IceServer(String),
    /// The operating system refused what the run needs.
    Own(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Own(error)
    }
}
