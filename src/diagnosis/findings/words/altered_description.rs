//! `altered-description`: offers and answers arrive that nobody said.

use super::super::record::{RunRecord, fault, share};
use crate::summary::RunFinding;
use crate::vocabulary::format::count;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let signals = &record.evidence.signals;
    if signals.altered == 0 {
        return None;
    }
    let mut fields: Vec<(u64, &str)> =
        signals.altered_fields.iter().map(|(field, count)| (*count, field.as_ref())).collect();
    fields.sort_unstable_by(|one, other| other.cmp(one));
    let told: Vec<String> = fields.iter().map(|(changed, field)| format!("{field} in {}", count(*changed))).collect();
    let sentence = format!(
        "{} of {} offers and answers in the traced rooms arrived altered: {}.",
        count(signals.altered),
        count(signals.descriptions),
        told.join(", ")
    );
    let remedy = "Relay descriptions byte for byte; meshload probe --frames shows both.";
    let share = share(signals.altered, signals.descriptions);
    Some(fault("altered-description", record.confidence_in_dialect(), sentence, remedy, share))
}
