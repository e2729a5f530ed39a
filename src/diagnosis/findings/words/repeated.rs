//! `repeated`: each word arrives several times.

use super::super::record::{RunRecord, fault, share};
use crate::summary::{FindingConfidence, RunFinding};
use crate::vocabulary::format::{count, number};

/// Fewer words show no pattern.
const WORDS_MIN: u64 = 3;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let signals = &record.evidence.signals;
    if signals.repeated < WORDS_MIN {
        return None;
    }
    let sentence = format!(
        "{} of {} offers and answers in the traced rooms arrived {} times each, though they were said once; a \
         browser refuses the second answer (InvalidStateError), these peers forgive it.",
        count(signals.repeated),
        count(signals.descriptions),
        number(signals.copies as f64 / signals.repeated as f64)
    );
    let remedy =
        "Look for handlers that are registered once more with each join, or for two subscriptions of one client.";
    let share = share(signals.repeated, signals.descriptions);
    Some(fault("repeated", FindingConfidence::High, sentence, remedy, share))
}
