//! `early-words-lost`: announcements to a young connection are lost, the same ones later arrive.

use super::super::record::{RunRecord, fault, share};
use crate::summary::{AnnouncementCheck, FindingConfidence, RunFinding};
use crate::vocabulary::format::{count, duration};

/// Fewer announcements on either side show no pattern.
const WORDS_MIN: u64 = 3;
/// A healthy server too loses words to a peer whose subscription is still on its way: for so many times the median
/// connect, and for so many microseconds.
const CONNECTS: u64 = 5;
const RACE_US: u64 = 100_000;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let connect_us = record.summary.timers.get("connect").map_or(0, |timer| timer.began.p.p50);
    let race_us = RACE_US.max(CONNECTS * connect_us);
    let is_early = |(_, check): &(usize, &AnnouncementCheck)| {
        check.lost >= WORDS_MIN
            && check.heard >= WORDS_MIN
            && check.lost_age_max_us >= race_us
            && check.lost_age_max_us < check.heard_age_min_us
    };
    let checks = record.evidence.announcements.iter().enumerate();
    let (kind, check) = checks.filter(is_early).max_by_key(|(_, check)| check.lost)?;
    let name = record.evidence.dialect.kinds.get(kind).map_or("an announcement", String::as_str);
    let sentence = format!(
        "{name}, said to a peer up to {} after its join, was lost {} times; said {} after it or later, it arrived {} times.",
        duration(check.lost_age_max_us),
        count(check.lost),
        duration(check.heard_age_min_us),
        count(check.heard)
    );
    let remedy = "Let the server acknowledge a join or subscription once it is in effect, and speak after that; meshload probe \
                  --try-remedies tries a wait.";
    let share = share(check.lost, check.lost + check.heard);
    Some(fault("early-words-lost", FindingConfidence::Low, sentence, remedy, share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{DialectFacts, RunEvidence, Summary};

    #[test]
    fn what_is_lost_must_be_younger_than_all_that_is_heard() {
        let check = |lost_ms: &[u64], heard_ms: &[u64], expected: bool| {
            let mut ready = AnnouncementCheck::default();
            lost_ms.iter().for_each(|ms| ready.add(ms * 1_000, false));
            heard_ms.iter().for_each(|ms| ready.add(ms * 1_000, true));
            let dialect = DialectFacts { kinds: vec!["peer-ready".into()], ..DialectFacts::default() };
            let evidence = RunEvidence { announcements: vec![ready], dialect, ..RunEvidence::default() };
            let found = find(&RunRecord { summary: &Summary::default(), evidence: &evidence });
            assert_eq!(found.is_some(), expected, "{found:?}");
        };
        check(&[20, 120, 290], &[310, 400, 900], true);
        check(&[20, 120, 320], &[310, 400, 900], false);
        check(&[2, 12, 29], &[310, 400, 900], false);
        check(&[20, 120, 290], &[310, 900], false);
    }
}
