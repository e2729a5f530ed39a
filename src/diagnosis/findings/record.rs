//! The record of a run from which findings are concluded.

use crate::dialect::Dialect;
use crate::summary::{DialectFacts, FindingConfidence, RunEvidence, RunFinding, Severity, Summary};
use crate::vocabulary::format::micros;

/// All that findings read.
#[derive(Clone, Copy, Debug)]
pub struct RunRecord<'a> {
    /// Counts, timers, failures and outages; its `findings` are not read.
    pub summary: &'a Summary,
    pub evidence: &'a RunEvidence,
}

/// The facts about the dialect on which findings rest.
pub fn dialect_facts(dialect: &Dialect) -> DialectFacts {
    DialectFacts {
        kinds: dialect.kinds().into_iter().map(str::to_owned).collect(),
        repeats: dialect.repeated_frames().into_iter().map(|(kind, every)| (kind.to_owned(), micros(every))).collect(),
        keepalive_us: dialect.keepalive().map(micros),
        tells_leaves: dialect.leave_notices() > 0,
        lists: dialect.list_kinds(),
        pools_offers: dialect.pools_offers(),
        is_socket_io: dialect.is_socket_io(),
        is_built_in: dialect.file_text().is_none(),
    }
}

impl RunRecord<'_> {
    /// Peers that joined, warm-up included.
    pub(super) fn joined(&self) -> u64 {
        let warmup = self.summary.counts_warmup.as_ref().map_or(0, |counts| counts.peers.joined);
        self.summary.counts.peers.joined + warmup
    }

    /// High for a dialect that is tested against its server; a user's file may itself be the cause.
    pub(super) fn confidence_in_dialect(&self) -> FindingConfidence {
        if self.evidence.dialect.is_built_in { FindingConfidence::High } else { FindingConfidence::Low }
    }
}

/// A finding of severity fault.
pub(super) fn fault(id: &str, confidence: FindingConfidence, sentence: String, remedy: &str, share: f64) -> RunFinding {
    finding(id, Severity::Fault, confidence, sentence, remedy, share)
}

/// A finding of severity hint.
pub(super) fn hint(id: &str, confidence: FindingConfidence, sentence: String, remedy: &str, share: f64) -> RunFinding {
    finding(id, Severity::Hint, confidence, sentence, remedy, share)
}

fn finding(
    id: &str,
    severity: Severity,
    confidence: FindingConfidence,
    sentence: String,
    remedy: &str,
    share: f64,
) -> RunFinding {
    let share = share.clamp(0.0, 1.0);
    RunFinding { id: id.into(), severity, confidence, sentence, evidence: vec![], remedy: remedy.into(), share }
}

/// `part` of `of` as a fraction; 0 of nothing.
pub(super) fn share(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}
