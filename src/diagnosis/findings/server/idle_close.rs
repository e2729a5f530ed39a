//! `idle-close`: connections are closed when their peer has said nothing for a certain time.

use super::super::record::{RunRecord, fault, share};
use crate::summary::{FindingConfidence, RunFinding, ServerLoss};
use crate::vocabulary::format::{count, duration};

/// Fewer closes show no pattern.
const CLOSES_MIN: usize = 4;
/// Closes of the same silence differ by no more than this, in microseconds, or by a twentieth of it.
const SPREAD_US: u64 = 300_000;
/// No server is that impatient.
const SILENCE_MIN_US: u64 = 1_000_000;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let losses = &record.evidence.losses;
    let mut silences: Vec<u64> = losses.iter().map(|loss| loss.silent_us).collect();
    silences.sort_unstable();
    let silence = *silences.get(silences.len() / 2)?;
    let near = SPREAD_US.max(silence / 20);
    let fit: Vec<&ServerLoss> = losses.iter().filter(|loss| loss.silent_us.abs_diff(silence) <= near).collect();
    if fit.len() < CLOSES_MIN || silence < SILENCE_MIN_US || fit.len() * 10 < losses.len() * 9 {
        return None;
    }
    // Peers that lose the server at one moment have lost it for another reason.
    if spread(&fit, |loss| loss.at_us) <= 2 * near {
        return None;
    }
    // A peer that never spoke after its join is as old as it is silent: a limit of age would look the same.
    let is_age = fit.iter().filter(|loss| loss.age_us - loss.silent_us.min(loss.age_us) < near).count() * 2 > fit.len();
    let repeats = &record.evidence.dialect.repeats;
    let speaks = match repeats.iter().map(|(_, us)| *us).min() {
        Some(us) => format!("this dialect speaks every {}", duration(us)),
        None => "this dialect repeats no frame".to_owned(),
    };
    let or_age = if is_age { ", or that is so old: the peers said nothing after their join" } else { "" };
    let sentence = format!(
        "The server, or what is before it, closes a connection that has said nothing for {}{or_age} ({} of {} closes, ± {}); \
         {speaks}.",
        duration(silence),
        count(fit.len() as u64),
        count(losses.len() as u64),
        duration(spread(&fit, |loss| loss.silent_us).div_ceil(2))
    );
    let confidence = if is_age { FindingConfidence::Low } else { FindingConfidence::High };
    let remedy = "Let clients say something more often than that ([[every]] in a dialect), or let the server or proxy wait \
                  longer than the slowest keepalive.";
    Some(fault("idle-close", confidence, sentence, remedy, share(fit.len() as u64, losses.len() as u64)))
}

fn spread(losses: &[&ServerLoss], of: fn(&ServerLoss) -> u64) -> u64 {
    let all = || losses.iter().map(|loss| of(loss));
    all().max().unwrap_or(0) - all().min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{DialectFacts, RunEvidence, Summary};

    fn check(losses: &[(u64, u64, u64)], expected: Option<FindingConfidence>) {
        let loss = |(at_ms, silent_ms, age_ms): &(u64, u64, u64)| ServerLoss {
            at_us: at_ms * 1_000,
            silent_us: silent_ms * 1_000,
            age_us: age_ms * 1_000,
        };
        let dialect = DialectFacts { repeats: vec![("HEARTBEAT".into(), 10_000_000)], ..DialectFacts::default() };
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
            &[(7_000, 6_000, 7_000), (9_000, 6_100, 9_000), (13_000, 5_900, 8_000), (19_000, 6_000, 7_000)],
            Some(FindingConfidence::High),
        );
        check(
            &[(6_000, 6_000, 6_001), (9_000, 6_100, 6_101), (13_000, 5_900, 5_901), (19_000, 6_000, 6_001)],
            Some(FindingConfidence::Low),
        );
        // The server died: all at one moment.
        check(&[(6_000, 6_000, 7_000); 8], None);
        // It closes whom it likes.
        check(&[(7_000, 2_000, 7_000), (9_000, 6_100, 9_000), (13_000, 4_000, 8_000), (19_000, 9_000, 9_500)], None);
    }
}
