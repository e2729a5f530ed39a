//! Receives a frame: one look at its text, then parsing if it may be for this peer, then the first rule that fits.

use super::Session;
use crate::dialect::Output;
use crate::dialect::compile::compiled::Rule;
use crate::dialect::language::codec::{Codec, Content, acknowledgement_of};
use crate::dialect::language::evaluate::LookupView;
use crate::dialect::prefilter::Remainder;
use crate::dialect::prefilter::entry_scan::ScanResult;
use crate::vocabulary::{Concern, FrameKind, Heard, Reason};
use serde_json::Value;
use std::time::Instant;

/// The kind of a frame that no rule matches.
const UNKNOWN: FrameKind = FrameKind(0);

/// The start of MQTT's answer to a subscription, which concerns only a join that expects it.
const SUBACK: &str = "{\"suback\":";

impl Session {
    /// Handles a frame, and returns its kind and addressee.
    pub(super) fn receive(&mut self, now: Instant, frame: &str) -> (FrameKind, Concern<String>) {
        self.taken_by = None;
        self.acknowledgement = None;
        let dialect = self.dialect.clone();
        if dialect.codec == Codec::SocketIo {
            self.acknowledgement = acknowledgement_of(frame);
        }
        let mut content = None;
        if self.expects_frame() || (dialect.codec == Codec::SocketIo && !frame.starts_with("42")) {
            match self.decode(frame) {
                Ok(decoded) => content = Some(decoded),
                Err(reported) => return reported,
            }
        }
        if let Some(content) = &content
            && let Some(kind) = self.take_expected(now, content)
        {
            return (kind, Concern::Me { from: None });
        }
        if dialect.connect.mqtt.is_some() && frame.starts_with(SUBACK) {
            return (UNKNOWN, Concern::Me { from: None });
        }
        let (look, message_type, ruled_out) = dialect.looks.at(frame, &self.state.globals);
        let rules = || look.rules.iter().map(|index| &dialect.rules[usize::from(*index)]).enumerate();
        for (_, rule) in rules().filter(|(position, _)| ruled_out.leaves(*position)) {
            let bound = match self.match_rule(now, rule, frame, message_type.is_some(), &mut content) {
                Ok(bound) => bound,
                Err(reported) => return reported,
            };
            if let Some(mut locals) = bound {
                self.taken_by = Some(rule.line);
                return (rule.kind, self.run_actions(now, rule, &mut locals));
            }
        }
        // A rule without a message type does not tell the kind of a frame that has one.
        let is_known = |rule: &Rule| rule.message_type.is_some() || message_type.is_none();
        let kind = rules().find(|(position, rule)| ruled_out.is_foreign(*position) && is_known(rule));
        let kind = kind.map(|(_, rule)| rule.kind);
        if kind.is_none() {
            // The look did not recognise the frame: it may be for others, or one that no rule takes.
            let content = match content {
                Some(content) => content,
                None => match self.decode(frame) {
                    Ok(content) => content,
                    Err(reported) => return reported,
                },
            };
            if self.fits_no_rule(&content) {
                self.note_unmatched(&content);
            }
        }
        (kind.unwrap_or(UNKNOWN), Concern::Others)
    }

    /// Decodes a frame; transport packets are answered, garbage is reported, and both end its handling as `Err`.
    fn decode(&mut self, frame: &str) -> Result<Value, (FrameKind, Concern<String>)> {
        let answer = match self.dialect.codec.decode(frame, &self.dialect.connect.namespace) {
            Content::Value(value) => {
                self.awaits_connect = false;
                return Ok(value);
            }
            Content::Open => {
                self.awaits_connect = true;
                Some(self.connect_packet())
            }
            Content::Transport(answer) => answer.map(str::to_owned),
            Content::Foreign(protocol) => {
                self.fail_join(Reason::Protocol, protocol);
                None
            }
            Content::Garbage => {
                self.note_garbage(frame);
                self.outputs.push_back(Output::Heard(Heard::Nonsense));
                None
            }
        };
        self.outputs.extend(answer.map(|text| Output::Send { text, kind: UNKNOWN, to: None }));
        Err((UNKNOWN, Concern::Me { from: None }))
    }

    /// The values that a matching rule binds; decodes the frame only if it must be.
    fn match_rule(
        &mut self,
        now: Instant,
        rule: &Rule,
        frame: &str,
        is_typed: bool,
        content: &mut Option<Value>,
    ) -> Result<Option<Vec<Value>>, (FrameKind, Concern<String>)> {
        if !rule.guards.iter().all(|guard| self.holds(now, Some(guard), true, &[], None)) {
            return Ok(None);
        }
        let mut locals = vec![Value::Null; rule.locals];
        let found = match (&rule.rest, content.is_none() && is_typed) {
            (Remainder::Nothing, true) => ScanResult::Fits,
            (Remainder::Entry(entry), true) => entry.find(frame, &self.state.globals, &mut locals),
            _ => ScanResult::Unsure,
        };
        let fits = match found {
            ScanResult::Fits => true,
            ScanResult::Not => false,
            ScanResult::Unsure => self.match_content(rule, frame, content, &mut locals)?,
        };
        Ok(if fits { self.check_conditions(now, rule, locals) } else { None })
    }

    /// Matches the frame's content; decodes it only if that has not been done, and if the rule needs all of it.
    fn match_content(
        &mut self,
        rule: &Rule,
        frame: &str,
        content: &mut Option<Value>,
        locals: &mut [Value],
    ) -> Result<bool, (FrameKind, Concern<String>)> {
        let list_text = rule.list_text.as_ref();
        if let Some(mut rest) = list_text.filter(|_| content.is_none()).and_then(|list| list.read(frame)) {
            return Ok(rule.pattern.fits_moving(&mut rest, &self.state.globals, locals));
        }
        let decoded = match content.take() {
            Some(decoded) => decoded,
            None => self.decode(frame)?,
        };
        let decoded = content.insert(decoded);
        let fits = match rule.conditions.is_empty() {
            // No later rule reads the content of a frame that this rule takes.
            true => rule.pattern.fits_moving(decoded, &self.state.globals, locals),
            false => rule.pattern.fits(Some(decoded), &self.state.globals, locals),
        };
        list_text.into_iter().for_each(|list| list.clear_text(locals));
        Ok(fits)
    }

    /// Adds the values of `let`, and returns all if the conditions of `where` hold.
    fn check_conditions(&self, now: Instant, rule: &Rule, mut locals: Vec<Value>) -> Option<Vec<Value>> {
        let now_ms = self.me.timestamp(now);
        let list_text = rule.list_text.as_ref().map(|list| list.slot);
        for (slot, expression) in &rule.lets {
            let view = self.state.view(&self.dialect, now_ms, &locals, None);
            let value = expression.value(LookupView { list_text, ..view }).into_owned();
            locals[*slot] = value;
        }
        let view = self.state.view(&self.dialect, now_ms, &locals, None);
        rule.conditions.iter().all(|condition| condition.holds(view)).then_some(locals)
    }
}
