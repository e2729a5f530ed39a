//! Notes what the dialect could not use: frames that no rule takes, frames that it lacks, values that are null.

use super::Session;
use crate::dialect::Output;
use crate::dialect::compile::compiled::JoinAction;
use crate::dialect::language::codec::Content;
use crate::dialect::language::difference::Differences;
use crate::dialect::shape::{example, shape};
use crate::vocabulary::{Concern, FrameKind, FrameNote, FrameNoteKind, NearestRule};
use serde_json::Value;
use std::sync::Arc;

/// The most shapes that one peer tells apart; further frames count for the last.
const SHAPES_MAX: usize = 16;
/// The most shapes that a stopped join tells.
const INSTEAD_MAX: usize = 3;
/// The most characters of an undecoded frame that are kept.
const GARBAGE_CHARS_MAX: usize = 200;

impl Session {
    /// Notes a frame that no rule takes, and that none would take with other variables.
    pub(super) fn note_unmatched(&mut self, content: &Value) {
        self.note(FrameNoteKind::Unmatched, shape(content), content);
        if !self.has_joined() && self.came_instead.len() < INSTEAD_MAX {
            let shape = shape(content);
            if !self.came_instead.contains(&shape) {
                self.came_instead.push(shape);
            }
        }
    }

    /// Notes text that the codec can't decode.
    pub(super) fn note_garbage(&mut self, frame: &str) {
        let start: String = frame.chars().take(GARBAGE_CHARS_MAX).collect();
        self.note(FrameNoteKind::Unmatched, "no frame of this codec".to_owned(), &Value::from(start));
    }

    pub(super) fn note(&mut self, kind: FrameNoteKind, shape: String, content: &Value) {
        let known = self.notes.iter().find(|note| note.kind == kind && note.shape == shape);
        let last = || self.notes.last().filter(|_| self.notes.len() >= SHAPES_MAX);
        let note = match known.or_else(last) {
            Some(note) => note.clone(),
            None => {
                let near = (kind == FrameNoteKind::Unmatched).then(|| self.nearest(content)).flatten();
                let example = content.as_str().map_or_else(|| example(content), str::to_owned);
                let note = Arc::new(FrameNote { kind, shape, example, near });
                self.notes.push(note.clone());
                note
            }
        };
        self.outputs.push_back(Output::Note(note));
    }

    /// Notes a flaw of the dialect file at `line`.
    pub(super) fn note_flaw(&mut self, kind: FrameNoteKind, subject: &str, why: &str, line: usize) {
        if self.notes.iter().any(|note| note.kind == kind && note.shape == subject) {
            return;
        }
        let near = NearestRule { at: self.dialect.at(line), kind: FrameKind(0), why: why.to_owned(), differences: 1 };
        let note = FrameNote { kind, shape: subject.to_owned(), example: String::new(), near: Some(near) };
        self.notes.push(Arc::new(note));
        self.outputs.extend(self.notes.last().cloned().map(Output::Note));
    }

    /// True if no rule would take the frame, whatever values the peer's variables had.
    pub(super) fn fits_no_rule(&self, content: &Value) -> bool {
        let steps = self.dialect.join.iter().chain(self.dialect.join_first.iter().flatten());
        let expected = steps.filter_map(|step| match &step.action {
            JoinAction::Expect { pattern, .. } => Some(pattern),
            _ => None,
        });
        let mut patterns = self.dialect.rules.iter().map(|rule| &rule.pattern).chain(expected);
        !patterns.any(|pattern| pattern.could_fit(Some(content)))
    }

    /// The rule or awaited frame with the least share of conditions that do not fit.
    fn nearest(&self, content: &Value) -> Option<NearestRule> {
        let steps = self.dialect.join.iter().filter_map(|step| match &step.action {
            JoinAction::Expect { kind, pattern, .. } => Some((step.line, *kind, pattern)),
            _ => None,
        });
        let rules = self.dialect.rules.iter().map(|rule| (rule.line, rule.kind, &rule.pattern));
        let mut nearest: Option<(f64, NearestRule)> = None;
        for (line, kind, pattern) in steps.chain(rules).filter(|(line, ..)| Some(*line) != self.taken_by) {
            let mut differences = Differences::default();
            pattern.differences("", Some(content), &self.state.globals, &mut differences);
            let share = differences.cost / differences.conditions.max(1) as f64;
            if share < nearest.as_ref().map_or(1.0, |(least, _)| *least) {
                let why = differences.found.first().cloned().unwrap_or_default();
                let differences = differences.found.len();
                nearest = Some((share, NearestRule { at: self.dialect.at(line), kind, why, differences }));
            }
        }
        nearest.map(|(_, rule)| rule)
    }

    /// Reports the text of the frame just handled before its other outputs, if the trial asks for it.
    pub(super) fn capture_read(&mut self, text: &str, kind: FrameKind, concern: &Concern<String>, at: usize) {
        if !self.trial.captures {
            return;
        }
        let content = match self.dialect.codec.decode(text, &self.dialect.connect.namespace) {
            Content::Value(content) => Some(content),
            _ => None,
        };
        let near = content.and_then(|content| self.nearest(&content)).map(Arc::new);
        let rule = self.taken_by.map(|line| self.dialect.at(line).into());
        self.outputs.insert(at, Output::Read { text: text.into(), kind, concern: concern.clone(), rule, near });
    }

    /// `step 1 of the join (mine.toml:12) waits for {type:"OPEN"}; came: {type:"ERROR"}`.
    pub(super) fn join_in_words(&self) -> Option<String> {
        if self.has_joined() || !self.joining.open {
            return None;
        }
        let step = self.join_steps().get(self.joining.at)?;
        let waits = match &step.action {
            JoinAction::Expect { pattern, .. } => format!("waits for {}", pattern.in_words()),
            JoinAction::Need(names) => {
                let names: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
                format!("waits until another peer shares {}", names.join(", "))
            }
            JoinAction::Turn => "waits until the peers before it have joined".to_owned(),
            JoinAction::Pool => "waits for offers of its own".to_owned(),
            JoinAction::Settle | JoinAction::Wait(_) => "waits for a time".to_owned(),
            _ => "was not reached".to_owned(),
        };
        let came = match self.came_instead.as_slice() {
            [] => "; nothing came instead".to_owned(),
            came => format!("; came instead: {}", came.join(", ")),
        };
        let (number, at) = (self.joining.at + 1, self.dialect.at(step.line));
        Some(format!("step {number} of the join ({at}) {waits}{came}"))
    }
}
