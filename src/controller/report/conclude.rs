//! The end of a run: the figures of its shares become one `Summary`, with causes, findings and decided gates.

use super::attribution;
use crate::diagnosis::findings::{RunRecord, findings};
use crate::dialect::Dialect;
use crate::gates::{Gate, decide};
use crate::metrics::{HealthFigures, RunFacts, RunFigures, summarize};
use crate::summary::{DialectFacts, Summary, TargetProcess};
use crate::vocabulary::format::micros;
use std::time::Instant;

/// The inputs to a summary that are no measurements.
pub(crate) struct Conclusion<'a> {
    pub dialect: &'a Dialect,
    pub gates: &'a [Gate],
    /// The most traces to show.
    pub traces: usize,
    /// The `meshload probe` command that examines the same target.
    pub probe: &'a str,
}

/// The measurements of a share of a run.
#[derive(Clone, Debug)]
pub(crate) struct ShareFigures {
    pub figures: RunFigures,
    pub health: HealthFigures,
    pub target_process: Option<TargetProcess>,
}

/// The summary of a run with its gates decided; the outcome is the caller's. `now` only dates the traces' events.
pub(crate) fn conclude(conclusion: &Conclusion<'_>, share: ShareFigures, facts: RunFacts, now: Instant) -> Summary {
    let lag_suspect = facts.thresholds.lag_suspect;
    let mut summary = summarize(&share.figures, &share.health, facts);
    summary.target_process = share.target_process;
    attribution::explain(
        &mut summary,
        &share.figures.traced(now),
        conclusion.dialect,
        conclusion.traces,
        conclusion.probe,
    );
    let evidence = share.figures.evidence(dialect_facts(conclusion.dialect));
    summary.findings = findings(&RunRecord { summary: &summary, evidence: &evidence });
    decide(conclusion.gates, lag_suspect, &mut summary);
    summary
}

/// The facts about the dialect on which findings rest.
fn dialect_facts(dialect: &Dialect) -> DialectFacts {
    DialectFacts {
        kinds: dialect.kinds().into_iter().map(str::to_owned).collect(),
        repeats: dialect.repeated_frames().into_iter().map(|(kind, every)| (kind.to_owned(), micros(every))).collect(),
        tells_leaves: dialect.leave_notices() > 0,
        lists: dialect.list_kinds(),
        pools_offers: dialect.pools_offers(),
        is_socket_io: dialect.is_socket_io(),
        is_built_in: dialect.file_text().is_none(),
    }
}
