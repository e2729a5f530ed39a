//! Entering the room: the dialect's steps in order, each as soon as what it waits for is there.

use super::Session;
use crate::dialect::Output;
use crate::dialect::compile::compiled::{JoinAction, JoinStep};
use crate::dialect::language::names::OFFERS;
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::message::{FrameKind, Heard};
use crate::vocabulary::phase::Phase;
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

enum JoinProgress {
    Next,
    Wait,
}

impl Session {
    /// Does every step that can be done now.
    pub(super) fn go_on(&mut self, now: Instant) {
        if self.joining.over {
            return;
        }
        let script = self.script.clone();
        while self.joining.open && !self.joining.failed {
            let Some(step) = self.steps(&script).get(self.joining.at) else {
                if !script.acknowledged {
                    self.joined(now);
                }
                self.joining.over = true;
                return;
            };
            let view = self.state.view(&script, self.me.timestamp(now), &[], None);
            let wanted = step.when.as_ref().is_none_or(|when| when.holds(view));
            match if wanted { self.join_step(now, &step.action) } else { JoinProgress::Next } {
                JoinProgress::Next => {
                    self.joining.at += 1;
                    self.joining.until = None;
                }
                JoinProgress::Wait => return,
            }
        }
    }

    fn steps<'a>(&self, script: &'a Arc<super::CompiledDialect>) -> &'a [JoinStep] {
        match &script.join_first {
            Some(first) if self.me.host => first,
            _ => &script.join,
        }
    }

    fn join_step(&mut self, now: Instant, action: &JoinAction) -> JoinProgress {
        match action {
            JoinAction::Say(templates) => self.say_all(now, templates, &[], None),
            JoinAction::Set(settings) => self.apply(now, settings, &[]),
            JoinAction::Share(shared) => self.share(now, shared, &[]),
            JoinAction::Joined => self.joined(now),
            JoinAction::Expect { timeout, .. } => return self.expect(now, *timeout),
            JoinAction::Need(needs) => {
                for (name, slot) in needs {
                    let Some(value) = self.shared.get(name).cloned() else { return JoinProgress::Wait };
                    self.set(*slot, value);
                }
            }
            JoinAction::Turn if !self.joining.turn => return JoinProgress::Wait,
            JoinAction::Turn => {}
            JoinAction::Pool => return self.await_pool(now),
            JoinAction::Settle => return self.wait(now, self.me.settle),
            JoinAction::Wait(time) => return self.wait(now, *time),
        }
        JoinProgress::Next
    }

    fn wait(&mut self, now: Instant, time: std::time::Duration) -> JoinProgress {
        let until = *self.joining.until.get_or_insert(now + time);
        if until <= now { JoinProgress::Next } else { JoinProgress::Wait }
    }

    fn expect(&mut self, now: Instant, timeout: Option<std::time::Duration>) -> JoinProgress {
        if let Some(timeout) = timeout
            && *self.joining.until.get_or_insert(now + timeout) <= now
        {
            self.joining.failed = true;
            self.joining.until = None;
            let failure = Failure::new(Phase::Join, Reason::TimedOut, "the server did not say what was expected");
            self.outputs.push_back(Output::Heard(Heard::Refused(failure)));
        }
        JoinProgress::Wait
    }

    /// Whether the frame is the one that the join waits for. It takes its values, and the join goes on.
    pub(super) fn was_expected(&mut self, now: Instant, content: &Value) -> Option<FrameKind> {
        let script = self.script.clone();
        let step = self.steps(&script).get(self.joining.at).filter(|_| self.joining.open)?;
        let JoinAction::Expect { kind, pattern, locals, set, .. } = &step.action else { return None };
        let mut bound = vec![Value::Null; *locals];
        if !pattern.fits(Some(content), &self.state.globals, &mut bound) {
            return None;
        }
        self.apply(now, set, &bound);
        self.joining.at += 1;
        self.joining.until = None;
        Some(*kind)
    }

    /// Whether the step at hand waits for a frame.
    pub(super) fn expects(&self) -> bool {
        let step = self.steps(&self.script).get(self.joining.at);
        self.joining.open && step.is_some_and(|step| matches!(step.action, JoinAction::Expect { .. }))
    }

    /// Has an offer made for each of those who joined, and waits until all are there.
    fn await_pool(&mut self, now: Instant) -> JoinProgress {
        let Some(awaited) = self.joining.pooling else {
            let awaited = self.present.iter().filter(|(_, earlier)| *earlier).count();
            self.joining.pooling = Some(awaited);
            self.tell_present(now);
            return if awaited == 0 { self.pooled() } else { JoinProgress::Wait };
        };
        let made = self.state.globals[OFFERS].as_array().map_or(0, Vec::len);
        if made >= awaited { self.pooled() } else { JoinProgress::Wait }
    }

    fn pooled(&mut self) -> JoinProgress {
        self.joining.pooling = None;
        JoinProgress::Next
    }
}
