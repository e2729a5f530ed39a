//! `altered-candidates`: candidates arrive otherwise than they were sent.

use super::super::record::{RunRecord, fault, share};
use crate::summary::RunFinding;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let changes = &record.evidence.signals.candidates;
    let remedy = "Relay candidates byte for byte: their text, sdpMid and sdpMLineIndex.";
    let share = share(changes.altered, changes.heard);
    let sentence = format!("In the traced rooms, {}", changes.in_words());
    (changes.altered > 0).then(|| fault("altered-candidates", record.confidence_in_dialect(), sentence, remedy, share))
}
