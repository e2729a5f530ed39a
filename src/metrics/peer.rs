//! What is known of one peer.

use crate::metrics::stamp::Stamp;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peer {
    pub state: State,
    pub due: Stamp,
    pub began: Stamp,
    pub upgraded: Stamp,
    pub joined: Stamp,
    pub left: Stamp,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Planned,
    Began,
    Joined,
    Failed,
    Dropped,
    Left,
}

impl Peer {
    pub fn is_alive(&self) -> bool {
        matches!(self.state, State::Began | State::Joined)
    }

    /// Whether it still has to say how it ended: as joined, failed or dropped.
    pub fn is_undecided(&self) -> bool {
        matches!(self.state, State::Planned | State::Began)
    }
}
