//! The frames that an experiment may say again, with their due times.

use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Instant;

/// The frames that a trial may say again.
#[derive(Debug, Default)]
pub(super) struct FrameRepeats {
    /// The join was held back for the trial's time.
    pub held: bool,
    /// The templates that the join has said, in order.
    pub join: Vec<usize>,
    pub join_due: Option<Instant>,
    /// By addressee: an unanswered offer's due time, and its locals.
    pub offers: BTreeMap<String, (Instant, [Value; 2])>,
}

impl FrameRepeats {
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.offers.values().map(|(due, _)| *due).chain(self.join_due).min()
    }

    /// The peer has answered: its offer is not said again.
    pub(super) fn answered(&mut self, id: &str) {
        self.offers.remove(id);
    }
}
