//! Reading a frame: a look first, a parse only if it may be for this peer, then the first rule that fits.

use super::Session;
use crate::dialect::Output;
use crate::dialect::codec::{Codec, Content};
use crate::dialect::compiled::Rule;
use crate::dialect::entry_scan::ScanResult;
use crate::dialect::own_values::FrameScan;
use crate::dialect::prefilter::{PrefilterResult, Remainder, head};
use crate::vocabulary::event::Concern;
use crate::vocabulary::message::{FrameKind, Heard};
use serde_json::Value;
use std::time::Instant;

/// Of a frame that no rule knows.
const UNKNOWN: FrameKind = FrameKind(0);

impl Session {
    /// What the frame was, and whom it was for.
    pub(super) fn receive(&mut self, now: Instant, frame: &str) -> (FrameKind, Concern<String>) {
        if let Some(kind) = self.drops(frame) {
            return (kind, Concern::Others);
        }
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
        let mut scan = FrameScan::at(frame, &script.numbered);
        let mut kind = None;
        for rule in able.iter().map(|index| &script.rules[usize::from(*index)]) {
            match rule.look.at(&mut scan, first, &self.words, kind.is_some()) {
                PrefilterResult::Other => continue,
                PrefilterResult::Others => {
                    // A rule about frames of any kind does not tell which this one is.
                    kind = kind.or((rule.look.head.is_some() || first.is_none()).then_some(rule.kind));
                    continue;
                }
                PrefilterResult::Maybe => {}
            }
            let hit = match self.hits(now, rule, first, &mut scan, &mut content) {
                Ok(hit) => hit,
                Err(told) => return told,
            };
            if let Some(mut locals) = hit {
                return (rule.kind, self.run_actions(now, rule, &mut locals));
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

    /// What a frame is that is for others beyond doubt, once nothing is awaited any more.
    fn drops(&self, frame: &str) -> Option<FrameKind> {
        let script = &*self.script;
        let first = if self.joining.is_over() { head(frame, script.codec, &script.opening)? } else { return None };
        script.common.get(first).filter(|common| common.drops(frame, &self.words)).map(|common| common.kind)
    }

    /// The frame's content; what is the transport's own, or garbage, is dealt with.
    fn open_up(&mut self, frame: &str) -> Result<Value, (FrameKind, Concern<String>)> {
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

    /// What the rule binds, if all of it holds. The frame is opened up only if nothing less tells.
    fn hits(
        &mut self,
        now: Instant,
        rule: &Rule,
        first: Option<&str>,
        scan: &mut FrameScan<'_>,
        content: &mut Option<Value>,
    ) -> Result<Option<Vec<Value>>, (FrameKind, Concern<String>)> {
        let mut locals = vec![Value::Null; rule.locals];
        let found = match (&rule.look.rest, content.is_none() && first.is_some()) {
            (Remainder::Nothing, true) => ScanResult::Fits,
            (Remainder::Entry(entry), true) => entry.find(scan, &self.words, &self.state.globals, &mut locals),
            _ => ScanResult::Unsure,
        };
        let fits = match found {
            ScanResult::Fits => true,
            ScanResult::Not => false,
            ScanResult::Unsure => {
                let opened = match content.take() {
                    Some(opened) => opened,
                    None => self.open_up(scan.frame)?,
                };
                let opened = content.insert(opened);
                rule.pattern.fits(Some(opened), &self.state.globals, &mut locals)
            }
        };
        Ok(if fits { self.agrees(now, rule, locals) } else { None })
    }

    /// The rule's values with those it derives from them, if its conditions hold.
    fn agrees(&self, now: Instant, rule: &Rule, mut locals: Vec<Value>) -> Option<Vec<Value>> {
        let now_ms = self.me.timestamp(now);
        for (slot, expression) in &rule.lets {
            let value = expression.value(self.state.view(&self.script, now_ms, &locals, None)).into_owned();
            locals[*slot] = value;
        }
        let view = self.state.view(&self.script, now_ms, &locals, None);
        rule.conditions.iter().all(|condition| condition.holds(view)).then_some(locals)
    }
}
