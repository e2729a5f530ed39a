//! The end of a run, and the reasons why one ends early or never begins.

use super::report::conclude::PlayedShare;
use super::signals::StopSignal;
use crate::signaling::Refused;
use crate::summary::Summary;
use serde::{Deserialize, Serialize};
use std::io;

/// The result of a run.
pub struct FinishedRun {
    /// Complete except for `gates` and the outcome, which the caller sets.
    pub summary: Summary,
    pub stop: Option<Stop>,
    /// The figures of the share, for the merge with those of other machines.
    pub played: PlayedShare,
    /// The `meshload probe` command that examines the same target.
    pub probe: String,
    /// Peers whose code panicked. Each is a defect of meshload; the panic ended only that peer.
    pub panics: u64,
    /// The content of `events.jsonl.gz`, if it was asked for.
    pub events: Option<Vec<u8>>,
}

/// The reason for which a run ended before its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    Signal(StopSignal),
    /// The failure brake: more than half failed for 10 s.
    Brake,
    /// A gate marked `abort` failed; `run.stopped_by` of the `Summary` names it.
    Gate,
}

impl From<StopSignal> for Stop {
    fn from(signal: StopSignal) -> Self {
        match signal {
            StopSignal::Gate => Self::Gate,
            signal => Self::Signal(signal),
        }
    }
}

/// The reason for which a run did not start.
#[derive(Debug)]
pub enum StartError {
    /// The target is neither on this machine nor on a private network, and is not allowed by name.
    Barred(Refused),
    /// The target's URL does not parse.
    Url(String),
    /// A STUN or TURN server has no address or no route.
    IceServer(String),
    /// The operating system refused what the run needs.
    Own(io::Error),
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Own(error)
    }
}
