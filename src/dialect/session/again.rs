//! Plays a `Trial`: holds the join back, and says its frames or an offer again.

use super::Session;
use super::join::JoinProgress;
use serde_json::Value;
use std::time::Instant;

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
