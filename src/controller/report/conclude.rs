//! The end of a run: the figures of its shares become one `Summary`, with causes, findings and decided gates.

use super::attribution::Attribution;
use crate::diagnosis::Words;
use crate::diagnosis::findings::{RunRecord, dialect_facts, explanation, findings};
use crate::dialect::Dialect;
use crate::gates::{Gate, decide};
use crate::metrics::{HealthFigures, RunFacts, RunFigures, summarize};
use crate::summary::{Summary, TargetProcess};
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
    decide(gates, facts.thresholds.lag_suspect, &mut summary);
    summary
}
