//! The state of entering the room: which step is at hand, and what it waits for.

use std::time::Instant;

/// How far it has come.
#[derive(Debug, Default)]
pub(super) struct Joining {
    pub at: usize,
    pub open: bool,
    /// The step at hand waits no longer than this.
    pub until: Option<Instant>,
    /// All who sit before this peer have joined.
    pub turn: bool,
    /// So many offers are awaited for the pool.
    pub pooling: Option<usize>,
    pub failed: bool,
    /// Every step is done.
    pub over: bool,
}

impl Joining {
    pub fn open(&mut self) {
        self.open = true;
    }

    pub fn is_over(&self) -> bool {
        self.over
    }
}
