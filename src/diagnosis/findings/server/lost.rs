//! `server-lost`: joined peers lost the server, with when, why, and how many came back.

use super::super::record::{RunRecord, fault};
use crate::summary::{FindingConfidence, Outage, OutageCause, RunFinding};
use crate::vocabulary::Reason;
use crate::vocabulary::format::{count, duration, plural};

/// Most outages told one by one.
const OUTAGES_TOLD: usize = 3;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let summary = record.summary;
    let first = summary.outages.first()?;
    let sum = |field: fn(&Outage) -> u64| summary.outages.iter().map(field).sum::<u64>();
    let (lost, back, never) = (sum(|outage| outage.lost), sum(|outage| outage.back), sum(|outage| outage.never));
    let losses = sum(|outage| outage.losses);
    let joined = record.joined();
    let (at, why) = (duration(first.began_us), why(first));
    // A peer that leaves, comes back and is lost again counts twice.
    let peers =
        if lost > joined { plural(lost, "peer") } else { format!("{} of {} peers", count(lost), count(joined)) };
    let lost_when = match summary.outages.len() {
        1 if losses > lost => {
            format!("{peers} lost the server, {} times in all, first {at} into the run ({why})", count(losses))
        }
        1 => format!("{peers} lost the server {at} into the run ({why})"),
        more => {
            format!("Peers lost the server {} times in {more} outages, first {at} into the run ({why})", count(losses))
        }
    };
    let returned = match (back, never) {
        (0, _) => "none came back".to_owned(),
        (_, 0) if back == lost => format!("all came back, after {} at most", longest(record)),
        _ => format!("{} came back, {} never", count(back), count(never)),
    };
    let sentence = format!("{lost_when}; {returned}.");
    let told = summary.outages.iter().take(OUTAGES_TOLD).map(|outage| {
        let recovery =
            outage.recovery_us.map_or("not over at the end".to_owned(), |us| format!("over after {}", duration(us)));
        format!(
            "At {}: {} lost, {} back, {}, {recovery}.",
            duration(outage.began_us),
            plural(outage.lost, "peer"),
            count(outage.back),
            plural(outage.redials, "failed redial")
        )
    });
    let is_refused = first.causes.first().is_some_and(|cause| cause.reason == Reason::Rejected.name());
    let (confidence, remedy) = match (is_refused, summary.offered.is_late_reader()) {
        (true, _) => (
            FindingConfidence::High,
            "Read the code and the words of the close: credentials, a limit, or an answer that the server waits for and \
             the dialect does not give.",
        ),
        // Most servers drop a client whose queue grows too long.
        (false, true) => (
            FindingConfidence::Low,
            "This generator read late, and a server drops readers that are too slow: run with fewer peers here first, \
             then look at the server's log at that time.",
        ),
        (false, false) => (
            FindingConfidence::High,
            "Look at the server's log at that time; if it restarts by plan, let clients dial again ([target] reconnect).",
        ),
    };
    let share = if joined == 0 { 1.0 } else { (lost as f64 / joined as f64).min(1.0) };
    Some(RunFinding { evidence: told.collect(), ..fault("server-lost", confidence, sentence, remedy, share) })
}

/// Tells if every loss was a refusal by a limit of connections.
pub(in super::super) fn are_refusals(record: &RunRecord<'_>) -> bool {
    let mut causes = record.summary.outages.iter().flat_map(|outage| &outage.causes);
    let word = record.evidence.refusal.as_deref();
    causes.all(|cause| word.is_some_and(|word| cause.detail.starts_with(word)))
}

fn longest(record: &RunRecord<'_>) -> String {
    duration(record.summary.outages.iter().filter_map(|outage| outage.recovery_us).max().unwrap_or(0))
}

/// The reason of the first loss, as the failure table shows it.
fn why(outage: &Outage) -> String {
    match outage.causes.first() {
        Some(OutageCause { reason, detail, .. }) if detail.is_empty() => reason.replace('_', " "),
        Some(OutageCause { reason, detail, .. }) => format!("{}: {detail}", reason.replace('_', " ")),
        None => "unknown reason".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{Counts, OfferedLoad, Peers, RunEvidence, Summary};

    fn found(outages: Vec<Outage>) -> Option<RunFinding> {
        found_by(outages, 20_000)
    }

    fn found_by(outages: Vec<Outage>, handled_p95_us: u64) -> Option<RunFinding> {
        let peers = Peers { joined: 12, ..Peers::default() };
        let offered = OfferedLoad { handled_p95_us, ..OfferedLoad::default() };
        let summary = Summary { counts: Counts { peers, ..Counts::default() }, outages, offered, ..Summary::default() };
        find(&RunRecord { summary: &summary, evidence: &RunEvidence::default() })
    }

    fn outage(lost: u64, back: u64, never: u64, recovery_us: Option<u64>) -> Outage {
        let closed =
            OutageCause { reason: "closed".into(), detail: "close 1006".into(), count: lost, first_us: 15_000_000 };
        Outage { began_us: 15_000_000, recovery_us, lost, back, never, losses: lost, redials: 9, causes: vec![closed] }
    }

    #[test]
    fn a_run_that_keeps_its_server_has_no_such_finding() {
        assert_eq!(found(vec![]), None);
    }

    #[test]
    fn a_generator_that_read_late_may_have_been_dropped_for_it() {
        let judged = |handled_p95_us| {
            let found = found_by(vec![outage(12, 0, 12, None)], handled_p95_us).unwrap();
            (found.confidence, found.remedy.starts_with("This generator read late"))
        };
        assert_eq!(judged(20_000), (FindingConfidence::High, false));
        assert_eq!(judged(20_001), (FindingConfidence::Low, true));
    }

    #[test]
    fn when_why_and_how_many_came_back_is_told() {
        let sentence = |outages| found(outages).unwrap().sentence;
        assert_eq!(
            sentence(vec![outage(12, 0, 12, None)]),
            "12 of 12 peers lost the server 15.0 s into the run (closed: close 1006); none came back."
        );
        assert_eq!(
            sentence(vec![outage(12, 8, 4, None)]),
            "12 of 12 peers lost the server 15.0 s into the run (closed: close 1006); 8 came back, 4 never."
        );
        assert_eq!(
            sentence(vec![outage(3, 3, 0, Some(2_000_000)), outage(3, 3, 0, Some(1_000_000))]),
            "Peers lost the server 6 times in 2 outages, first 15.0 s into the run (closed: close 1006); all came back, \
             after 2.00 s at most."
        );
        assert_eq!(
            sentence(vec![Outage { losses: 30, ..outage(12, 8, 4, None) }]),
            "12 of 12 peers lost the server, 30 times in all, first 15.0 s into the run (closed: close 1006); 8 came back, 4 \
             never."
        );
        assert!((found(vec![outage(3, 3, 0, Some(1))]).unwrap().share - 0.25).abs() < 1e-9);
    }
}
