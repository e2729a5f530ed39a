//! Findings: the conclusions of a run, each a pure function of what was recorded.

mod dialect;
mod record;
mod server;

pub use record::RunRecord;

use crate::summary::RunFinding;
use std::cmp::Reverse;

/// A finding's conclusion; `None` if the record gives no evidence for it.
type FindingRule = fn(&RunRecord<'_>) -> Option<RunFinding>;

/// All findings, each with its id for `meshload explain`.
const RULES: [(&str, FindingRule); 3] =
    [("server-lost", server::lost::find), ("dialect", dialect::find_flaw), ("wrong-dialect", dialect::find_wrong)];

/// The findings of a run, worst first: faults before hints, certain before doubtful, then by the share concerned.
pub fn findings(record: &RunRecord<'_>) -> Vec<RunFinding> {
    let mut found: Vec<RunFinding> = RULES.iter().filter_map(|(_, rule)| rule(record)).collect();
    found.sort_by_key(|finding| (finding.severity, finding.confidence, Reverse((finding.share * 1e6) as u64)));
    found
}

/// The ids of all findings.
pub fn finding_ids() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(id, _)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Summary;
    use crate::vocabulary::glossary;

    #[test]
    fn every_finding_is_explained() {
        for id in finding_ids() {
            assert!(glossary::find(id).any(|entry| entry.kind == "finding"), "{id}");
        }
    }

    #[test]
    fn an_empty_run_has_no_finding() {
        assert_eq!(findings(&RunRecord { summary: &Summary::default() }), []);
    }
}
