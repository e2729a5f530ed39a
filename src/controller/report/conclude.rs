//! The end of a run: the figures of its shares become one `Summary`, with causes, findings and decided gates.

use super::attribution::Attribution;
use crate::diagnosis::Words;
use crate::diagnosis::findings::{RunRecord, dialect_facts, explanation, findings};
use crate::dialect::Dialect;
use crate::gates::{Gate, decide};
use crate::metrics::{HealthFigures, RunFacts, RunFigures, summarize};
use crate::summary::{Summary, TargetProcess};
use crate::vocabulary::{Seed, TraceContext};
use std::time::Instant;

/// The inputs to a summary that are no measurements.
pub struct RunConclusion<'a> {
    pub dialect: &'a Dialect,
    pub gates: &'a [Gate],
    /// The most traces to show.
    pub traces: usize,
    /// The `meshload probe` command that examines the same target.
    pub probe: &'a str,
}

/// A share of a run as it was played, on one machine or on several.
#[derive(Clone, Debug)]
pub struct PlayedShare {
    pub facts: RunFacts,
    pub figures: RunFigures,
    pub health: HealthFigures,
    pub target_process: Option<TargetProcess>,
}

/// The summary of a run with its gates decided; the outcome is the caller's. `amend` completes it before the gates are
/// decided, and `now` only dates the events of traces.
pub fn conclude(
    conclusion: &RunConclusion<'_>,
    played: &PlayedShare,
    now: Instant,
    amend: impl FnOnce(&mut Summary),
) -> Summary {
    let PlayedShare { facts, figures, health, target_process } = played;
    let mut summary = summarize(figures, health, facts.clone());
    summary.target_process.clone_from(target_process);
    amend(&mut summary);
    let RunConclusion { dialect, gates, traces, probe } = conclusion;
    let words = Words::of(dialect);
    let evidence = figures.evidence(dialect_facts(dialect));
    let record = RunRecord { summary: &summary, evidence: &evidence };
    let found = findings(&record);
    let explanation = explanation(&record, &found);
    summary.findings = found;
    Attribution { words: &words, start: now, explanation }.explain(&mut summary, figures.traces(), *traces, probe);
    if facts.traced {
        name_traces(&mut summary);
    }
    decide(gates, facts.thresholds.lag_suspect, &mut summary);
    summary
}

/// Writes beside each slow and each failed edge where the server's own traces of its peers are found.
fn name_traces(summary: &mut Summary) {
    let (seed, run_id) = (Seed(summary.run.seed), summary.run.id.clone());
    let ids = |peers: &[u32]| peers.iter().map(|peer| TraceContext::of(seed, &run_id, *peer).trace_id()).collect();
    summary.slowest.iter_mut().for_each(|edge| edge.trace_ids = ids(&edge.peers));
    summary.failures.iter_mut().for_each(|row| row.trace_ids = ids(&row.example_peers));
    summary.traces.iter_mut().for_each(|trace| trace.trace_ids = ids(&trace.peers));
}
