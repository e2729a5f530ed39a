//! What went wrong: by phase, reason and detail, with an example of each and its cause where it is known.

use crate::report::html::glossary::word;
use crate::report::html::inert::inert;
use crate::report::html::table::{Column, table};
use crate::report::sections::{self, OUTAGES_SHOWN};
use crate::summary::Summary;
use crate::summary::rows::FailureRow;
use crate::vocabulary::quantity;
use maud::{Markup, html};

const ROWS_MAX: usize = 100;

pub fn section(summary: &Summary) -> Markup {
    let mut failures: Vec<&FailureRow> = summary.failures.iter().collect();
    failures.sort_by_key(|row| std::cmp::Reverse(row.count.saturating_add(row.peers)));
    html! {
        section {
            h2 { "Failures" }
            @if failures.is_empty() { p { span.good { "✓" } " Nothing failed." } }
            @else {
                (rows(&failures))
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
            word(&inert(&row.phase)),
            word(&inert(&row.reason)),
            html! { (inert(&row.detail)) (hint(&row.detail)) },
            html! { (quantity::count(row.count)) },
            html! { (quantity::count(row.peers)) },
            word(&inert(row.cause.as_deref().unwrap_or("–"))),
            html! { span.example { (inert(&row.example)) } },
        ]
    });
    table(&html! { "Most frequent first; an edge counts once, where it ended" }, &COLUMNS, rows)
}

fn hint(detail: &str) -> Markup {
    html! { @if matches!(detail, "HTTP 429" | "HTTP 503") { " " span.note { "(a rate limit?)" } } }
}
