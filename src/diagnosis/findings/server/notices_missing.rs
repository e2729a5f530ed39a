//! `notices-missing`: peers left with a goodbye, and the server did not tell the others.

use super::super::record::{RunRecord, fault, share};
use crate::summary::{FindingConfidence, LeaveNotices, RunFinding};
use crate::vocabulary::format::count;

/// Fewer expected notices show nothing.
const EXPECTED_MIN: u64 = 10;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let LeaveNotices { leavers, expected, told } = record.evidence.leaves;
    if !record.evidence.dialect.tells_leaves || expected < EXPECTED_MIN || told * 10 >= expected * 9 {
        return None;
    }
    let sentence = format!(
        "Of {} peers that left with a goodbye the server told the others {} of {} times.",
        count(leavers),
        count(told),
        count(expected)
    );
    // Peers without the server can't be told.
    let is_sure = record.summary.outages.is_empty();
    let confidence = if is_sure { record.confidence_in_dialect() } else { FindingConfidence::Low };
    let remedy = "Look at how the server relays a leave; leave_notice times only the notices that came.";
    Some(fault("notices-missing", confidence, sentence, remedy, share(expected - told, expected)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{DialectFacts, RunEvidence, Summary};

    #[test]
    fn a_notice_for_each_peer_that_stays_is_expected_and_nine_in_ten_are_enough() {
        let check = |told: u64, tells_leaves: bool, expected: bool| {
            let leaves = LeaveNotices { leavers: 10, expected: 30, told };
            let dialect = DialectFacts { tells_leaves, is_built_in: true, ..DialectFacts::default() };
            let evidence = RunEvidence { leaves, dialect, ..RunEvidence::default() };
            let found = find(&RunRecord { summary: &Summary::default(), evidence: &evidence });
            assert_eq!(found.is_some(), expected, "{found:?}");
        };
        check(27, true, false);
        check(26, true, true);
        check(0, true, true);
        check(0, false, false);
    }
}
