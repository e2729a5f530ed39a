//! Failures by phase, reason and detail, each with an example and its cause if known.

use crate::report::html::sanitize::sanitize;
use crate::report::html::sections::glossary::word;
use crate::report::html::table::{Column, table};
use crate::report::sections::{self, OUTAGES_SHOWN};
use crate::report::text::ladder;
use crate::summary::{FailureRow, Summary};
use crate::vocabulary::format;
use maud::{Markup, html};

const ROWS_MAX: usize = 100;
/// Bounds the page to less than 1 MB.
const TRACES_MAX: usize = 20;

pub(crate) fn section(summary: &Summary) -> Markup {
    let mut failures: Vec<&FailureRow> = summary.failures.iter().collect();
    failures.sort_by_key(|row| std::cmp::Reverse(row.count.saturating_add(row.peers)));
    html! {
        section {
            h2 { "Failures" }
            @if failures.is_empty() { p { span.good { "✓" } " Nothing failed." } }
            @else {
                (rows(&failures))
                (causes(summary))
                @if let Some(more) = failures.len().checked_sub(ROWS_MAX + 1) { p { "and " (more + 1) " more kinds in summary.json" } }
            }
            @for outage in summary.outages.iter().take(OUTAGES_SHOWN) { p { (sections::outage(outage)) } }
        }
    }
}

fn rows(failures: &[&FailureRow]) -> Markup {
    const COLUMNS: [Column; 7] = [
        Column::words("Phase"),
        Column::words("Reason"),
        Column::words("Detail"),
        Column::figures("Edges"),
        Column::figures("Peers"),
        Column::words("Cause"),
        Column::words("Example"),
    ];
    let rows = failures.iter().take(ROWS_MAX).map(|row| {
        vec![
            word(&sanitize(&row.phase)),
            word(&sanitize(&row.reason)),
            html! { (sanitize(&row.detail)) (hint(&row.detail)) },
            html! { (format::count(row.count)) },
            html! { (format::count(row.peers)) },
            html! { (sanitize(row.cause.as_deref().unwrap_or("–"))) },
            html! { span.example { (sanitize(&row.example)) } },
        ]
    });
    table(&html! { "Most frequent first; an edge counts once, where it ended" }, &COLUMNS, rows)
}

/// The causes of failed edges, and the probe command.
fn causes(summary: &Summary) -> Markup {
    let Some(diagnosis) = &summary.diagnosis else { return html! {} };
    html! {
        h3 { "Causes" }
        p.reading { "From the handshakes of " (format::plural(diagnosis.traced, "failed edge")) ", without experiments." }
        dl.facts.long {
            @for row in &diagnosis.causes {
                div {
                    dt { (sanitize(&row.name())) " (" (format::count(row.edges)) ")" }
                    dd { (sanitize(&row.evidence)) " " em { (sanitize(&row.remedy)) } }
                }
            }
        }
        @if let Some(probe) = &diagnosis.probe { p { "To look closer: " code { (sanitize(probe)) } } }
    }
}

/// The kept traces, each as a ladder.
pub(crate) fn traces(summary: &Summary) -> Markup {
    if summary.traces.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Handshakes" }
            p.reading { "Who said what to whom, in ms from the first fact; at the end of a row, how long it took to arrive." }
            @for trace in summary.traces.iter().take(TRACES_MAX) {
                details open[trace.failure.is_some()] {
                    summary { (sanitize(&ladder::title(trace))) @if let Some(cause) = &trace.cause { ", " (sanitize(cause)) } }
                    @if let Some(evidence) = &trace.evidence { p { (sanitize(evidence)) } }
                    pre.ladder { @for row in ladder::of_trace(trace) { span.bad[row.is_bad] { (row.text) } "\n" } }
                }
            }
            @if let Some(more) = summary.traces.len().checked_sub(TRACES_MAX + 1) { p { "and " (more + 1) " more in summary.json" } }
        }
    }
}

fn hint(detail: &str) -> Markup {
    html! { @if matches!(detail, "HTTP 429" | "HTTP 503") { " " span.note { "(a rate limit?)" } } }
}
