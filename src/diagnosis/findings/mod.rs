//! Findings: the conclusions of a run, each a pure function of what was recorded.

mod dialect;
mod record;
mod rooms;
mod server;
mod timers;
mod untested;
mod words;

pub use record::{RunRecord, dialect_facts};

use crate::summary::{FindingConfidence, RunFinding};
use crate::vocabulary::{Phase, Reason};
use std::cmp::Reverse;

/// A finding's conclusion; `None` if the record gives no evidence for it.
type FindingRule = fn(&RunRecord<'_>) -> Option<RunFinding>;

/// All findings, each with its id for `meshload explain`.
const RULES: [(&str, FindingRule); 17] = [
    (dialect::FLAW, dialect::find_flaw),
    (dialect::WRONG, dialect::find_wrong),
    ("islands", rooms::islands::find),
    ("misrouted", words::misrouted::find),
    ("early-words-lost", words::early_words_lost::find),
    ("repeated", words::repeated::find),
    ("altered-candidates", words::altered_candidates::find),
    ("altered-description", words::altered_description::find),
    ("two-populations", timers::two_populations::find),
    ("drift", timers::drift::find),
    ("idle-close", server::idle_close::find),
    ("limit-by-address", server::address_limit::find),
    ("notices-missing", server::notices_missing::find),
    ("server-lost", server::lost::find),
    (rooms::split::ID, rooms::split::find),
    ("never-listed", server::never_listed::find),
    ("untested", untested::find),
];

/// The findings of a run, worst first: faults before hints, certain before doubtful, then by the share concerned.
pub fn findings(record: &RunRecord<'_>) -> Vec<RunFinding> {
    let mut found: Vec<RunFinding> = RULES.iter().filter_map(|(_, rule)| rule(record)).collect();
    // Losses that a pattern explains are not told twice.
    let explains = |finding: &RunFinding| match finding.id.as_str() {
        "idle-close" => true,
        "limit-by-address" => server::lost::are_refusals(record),
        _ => false,
    };
    if found.iter().any(explains) {
        found.retain(|finding| finding.id != "server-lost");
    }
    // Frames of another protocol fit no rule, and its server closes what it can't read.
    if found.iter().any(|finding| finding.id == dialect::WRONG) {
        found.retain(|finding| ![dialect::FLAW, "server-lost"].contains(&&*finding.id));
    }
    found.sort_by_key(|finding| (finding.severity, finding.confidence, Reverse((finding.share * 1e6) as u64)));
    found
}

/// The failures that a finding explains: they need no cause by handshakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The finding's id.
    pub finding: &'static str,
    pub of: ExplainedFailures,
}

/// This machine's own failures are never among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExplainedFailures {
    All,
    /// Those of peers that had connected.
    Connected,
    Only(Phase, Reason),
}

impl Explanation {
    pub fn covers(&self, phase: &str, reason: &str) -> bool {
        let is_the_targets = reason != Reason::GeneratorLimit.name();
        match self.of {
            ExplainedFailures::All => is_the_targets,
            ExplainedFailures::Connected => is_the_targets && phase != Phase::Connect.name(),
            ExplainedFailures::Only(of, by) => (of.name(), by.name()) == (phase, reason),
        }
    }
}

/// The explanation of a run's failures by what was found: a dialect that is not the server's, one whose rules take none of
/// its frames, or rooms that the server splits.
pub fn explanation(record: &RunRecord<'_>, found: &[RunFinding]) -> Option<Explanation> {
    let certain =
        |id: &str| found.iter().find(|finding| (&*finding.id, finding.confidence) == (id, FindingConfidence::High));
    let takes_nothing = |finding: &RunFinding| finding.share >= 1.0 && record.summary.counts.edges.opened == 0;
    if certain(dialect::WRONG).is_some() {
        return Some(Explanation { finding: dialect::WRONG, of: ExplainedFailures::All });
    }
    if certain(dialect::FLAW).is_some_and(takes_nothing) {
        return Some(Explanation { finding: dialect::FLAW, of: ExplainedFailures::Connected });
    }
    certain(rooms::split::ID)?;
    let (phase, reason) = rooms::split::explained(record)?;
    Some(Explanation { finding: rooms::split::ID, of: ExplainedFailures::Only(phase, reason) })
}

/// The ids of all findings.
pub fn finding_ids() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(id, _)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{RunEvidence, Summary, UnmatchedRow};
    use crate::vocabulary::glossary;

    #[test]
    fn every_finding_is_explained() {
        for id in finding_ids() {
            assert!(glossary::find(id).any(|entry| entry.kind == "finding"), "{id}");
        }
    }

    /// Scripts and gates depend on these names.
    #[test]
    fn every_promised_id_is_there_and_no_other() {
        let promised = "dialect wrong-dialect islands misrouted early-words-lost repeated altered-candidates altered-description \
                        two-populations drift idle-close limit-by-address notices-missing server-lost rooms-split never-listed \
                        untested";
        assert_eq!(finding_ids().collect::<Vec<_>>(), promised.split(' ').collect::<Vec<_>>());
    }

    #[test]
    fn a_dialect_that_takes_no_frame_explains_what_failed_after_the_connect() {
        let explained = |received: u64, phase: &str| {
            let mut summary = Summary::default();
            (summary.counts.edges.failed, summary.counts.signaling.received) = (3, received);
            let row =
                UnmatchedRow { kind: "unmatched".into(), count: 7, example: "{}".into(), ..UnmatchedRow::default() };
            summary.unmatched = vec![row];
            let record = RunRecord { summary: &summary, evidence: &RunEvidence::default() };
            let explanation = explanation(&record, &findings(&record));
            explanation.filter(|of| of.covers(phase, "timed_out")).map(|of| of.finding)
        };
        assert_eq!(explained(7, "discovery"), Some("dialect"));
        assert_eq!(explained(7, "connect"), None);
        assert_eq!(explained(8, "discovery"), None);
    }

    #[test]
    fn an_empty_run_has_no_finding() {
        assert_eq!(findings(&RunRecord { summary: &Summary::default(), evidence: &RunEvidence::default() }), []);
    }
}
