//! Reading a frame: a look first, a parse only if it may be for this peer, then the first rule that fits.

use super::Talk;
use crate::dialect::codec::{Codec, Content};
use crate::dialect::look::{Seen, head};
use crate::dialect::script::Rule;
use crate::dialect::{Concern, Output};
use crate::vocabulary::message::{Heard, Kind};
use serde_json::Value;
use std::time::Instant;

/// Of a frame that no rule knows.
const UNKNOWN: Kind = Kind(0);

impl Talk {
    /// What the frame was, and whom it was for.
    pub(super) fn hear(&mut self, now: Instant, frame: &str) -> (Kind, Concern) {
        let script = self.script.clone();
        let mut content = None;
        if self.expects() || (script.codec == Codec::SocketIo && !frame.starts_with("42")) {
            match self.open_up(frame) {
                Ok(opened) => content = Some(opened),
                Err(told) => return told,
            }
        }
        if let Some(content) = &content
            && let Some(kind) = self.was_expected(now, content)
        {
            return (kind, Concern::Me { from: None });
        }
        let first = head(frame, script.codec, &script.opening);
        let able = first.and_then(|first| script.by_head.get(first)).unwrap_or(match first {
            Some(_) => &script.headless,
            None => &script.any,
        });
        let mut kind = None;
        for rule in able.iter().map(|index| &script.rules[usize::from(*index)]) {
            match rule.look.at(frame, first, &self.state.globals) {
                Seen::Other => continue,
                Seen::Others => {
                    kind = kind.or(Some(rule.kind));
                    continue;
                }
                Seen::Maybe => {}
            }
            if content.is_none() {
                match self.open_up(frame) {
                    Ok(opened) => content = Some(opened),
                    Err(told) => return told,
                }
            }
            let Some(opened) = &content else { continue };
            if let Some(mut locals) = self.hits(now, rule, opened) {
                return (rule.kind, self.perform(now, rule, &mut locals));
            }
        }
        if kind.is_none() && content.is_none() {
            // No rule knows it even by a look: is it of the codec at all?
            if let Err(told) = self.open_up(frame) {
                return told;
            }
        }
        (kind.unwrap_or(UNKNOWN), Concern::Others)
    }

    /// The frame's content; what is the transport's own, or garbage, is dealt with.
    fn open_up(&mut self, frame: &str) -> Result<Value, (Kind, Concern)> {
        match self.script.codec.decode(frame) {
            Content::Value(value) => Ok(value),
            Content::Transport(answer) => {
                if let Some(answer) = answer {
                    self.outputs.push_back(Output::Send { text: answer.to_owned(), kind: UNKNOWN, to: None });
                }
                Err((UNKNOWN, Concern::Me { from: None }))
            }
            Content::Garbage => {
                self.outputs.push_back(Output::Heard(Heard::Nonsense));
                Err((UNKNOWN, Concern::Me { from: None }))
            }
        }
    }

    /// What the rule binds, if all of it holds.
    fn hits(&self, now: Instant, rule: &Rule, content: &Value) -> Option<Vec<Value>> {
        let mut locals = vec![Value::Null; rule.locals];
        if !rule.pattern.fits(Some(content), &self.state.globals, &mut locals) {
            return None;
        }
        let now_ms = self.me.timestamp(now);
        for (slot, expression) in &rule.lets {
            let value = expression.value(self.state.view(&self.script, now_ms, &locals, None)).into_owned();
            locals[*slot] = value;
        }
        let view = self.state.view(&self.script, now_ms, &locals, None);
        rule.conditions.iter().all(|condition| condition.holds(view)).then_some(locals)
    }
}
