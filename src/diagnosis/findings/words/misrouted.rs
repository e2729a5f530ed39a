//! `misrouted`: a word addressed to one peer was delivered to another.

use super::super::record::{RunRecord, fault, share};
use crate::summary::RunFinding;
use crate::vocabulary::format::count;

/// One may be a peer that took another's place.
const WORDS_MIN: u64 = 2;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let signals = &record.evidence.signals;
    if signals.misrouted < WORDS_MIN || record.evidence.dialect.pools_offers {
        return None;
    }
    let received = signals.words + signals.misrouted;
    let example = signals.misrouted_example.as_deref().unwrap_or("an offer");
    let sentence = format!(
        "{} of {} words in the traced rooms were delivered to another peer than the one they were for, and not to that one: \
         {example}.",
        count(signals.misrouted),
        count(received)
    );
    let remedy =
        "Look at how the server finds the connection of an addressee: a stale id, or a map shared by two tasks.";
    let share = share(signals.misrouted, received);
    Some(fault("misrouted", record.confidence_in_dialect(), sentence, remedy, share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{DialectFacts, RunEvidence, SignalCheck, Summary};

    #[test]
    fn a_server_that_deals_out_offers_without_addressee_misroutes_none() {
        let check = |misrouted: u64, pools_offers: bool, expected: bool| {
            let signals = SignalCheck { words: 20, misrouted, ..SignalCheck::default() };
            let dialect = DialectFacts { pools_offers, ..DialectFacts::default() };
            let evidence = RunEvidence { signals, dialect, ..RunEvidence::default() };
            let found = find(&RunRecord { summary: &Summary::default(), evidence: &evidence });
            assert_eq!(found.is_some(), expected, "{found:?}");
        };
        check(2, false, true);
        check(1, false, false);
        check(14, true, false);
    }
}
