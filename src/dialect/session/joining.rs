//! The progress of a join: its current step and what that waits for.

use std::time::Instant;

/// The state of a join; `at` is the index of the current step.
#[derive(Debug, Default)]
pub(super) struct Joining {
    pub at: usize,
    pub open: bool,
    /// The time at which the current step stops waiting.
    pub until: Option<Instant>,
    /// Every peer with a lower seat has joined.
    pub turn: bool,
    /// The number of offers to wait for, while pooling.
    pub pooling: Option<usize>,
    pub failed: bool,
    /// Every step is done.
    pub over: bool,
}

impl Joining {
    pub(super) fn open(&mut self) {
        self.open = true;
    }
}
