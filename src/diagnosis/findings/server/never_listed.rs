//! `never-listed`: the server's lists come, and none names the room of its reader.

use super::super::record::{RunRecord, fault};
use crate::summary::RunFinding;
use crate::vocabulary::format::count;

/// Fewer lists than this for each joined peer may all be from before its room was made.
const LISTS_A_PEER_MIN: u64 = 2;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let joined = record.joined();
    let dialect = &record.evidence.dialect;
    let is_blind = |kind: &&usize| {
        let (received, concerned) = record.evidence.received.get(**kind).copied().unwrap_or_default();
        concerned == 0 && joined > 1 && received >= joined * LISTS_A_PEER_MIN
    };
    let kind = *dialect.lists.iter().find(is_blind)?;
    let (received, _) = record.evidence.received[kind];
    let name = dialect.kinds.get(kind).map_or("list", String::as_str);
    let sentence = format!("{} lists ({name}) came, and none of them names the room of its reader.", count(received));
    let remedy = "Look at how the server makes its lists: whether the room was created, and whom a list is for.";
    Some(fault("never-listed", record.confidence_in_dialect(), sentence, remedy, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{Counts, DialectFacts, Peers, RunEvidence, Summary};

    #[test]
    fn lists_that_never_name_the_room_are_told_from_a_few_that_came_too_early() {
        let check = |received: (u64, u64), expected: bool| {
            let dialect =
                DialectFacts { kinds: vec!["server-room-list".into()], lists: vec![0], ..DialectFacts::default() };
            let evidence = RunEvidence { received: vec![received], dialect, ..RunEvidence::default() };
            let peers = Peers { joined: 4, ..Peers::default() };
            let summary = Summary { counts: Counts { peers, ..Counts::default() }, ..Summary::default() };
            let found = find(&RunRecord { summary: &summary, evidence: &evidence });
            assert_eq!(found.is_some(), expected, "{found:?}");
        };
        check((8, 0), true);
        check((7, 0), false);
        check((80, 1), false);
    }
}
