//! The report of one run: verdicts first, then where the time goes, then everything else.

mod failures;
mod figures;
mod latency;
mod load;
mod machines;
mod meshes;
mod phases;
mod provenance;
mod scenarios;
mod signaling;
mod verdict;

pub(super) use figures::bracketed;
pub(super) use latency::percentile_chart;
pub(super) use provenance::tags_fact;
pub(super) use verdict::{broken, gate_check, gate_table, held};
pub use verdict::{capitalised, findings};

use self::machines::{fleet, health};
use crate::report::document::{Block, Document, Style, StyledText};
use crate::summary::{Outcome, Run, Summary};
use std::collections::BTreeMap;

/// The document of a run.
pub(super) fn document(summary: &Summary) -> Document {
    let run = &summary.run;
    let series = &summary.series;
    let mut charts = latency::charts(summary);
    charts.extend(load::charts(series));
    charts.extend(health::target_cpu(summary));
    let warmup = summary
        .counts_warmup
        .as_ref()
        .map_or("", |_| "Charts along the time show the warm-up too; every other figure leaves it out.");
    let blocks = vec![
        Block::Figures(verdict::figures(summary)),
        Block::Section("Gates", vec![gate_table(&summary.gates)]),
        Block::Section(verdict::FINDINGS, vec![findings(&summary.findings)]),
        Block::Section("Failures", failures::failures(summary)),
        Block::Section(failures::CAUSES, failures::causes(summary)),
        Block::Section("Scenarios", scenarios::blocks(summary)),
        Block::Section("Where the time goes", phases::blocks(summary)),
        Block::Section("The control run: what of it is ours", vec![Block::list(phases::control(summary))]),
        Block::Section(
            "Latency and load",
            vec![Block::Paragraph(StyledText::new(Style::Note, warmup)), Block::Charts(charts), load::seconds(series)],
        ),
        Block::Section("Signaling", signaling::blocks(summary)),
        Block::Section("Counted", vec![Block::list(failures::counters(summary))]),
        Block::Section("Handshakes", failures::traces(summary)),
        Block::Section("Rooms that lack edges", meshes::blocks(summary)),
        Block::Section("Slowest edges", phases::slowest(summary)),
        Block::Section("Machines", fleet::blocks(summary)),
        Block::Section("This machine", health::blocks(summary)),
        Block::Section("What was run", provenance::blocks(summary)),
    ];
    let head = head(run, &summary.tags, &run.name, summary.result);
    Document {
        headline: verdict::headline(summary, &head.headline),
        facts: head.facts.into_iter().chain([("meshload", StyledText::from(&summary.meshload.version))]).collect(),
        cards: verdict::cards(summary),
        blocks,
        checks: verdict::checks(summary),
        ..head
    }
}

/// The document of a run, or of the repeats of one, as far as its figures don't matter.
pub(super) fn head(run: &Run, tags: &BTreeMap<String, String>, name: &str, result: Outcome) -> Document {
    Document {
        name: name.to_owned(),
        asks: run.description(),
        headline: format!("{} {name}", result.name().to_uppercase()),
        started_at: run.started_at.clone(),
        duration_us: run.duration_us,
        facts: provenance::facts(run, tags),
        ..Document::default()
    }
}
