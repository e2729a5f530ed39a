//! Counts of frames and values that the dialect could not use, by shape.

use crate::summary::UnmatchedRow;
use crate::vocabulary::{FrameNote, FrameNoteKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most shapes that are told apart.
const SHAPES_MAX: usize = 64;

/// The first note of each shape, and how many there were.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::metrics) struct FrameNotes {
    by_shape: BTreeMap<(FrameNoteKind, String), (u64, FrameNote)>,
    /// Notes of further shapes.
    others: u64,
}

impl FrameNotes {
    pub(in crate::metrics) fn add(&mut self, note: &FrameNote) {
        self.merge_one(note, 1);
    }

    fn merge_one(&mut self, note: &FrameNote, count: u64) {
        let key = (note.kind, note.shape.clone());
        if !self.by_shape.contains_key(&key) && self.by_shape.len() >= SHAPES_MAX {
            self.others += count;
            return;
        }
        self.by_shape.entry(key).or_insert_with(|| (0, note.clone())).0 += count;
    }

    pub(in crate::metrics) fn merge(&mut self, other: Self) {
        for (count, note) in other.by_shape.into_values() {
            self.merge_one(&note, count);
        }
        self.others += other.others;
    }

    /// The most frequent first; further shapes are summed in a last row.
    pub(in crate::metrics) fn rows(&self) -> Vec<UnmatchedRow> {
        let mut rows: Vec<UnmatchedRow> = self
            .by_shape
            .values()
            .map(|(count, note)| UnmatchedRow {
                kind: note.kind.name().to_owned(),
                shape: note.shape.clone(),
                count: *count,
                example: note.example.clone(),
                rule: note.near.as_ref().map(|near| near.at.clone()),
                why: note.near.as_ref().map(|near| near.why.clone()).filter(|why| !why.is_empty()),
            })
            .collect();
        rows.sort_by(|one, other| (other.count, &one.shape).cmp(&(one.count, &other.shape)));
        if self.others > 0 {
            rows.push(UnmatchedRow {
                kind: FrameNoteKind::Unmatched.name().to_owned(),
                shape: "others".to_owned(),
                count: self.others,
                ..UnmatchedRow::default()
            });
        }
        rows
    }
}
