//! `idle-close`: connections are closed when their peer has said nothing for a certain time.

use super::super::record::{RunRecord, fault, share};
use crate::summary::{DialectFacts, FindingConfidence, RunFinding, ServerLoss};
use crate::vocabulary::format::{count, duration, plural};
use std::collections::BTreeSet;

/// Fewer closes show no pattern.
const CLOSES_MIN: usize = 4;
/// Closes of the same silence differ by no more than this, in microseconds, or by a twentieth of it.
const SPREAD_US: u64 = 500_000;
/// Closes by which one rule is told from another: those whose times by the two rules lie clearly apart.
const APART_MIN: usize = 3;
/// No server is that impatient.
const SILENCE_MIN_US: u64 = 1_000_000;

/// A rule by which a server or a proxy closes connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IdleRule {
    /// The silence of the client.
    Client,
    /// The silence of both, as of proxies: nginx (`proxy_read_timeout`), HAProxy (`timeout tunnel`).
    Both,
    /// The silence of the server, whatever the client says.
    Server,
    /// The age, or the silence of keepalives: servers such as PeerJS count nothing else, and none was due.
    Age,
}

impl IdleRule {
    /// The time that it measures, in microseconds.
    fn of(self, loss: &ServerLoss) -> u64 {
        match self {
            Self::Client => loss.silent_us,
            Self::Both => loss.silent_us.min(loss.unheard_us),
            Self::Server => loss.unheard_us,
            Self::Age => loss.age_us,
        }
    }

    /// The connection that it closes.
    fn closes(self) -> &'static str {
        match self {
            Self::Client | Self::Age => "a connection that has said nothing",
            Self::Both => "a connection on which nothing was said in either direction",
            Self::Server => "a connection on which the server has said nothing",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Server => {
                "Let the server say something more often than that, such as a WebSocket ping, or let what is before it \
                 wait longer."
            }
            _ => {
                "Let clients say something more often than that ([[every]] in a dialect), or let the server or proxy wait \
                 longer than the slowest keepalive."
            }
        }
    }
}

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let losses = &record.evidence.losses;
    let keepalive_us = record.evidence.dialect.keepalive_us;
    let of = |rule| ClosePattern::of(losses, rule);
    // Where nothing tells them apart, the first one stands.
    let both = of(IdleRule::Both).filter(|both| both.is_apart_from(IdleRule::Client));
    let server = of(IdleRule::Server)
        .filter(|server| server.is_apart_from(IdleRule::Client) && server.is_apart_from(IdleRule::Both));
    let age = of(IdleRule::Age).filter(|age| keepalive_us.is_none_or(|us| us >= age.time_us));
    let patterns = of(IdleRule::Client).into_iter().chain(both).chain(server).chain(age);
    // The rule that explains more closes, and those more closely.
    let pattern = patterns.min_by_key(|pattern| (losses.len() - pattern.fit.len(), pattern.spread()))?;
    // On a connection on which nothing was said after the join, a limit of age looks the same.
    let or_age = match pattern.rule {
        IdleRule::Age => " but joins, offers and the like, or that is so old: no keepalive was due",
        _ if pattern.is_apart_from(IdleRule::Age) => "",
        _ => ", or that is so old: the peers said nothing after their join",
    };
    let sentence = format!(
        "The server, or what is before it, closes {} for {}{or_age} ({} of {} closes, ± {}); {}.",
        pattern.rule.closes(),
        duration(pattern.time_us),
        count(pattern.fit.len() as u64),
        count(losses.len() as u64),
        duration(pattern.spread().div_ceil(2)),
        intervals(&record.evidence.dialect)
    );
    let confidence = if or_age.is_empty() { FindingConfidence::High } else { FindingConfidence::Low };
    let share = share(pattern.fit.len() as u64, losses.len() as u64);
    let mut found = fault("idle-close", confidence, sentence, pattern.rule.remedy(), share);
    found.evidence.extend(pattern.told_apart());
    Some(found)
}

/// The intervals in which the dialect speaks.
fn intervals(dialect: &DialectFacts) -> String {
    let intervals: BTreeSet<u64> = dialect.repeats.iter().map(|(_, us)| *us).collect();
    let intervals: Vec<String> = intervals.into_iter().map(|us| format!("every {}", duration(us))).collect();
    match intervals.is_empty() {
        true => "this dialect repeats no frame".to_owned(),
        false => format!("this dialect speaks {}", intervals.join(" or ")),
    }
}

/// Closes that one rule explains.
struct ClosePattern<'a> {
    rule: IdleRule,
    time_us: u64,
    near_us: u64,
    fit: Vec<&'a ServerLoss>,
}

impl<'a> ClosePattern<'a> {
    /// `None` if the times differ, or if the peers lost the server at one moment, for which there is another reason.
    fn of(losses: &'a [ServerLoss], rule: IdleRule) -> Option<Self> {
        let mut times: Vec<u64> = losses.iter().map(|loss| rule.of(loss)).collect();
        times.sort_unstable();
        let time_us = *times.get(times.len() / 2)?;
        let near_us = SPREAD_US.max(time_us / 20);
        let fit: Vec<&ServerLoss> = losses.iter().filter(|loss| rule.of(loss).abs_diff(time_us) <= near_us).collect();
        let is_clear = fit.len() >= CLOSES_MIN && time_us >= SILENCE_MIN_US && fit.len() * 10 >= losses.len() * 9;
        let is_at_once = spread(&fit, |loss| loss.at_us) <= 2 * near_us;
        (is_clear && !is_at_once).then_some(Self { rule, time_us, near_us, fit })
    }

    fn spread(&self) -> u64 {
        spread(&self.fit, |loss| self.rule.of(loss))
    }

    /// Closes that another rule would have made at another time.
    fn apart_from(&self, other: IdleRule) -> usize {
        let apart = |loss: &&&ServerLoss| self.rule.of(loss).abs_diff(other.of(loss)) > 2 * self.near_us;
        self.fit.iter().filter(apart).count()
    }

    fn is_apart_from(&self, other: IdleRule) -> bool {
        let apart = self.apart_from(other);
        apart >= APART_MIN && apart * 10 >= self.fit.len()
    }

    /// The closes by which a rule about words in one direction is told from one about both.
    fn told_apart(&self) -> Option<String> {
        let closes = |other| plural(self.apart_from(other) as u64, "close");
        Some(match self.rule {
            IdleRule::Client if self.is_apart_from(IdleRule::Both) => {
                format!(
                    "Before {} the peer had been told something more recently: only its own words count.",
                    closes(IdleRule::Both)
                )
            }
            IdleRule::Client => {
                "Nothing was told to those peers more recently than they spoke, so that words of the server may \
                                 count, too, as they do for a proxy such as nginx."
                    .to_owned()
            }
            IdleRule::Both => {
                format!(
                    "Before {} the peer had been silent for longer: what it was told counts, too.",
                    closes(IdleRule::Client)
                )
            }
            IdleRule::Server => {
                format!(
                    "Before {} the peer had spoken more recently: only the server's words count.",
                    closes(IdleRule::Both)
                )
            }
            IdleRule::Age => return None,
        })
    }
}

fn spread(losses: &[&ServerLoss], of: impl Fn(&ServerLoss) -> u64) -> u64 {
    let all = || losses.iter().map(|loss| of(loss));
    all().max().unwrap_or(0) - all().min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{RunEvidence, Summary};

    /// Each loss: when, since when silent, since when nothing was heard, and its age, in ms.
    fn found(losses: &[(u64, u64, u64, u64)]) -> Option<RunFinding> {
        let loss = |(at_ms, silent_ms, unheard_ms, age_ms): &(u64, u64, u64, u64)| ServerLoss {
            at_us: at_ms * 1_000,
            silent_us: silent_ms * 1_000,
            unheard_us: unheard_ms * 1_000,
            age_us: age_ms * 1_000,
        };
        let dialect = DialectFacts {
            repeats: vec![("HEARTBEAT".into(), 10_000_000)],
            keepalive_us: Some(10_000_000),
            ..DialectFacts::default()
        };
        let evidence = RunEvidence { losses: losses.iter().map(loss).collect(), dialect, ..RunEvidence::default() };
        find(&RunRecord { summary: &Summary::default(), evidence: &evidence })
    }

    fn check(losses: &[(u64, u64, u64, u64)], expected: Option<FindingConfidence>) {
        let found = found(losses);
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
            &[
                (9_500, 6_000, 7_000, 9_500),
                (11_000, 6_100, 7_000, 9_000),
                (13_000, 5_900, 6_000, 8_000),
                (19_000, 6_000, 8_000, 9_000),
            ],
            Some(FindingConfidence::High),
        );
        check(
            &[
                (6_000, 6_000, 6_001, 6_001),
                (9_000, 6_100, 6_101, 6_101),
                (13_000, 5_900, 5_901, 5_901),
                (19_000, 6_000, 6_001, 6_001),
            ],
            Some(FindingConfidence::Low),
        );
        // As old as each other, whatever they said: the server counts keepalives alone.
        check(
            &[
                (6_000, 5_000, 2_000, 6_001),
                (9_000, 4_100, 4_000, 6_101),
                (13_000, 5_900, 5_000, 5_901),
                (19_000, 3_000, 6_001, 6_001),
            ],
            Some(FindingConfidence::Low),
        );
        // The server died: all at one moment.
        check(&[(6_000, 6_000, 6_000, 7_000); 8], None);
        // It closes whom it likes.
        check(
            &[
                (7_000, 2_000, 3_000, 7_000),
                (9_000, 6_100, 9_000, 9_000),
                (13_000, 4_000, 1_000, 8_000),
                (19_000, 9_000, 9_000, 9_500),
            ],
            None,
        );
    }

    #[test]
    fn words_of_the_server_count_not_too_or_alone_as_the_closes_show() {
        let check = |losses: &[(u64, u64, u64, u64)], rule: &str, evidence: &str| {
            let found = found(losses).unwrap();
            assert!(found.sentence.contains(&format!("closes {rule} for 6.00 s (4 of 4")), "{}", found.sentence);
            assert!(found.evidence[0].contains(evidence), "{found:?}");
        };
        let times = |of: fn(u64) -> (u64, u64)| [9, 12, 14, 19].map(|at| (at * 1_000, of(at).0, of(at).1, at * 900));
        let client = "a connection that has said nothing";
        check(&times(|at| (6_000, at * 100)), client, "Before 4 closes the peer had been told something more recently");
        check(&times(|at| (6_000, 6_000 + at)), client, "as they do for a proxy such as nginx");
        let both = "a connection on which nothing was said in either direction";
        check(&times(|at| (6_000 + at * 150, 6_000)), both, "Before 4 closes the peer had been silent for longer");
        let server = "a connection on which the server has said nothing";
        check(&times(|at| (at * 100, 6_000)), server, "Before 4 closes the peer had spoken more recently");
    }
}
