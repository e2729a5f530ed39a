//! How the generator itself fared, and what speaks against the figures.

use crate::report::html::inert::inert;
use crate::report::html::ink::Ink;
use crate::report::html::latency::{percentile_chart, points};
use crate::report::html::table::{Column, figure, table};
use crate::summary::Summary;
use crate::summary::verdict::Doubt;
use crate::vocabulary::quantity;
use maud::{Markup, html};

pub fn section(summary: &Summary) -> Markup {
    let health = &summary.health;
    let cores = summary.run.machine.cores;
    let facts = [
        ("Timers fired late by", format!("{} (p99)", quantity::duration(health.lag_us.p.p99))),
        ("CPU used", format!("{:.2} of {cores} cores", health.cpu_cores)),
        ("Nearly all CPU used", format!("{} of the run", quantity::percent(health.busy_share))),
        ("Waiting for a CPU", format!("{} of the run", quantity::percent(health.waiting_share))),
        ("CPU per edge", quantity::duration(health.us_per_edge)),
        ("Memory at most", quantity::bytes(health.rss_bytes_max)),
        ("Descriptors at most", quantity::count(health.fds_max)),
        ("Arrivals started late", quantity::count(health.late)),
        ("Arrivals not started", quantity::count(health.dropped)),
    ];
    html! {
        section {
            h2 { "The generator's health" }
            @if !summary.validity.reasons.is_empty() { (doubts(&summary.validity.reasons)) }
            div.pair {
                @if health.lag_us.count > 0 {
                    (figure("Scheduler lag", "How late our own timers fired: what no figure here can be finer than.", &html! {},
                        &percentile_chart("Scheduler lag", &[(Ink::Due, points(&health.lag_us))])))
                }
                dl.facts { @for (name, value) in &facts { div { dt { (name) } dd { (value) } } } }
            }
        }
    }
}

fn doubts(reasons: &[Doubt]) -> Markup {
    const COLUMNS: [Column; 4] =
        [Column::words("What"), Column::words("Observed"), Column::words("Limit"), Column::words("What would cure it")];
    let rows = reasons.iter().take(50).map(|doubt| {
        [&doubt.what, &doubt.observed, &doubt.limit, &doubt.cure].map(|text| html! { (inert(text)) }).into()
    });
    table(&html! { "What speaks against the figures, worst first" }, &COLUMNS, rows)
}
