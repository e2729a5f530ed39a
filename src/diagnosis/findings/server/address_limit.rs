//! `limit-by-address`: connections are refused whenever so many of this address are open.

use super::super::record::{RunRecord, fault, share};
use crate::summary::{ConnectionChange, FindingConfidence, RunFinding, SocketChange};
use crate::vocabulary::format::count;

/// Fewer refusals show no pattern.
const REFUSALS_MIN: usize = 3;
/// In a burst of dials a peer hears of its refusal before others hear that they are in, in microseconds.
const BURST_US: u64 = 1_000_000;
/// Refusals over so long a time are no limit of connections per second, in microseconds.
const RATE_EXCLUDED_US: u64 = 3_000_000;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let changes = &record.evidence.connections;
    let open = open_after(changes);
    let refusals: Vec<usize> = (0..changes.len()).filter(|at| changes[*at].kind == SocketChange::Refused).collect();
    let most = open.iter().copied().max().unwrap_or(0);
    let near = 1.max(most / 50);
    let is_full = |refusal: &&usize| {
        let until = changes[**refusal].at_us + BURST_US;
        let soon = (**refusal..changes.len()).take_while(|at| changes[*at].at_us <= until);
        soon.map(|at| open[at]).max().unwrap_or(0) + near >= most
    };
    let fit = refusals.iter().filter(is_full).count();
    if most < 2 || fit < REFUSALS_MIN || fit * 20 < refusals.len() * 19 {
        return None;
    }
    let word = record.evidence.refusal.as_deref().unwrap_or("a refusal");
    let lasted = changes[*refusals.last()?].at_us - changes[refusals[0]].at_us;
    let is_by_client = word.contains("429");
    let conclusion = match is_by_client {
        true => "a limit by address, not the server's capacity",
        false => "a limit of connections; whether by address or in all, a run from one address can't tell",
    };
    let sentence = format!(
        "Refused with {word} whenever {} connections of this address were open ({} times, {} accepted): {conclusion}.",
        count(most as u64),
        count(refusals.len() as u64),
        count(changes.iter().filter(|change| change.kind == SocketChange::Opened).count() as u64),
    );
    let is_sure = is_by_client && lasted >= RATE_EXCLUDED_US;
    let confidence = if is_sure { FindingConfidence::High } else { FindingConfidence::Low };
    let remedy = "Raise the limit for the address of the load generator, or load from several addresses.";
    let dials = changes.iter().filter(|change| change.kind != SocketChange::Ended).count() as u64;
    Some(fault("limit-by-address", confidence, sentence, remedy, share(refusals.len() as u64, dials)))
}

/// The number of open connections after each change.
fn open_after(changes: &[ConnectionChange]) -> Vec<i64> {
    let mut open = 0;
    let step = |change: &ConnectionChange| {
        open += match change.kind {
            SocketChange::Opened => 1,
            SocketChange::Ended => -1,
            SocketChange::Refused => 0,
        };
        open
    };
    changes.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{RunEvidence, Summary};
    use SocketChange::{Ended, Opened, Refused};

    fn check(changes: &[(u64, SocketChange)], expected: Option<FindingConfidence>) {
        let connections =
            changes.iter().map(|(ms, kind)| ConnectionChange { at_us: ms * 1_000, kind: *kind }).collect();
        let evidence = RunEvidence { connections, refusal: Some("HTTP 429".into()), ..RunEvidence::default() };
        let found = find(&RunRecord { summary: &Summary::default(), evidence: &evidence });
        assert_eq!(found.as_ref().map(|found| found.confidence), expected, "{found:?}");
        if let Some(found) = found {
            assert!(found.sentence.contains("HTTP 429 whenever 3 connections"), "{}", found.sentence);
        }
    }

    #[test]
    fn refusals_at_one_number_of_connections_are_a_limit_and_others_are_not() {
        let full = [(0, Opened), (1, Opened), (2, Opened)];
        let refused = [(3, Refused), (2_000, Refused), (4_000, Refused)];
        check(&[], None);
        check(&[&full[..], &refused].concat(), Some(FindingConfidence::High));
        check(&[&full[..], &[(3, Refused), (4, Refused), (5, Refused)]].concat(), Some(FindingConfidence::Low));
        // A place that gets free is taken.
        check(&[&full[..], &refused, &[(5_000, Ended), (5_001, Opened)]].concat(), Some(FindingConfidence::High));
        // A limit of connections per second: later there are more.
        let later: Vec<_> = (0..6).map(|n| (9_000 + n, Opened)).collect();
        check(&[&full[..], &refused, &later].concat(), None);
    }
}
