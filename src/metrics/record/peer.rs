//! The recorder's state of one peer: its lifecycle and its milestones.

use crate::metrics::run_time::RunTime;

#[derive(Clone, Copy, Debug, Default)]
pub(in crate::metrics) struct PeerRecord {
    pub state: State,
    pub due: RunTime,
    pub began: RunTime,
    pub upgraded: RunTime,
    pub joined: RunTime,
    pub left: RunTime,
    /// The begin of the current connection: the upgrade, or the join after a redial.
    pub connected: RunTime,
    /// The last frame that the peer wrote.
    pub said: RunTime,
    /// The arrival of the last frame that the peer read.
    pub heard: RunTime,
    /// It left with a goodbye while the others stay.
    pub said_goodbye: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::metrics) enum State {
    #[default]
    Planned,
    Began,
    Joined,
    Failed,
    Dropped,
    Left,
}

impl PeerRecord {
    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.state, State::Began | State::Joined)
    }

    /// The peer has not yet joined, failed or been dropped.
    pub(crate) fn is_undecided(&self) -> bool {
        matches!(self.state, State::Planned | State::Began)
    }
}
