//! Plays a `Trial`: holds the join back, and says its frames or an offer again.

use super::Session;
use super::join::JoinProgress;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Instant;

/// The frames that a trial may say again.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// The join was held back for the trial's time.
    held: bool,
    /// The templates that the join has said, in order.
    join: Vec<usize>,
    join_due: Option<Instant>,
    /// By addressee: an unanswered offer's due time, and its locals.
    offers: BTreeMap<String, (Instant, [Value; 2])>,
}

impl Repeats {
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.offers.values().map(|(due, _)| *due).chain(self.join_due).min()
    }

    /// The peer has answered: its offer is not said again.
    pub(super) fn answered(&mut self, id: &str) {
        self.offers.remove(id);
    }
}

impl Session {
    /// Waits for the trial's time before the first frame of the join.
    pub(super) fn hold_join(&mut self, now: Instant) -> JoinProgress {
        if self.repeats.held || self.trial.join_wait.is_zero() {
            return JoinProgress::Next;
        }
        let progress = self.wait(now, self.trial.join_wait);
        self.repeats.held = matches!(progress, JoinProgress::Next);
        progress
    }

    /// Notes frames that the join has said.
    pub(super) fn note_join(&mut self, now: Instant, templates: &[usize]) {
        if let Some(pause) = self.trial.join_again {
            self.repeats.join.extend(templates);
            self.repeats.join_due = Some(now + pause);
        }
    }

    /// Notes an offer that was said.
    pub(super) fn note_offer(&mut self, now: Instant, to: &str, locals: &[Value; 2]) {
        if let Some(pause) = self.trial.offer_again {
            self.repeats.offers.insert(to.to_owned(), (now + pause, locals.clone()));
        }
    }

    /// Says again whatever is due, once.
    pub(super) fn repeat_due(&mut self, now: Instant) {
        if self.repeats.join_due.is_some_and(|due| due <= now) {
            self.repeats.join_due = None;
            let join = std::mem::take(&mut self.repeats.join);
            if self.state.members.ids().is_empty() {
                self.send_all(now, &join, &[], None);
            }
        }
        let due: Vec<String> =
            self.repeats.offers.iter().filter(|(_, (due, _))| *due <= now).map(|(id, _)| id.clone()).collect();
        for id in due {
            let Some((_, locals)) = self.repeats.offers.remove(&id) else { continue };
            let dialect = self.dialect.clone();
            self.send_all(now, &dialect.signals.offer, &locals, Some(&id));
        }
    }
}
