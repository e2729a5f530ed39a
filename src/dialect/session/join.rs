//! Runs the join steps of the dialect in order; each may wait for a frame, a time or another peer.

use super::Session;
use crate::dialect::Output;
use crate::dialect::compile::compiled::{JoinAction, JoinStep};
use crate::dialect::language::names::OFFERS;
use crate::vocabulary::{Failure, FrameKind, Heard, Phase, Reason};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

pub(super) enum JoinProgress {
    Next,
    Wait,
}

impl Session {
    /// Runs every step that does not have to wait.
    pub(super) fn run_join(&mut self, now: Instant) {
        if self.joining.over {
            return;
        }
        let dialect = self.dialect.clone();
        while self.joining.open && !self.joining.failed {
            let Some(step) = self.steps(&dialect).get(self.joining.at) else {
                if matches!(self.hold_join(now), JoinProgress::Wait) {
                    return;
                }
                if !dialect.acknowledged {
                    self.finish_join(now);
                }
                self.joining.over = true;
                return;
            };
            let view = self.state.view(&dialect, self.me.timestamp(now), &[], None);
            let wanted = step.when.as_ref().is_none_or(|when| when.holds(view));
            match if wanted { self.run_join_step(now, &step.action) } else { JoinProgress::Next } {
                JoinProgress::Next => {
                    self.joining.at += 1;
                    self.joining.until = None;
                }
                JoinProgress::Wait => return,
            }
        }
    }

    pub(super) fn join_steps(&self) -> &[JoinStep] {
        self.steps(&self.dialect)
    }

    fn steps<'a>(&self, dialect: &'a Arc<super::CompiledDialect>) -> &'a [JoinStep] {
        match &dialect.join_first {
            Some(first) if self.me.host => first,
            _ => &dialect.join,
        }
    }

    fn run_join_step(&mut self, now: Instant, action: &JoinAction) -> JoinProgress {
        match action {
            JoinAction::Say(templates) => {
                if matches!(self.hold_join(now), JoinProgress::Wait) {
                    return JoinProgress::Wait;
                }
                self.send_all(now, templates, &[], None);
                self.note_join(now, templates);
            }
            JoinAction::Set(settings) => self.set_variables(now, settings, &[]),
            JoinAction::Share(shared) => self.share(now, shared, &[]),
            JoinAction::Joined => self.finish_join(now),
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

    pub(super) fn wait(&mut self, now: Instant, time: std::time::Duration) -> JoinProgress {
        let until = *self.joining.until.get_or_insert(now + time);
        if until <= now { JoinProgress::Next } else { JoinProgress::Wait }
    }

    fn expect(&mut self, now: Instant, timeout: Option<std::time::Duration>) -> JoinProgress {
        if let Some(timeout) = timeout
            && *self.joining.until.get_or_insert(now + timeout) <= now
        {
            let detail = self.join_in_words().unwrap_or_default();
            self.fail_join(Reason::TimedOut, detail);
        }
        JoinProgress::Wait
    }

    pub(super) fn fail_join(&mut self, reason: Reason, detail: impl Into<Cow<'static, str>>) {
        self.joining.failed = true;
        self.joining.until = None;
        let failure = Failure::new(Phase::Join, reason, detail);
        self.outputs.push_back(Output::Heard(Heard::Refused(failure)));
    }

    /// Matches the frame that the current step waits for, takes its values, and moves on to the next step.
    pub(super) fn take_expected(&mut self, now: Instant, content: &Value) -> Option<FrameKind> {
        let dialect = self.dialect.clone();
        let step = self.steps(&dialect).get(self.joining.at).filter(|_| self.joining.open)?;
        let JoinAction::Expect { kind, pattern, locals, set, .. } = &step.action else { return None };
        let mut bound = vec![Value::Null; *locals];
        if !pattern.fits(Some(content), &self.state.globals, &mut bound) {
            return None;
        }
        self.set_variables(now, set, &bound);
        if std::mem::take(&mut self.refused) {
            self.fail_join(Reason::Protocol, "an id or value that is too long");
            return Some(*kind);
        }
        self.taken_by = Some(step.line);
        self.joining.at += 1;
        self.joining.until = None;
        Some(*kind)
    }

    /// The current step waits for a frame.
    pub(super) fn expects_frame(&self) -> bool {
        let step = self.steps(&self.dialect).get(self.joining.at);
        self.joining.open && step.is_some_and(|step| matches!(step.action, JoinAction::Expect { .. }))
    }

    /// Requests an offer for each peer that joined before, and waits for all of them.
    fn await_pool(&mut self, now: Instant) -> JoinProgress {
        let Some(awaited) = self.joining.pooling else {
            let awaited = self.present.iter().filter(|(_, earlier)| *earlier).count();
            self.joining.pooling = Some(awaited);
            self.report_present(now);
            return if awaited == 0 { self.end_pooling() } else { JoinProgress::Wait };
        };
        let made = self.state.globals[OFFERS].as_array().map_or(0, Vec::len);
        if made >= awaited { self.end_pooling() } else { JoinProgress::Wait }
    }

    fn end_pooling(&mut self) -> JoinProgress {
        self.joining.pooling = None;
        JoinProgress::Next
    }
}
