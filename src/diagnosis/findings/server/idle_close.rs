//! `idle-close`: connections are closed when their peer has said nothing for a certain time.

use super::super::record::{RunRecord, fault, share};
use crate::summary::{DialectFacts, FindingConfidence, RunFinding, ServerLoss};
use crate::vocabulary::format::{count, duration};
use std::collections::BTreeSet;

/// Fewer closes show no pattern.
const CLOSES_MIN: usize = 4;
/// Closes of the same silence differ by no more than this, in microseconds, or by a twentieth of it.
const SPREAD_US: u64 = 500_000;
/// Closes of peers that spoke after their join, from which a limit of age is excluded.
const SPOKE_MIN: usize = 3;
/// The rival where frames other than keepalives do not count.
const NO_KEEPALIVE: &str = " but joins, offers and the like, or that is so old: no keepalive was due";
/// No server is that impatient.
const SILENCE_MIN_US: u64 = 1_000_000;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let losses = &record.evidence.losses;
    let DialectFacts { keepalive_us, repeats, .. } = &record.evidence.dialect;
    let by_silence = ClosePattern::of(losses, |loss| loss.silent_us).map(|pattern| (pattern, ""));
    // Some servers, such as PeerJS, count keepalives alone; a peer that sent none is as old as its connection.
    let by_age = ClosePattern::of(losses, |loss| loss.age_us).map(|pattern| (pattern, NO_KEEPALIVE));
    let is_possible = |(pattern, _): &(ClosePattern<'_>, _)| keepalive_us.is_none_or(|us| us >= pattern.time_us);
    let patterns = by_silence.into_iter().chain(by_age.filter(is_possible));
    // What explains more closes, and those more closely; silence if both do as well.
    let misfit = |(pattern, _): &(ClosePattern<'_>, _)| (losses.len() - pattern.fit.len(), pattern.spread(pattern.of));
    let (pattern, unless) = patterns.min_by_key(misfit)?;
    // A peer that never spoke after its join is as old as it is silent: a limit of age would look the same, but for peers
    // that spoke later, and are older by as much.
    let later = |loss: &&&ServerLoss| loss.age_us.saturating_sub(loss.silent_us) > 2 * pattern.near_us;
    let spoke = pattern.fit.iter().filter(later).count();
    let is_age = unless.is_empty() && (spoke < SPOKE_MIN || spoke * 10 < pattern.fit.len());
    let intervals: BTreeSet<u64> = repeats.iter().map(|(_, us)| *us).collect();
    let intervals: Vec<String> = intervals.into_iter().map(|us| format!("every {}", duration(us))).collect();
    let speaks = match intervals.is_empty() {
        true => "this dialect repeats no frame".to_owned(),
        false => format!("this dialect speaks {}", intervals.join(" or ")),
    };
    let or_age = if is_age { ", or that is so old: the peers said nothing after their join" } else { unless };
    let sentence = format!(
        "The server, or what is before it, closes a connection that has said nothing for {}{or_age} ({} of {} closes, ± {}); \
         {speaks}.",
        duration(pattern.time_us),
        count(pattern.fit.len() as u64),
        count(losses.len() as u64),
        duration(pattern.spread(pattern.of).div_ceil(2))
    );
    let confidence = if or_age.is_empty() { FindingConfidence::High } else { FindingConfidence::Low };
    let remedy = "Let clients say something more often than that ([[every]] in a dialect), or let the server or proxy wait \
                  longer than the slowest keepalive.";
    Some(fault("idle-close", confidence, sentence, remedy, share(pattern.fit.len() as u64, losses.len() as u64)))
}

/// Closes that come the same time after something.
struct ClosePattern<'a> {
    of: fn(&ServerLoss) -> u64,
    time_us: u64,
    near_us: u64,
    fit: Vec<&'a ServerLoss>,
}

impl<'a> ClosePattern<'a> {
    /// `None` if the times differ, or if the peers lost the server at one moment, for which there is another reason.
    fn of(losses: &'a [ServerLoss], of: fn(&ServerLoss) -> u64) -> Option<Self> {
        let mut times: Vec<u64> = losses.iter().map(of).collect();
        times.sort_unstable();
        let time_us = *times.get(times.len() / 2)?;
        let near_us = SPREAD_US.max(time_us / 20);
        let fit = losses.iter().filter(|loss| of(loss).abs_diff(time_us) <= near_us).collect();
        let pattern = Self { of, time_us, near_us, fit };
        let count = pattern.fit.len();
        let is_clear = count >= CLOSES_MIN && time_us >= SILENCE_MIN_US && count * 10 >= losses.len() * 9;
        (is_clear && pattern.spread(|loss| loss.at_us) > 2 * near_us).then_some(pattern)
    }

    fn spread(&self, of: fn(&ServerLoss) -> u64) -> u64 {
        let all = || self.fit.iter().map(|loss| of(loss));
        all().max().unwrap_or(0) - all().min().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{RunEvidence, Summary};

    fn check(losses: &[(u64, u64, u64)], expected: Option<FindingConfidence>) {
        let loss = |(at_ms, silent_ms, age_ms): &(u64, u64, u64)| ServerLoss {
            at_us: at_ms * 1_000,
            silent_us: silent_ms * 1_000,
            age_us: age_ms * 1_000,
        };
        let dialect = DialectFacts {
            repeats: vec![("HEARTBEAT".into(), 10_000_000)],
            keepalive_us: Some(10_000_000),
            ..DialectFacts::default()
        };
        let evidence = RunEvidence { losses: losses.iter().map(loss).collect(), dialect, ..RunEvidence::default() };
        let found = find(&RunRecord { summary: &Summary::default(), evidence: &evidence });
        assert_eq!(found.as_ref().map(|found| found.confidence), expected, "{found:?}");
        if let Some(found) = found.filter(|found| found.confidence == FindingConfidence::High) {
            assert!(found.sentence.contains("nothing for 6.00 s (4 of 4 closes, ± 100 ms)"), "{}", found.sentence);
            assert!(found.sentence.ends_with("speaks every 10.0 s."), "{}", found.sentence);
        }
    }

    #[test]
    fn closes_after_the_same_silence_are_told_from_an_outage_and_from_a_limit_of_age() {
        check(&[], None);
        check(
            &[(9_500, 6_000, 9_500), (11_000, 6_100, 9_000), (13_000, 5_900, 8_000), (19_000, 6_000, 9_000)],
            Some(FindingConfidence::High),
        );
        check(
            &[(6_000, 6_000, 6_001), (9_000, 6_100, 6_101), (13_000, 5_900, 5_901), (19_000, 6_000, 6_001)],
            Some(FindingConfidence::Low),
        );
        // As old as each other, whatever they said: the server counts keepalives alone.
        check(
            &[(6_000, 5_000, 6_001), (9_000, 4_100, 6_101), (13_000, 5_900, 5_901), (19_000, 3_000, 6_001)],
            Some(FindingConfidence::Low),
        );
        // The server died: all at one moment.
        check(&[(6_000, 6_000, 7_000); 8], None);
        // It closes whom it likes.
        check(&[(7_000, 2_000, 7_000), (9_000, 6_100, 9_000), (13_000, 4_000, 8_000), (19_000, 9_000, 9_500)], None);
    }
}
