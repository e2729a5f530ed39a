//! The generator's health, and the reasons against the validity of the figures.

use crate::report::html::axis;
use crate::report::html::chart::{Chart, Mark};
use crate::report::html::palette::{ChartColour, legend};
use crate::report::html::sanitize::sanitize;
use crate::report::html::sections::latency::{percentile_chart, points};
use crate::report::html::table::{Column, figure, table};
use crate::summary::{Doubt, SeriesRow, Summary};
use crate::vocabulary::format;
use maud::{Markup, html};

pub(crate) fn section(summary: &Summary) -> Markup {
    let health = &summary.health;
    let cores = summary.run.machine.cores;
    let facts = [
        ("Timers fired late by", format!("{} (p99)", format::duration(health.lag_us.p.p99))),
        ("CPU used", format!("{:.2} of {cores} cores", health.cpu_cores)),
        ("Nearly all CPU used", format!("{} of the run", format::percent(health.busy_share))),
        ("Waiting for a CPU", format!("{} of the run", format::percent(health.waiting_share))),
        ("CPU per edge", format::duration(health.us_per_edge)),
        ("Memory at most", format::bytes(health.rss_bytes_max)),
        ("Descriptors at most", format::count(health.fds_max)),
        ("Arrivals started late", format::count(health.late)),
        ("Arrivals not started", format::count(health.dropped)),
    ];
    html! {
        section {
            h2 { "The generator's health" }
            @if !summary.validity.reasons.is_empty() { (doubts(&summary.validity.reasons)) }
            div.pair {
                @if health.lag_us.count > 0 {
                    (figure("Scheduler lag", "How late our own timers fired: what no figure here can be finer than.", &html! {},
                        &percentile_chart("Scheduler lag", &[(ChartColour::Due, points(&health.lag_us))])))
                }
                (second_by_second(summary))
                dl.facts { @for (name, value) in &facts { div { dt { (name) } dd { (value) } } } }
            }
        }
    }
}

/// Cores in use and cores waited for; a row without a sample leaves a gap.
fn second_by_second(summary: &Summary) -> Markup {
    let rows = || summary.series.iter().filter(|row| row.cpu_us.is_some());
    if rows().next().is_none() {
        return html! {};
    }
    let cores = |row: &SeriesRow, us: Option<u64>| us.unwrap_or(0) as f64 / 1e6 / row.seconds.max(1) as f64;
    let line = |role: ChartColour, of: fn(&SeriesRow) -> Option<u64>| Mark::Line {
        role,
        points: rows().map(|row| (row.second as f64 + row.seconds as f64 / 2.0, cores(row, of(row)))).collect(),
    };
    let most = rows().map(|row| cores(row, row.cpu_us).max(cores(row, row.waiting_us))).fold(0.0, f64::max);
    let end = summary.series.last().map_or(0, |row| row.second.saturating_add(row.seconds)) as f64;
    let marks = vec![line(ChartColour::Due, |row| row.cpu_us), line(ChartColour::Failed, |row| row.waiting_us)];
    let y = axis::amounts(most.max(summary.run.machine.cores), |cores| format!("{cores:.1}"));
    let says = format!("Cores in use in each second, at most {most:.2} of {}", summary.run.machine.cores);
    let chart = Chart { says, height: 440, margin: 90, x: axis::seconds(end), y, marks };
    let key =
        legend(&[(ChartColour::Due, "in use"), (ChartColour::Failed, "waited for, by the worker that waited longest")]);
    figure("CPU, second by second", "cores", &key, &chart.draw())
}

fn doubts(reasons: &[Doubt]) -> Markup {
    const COLUMNS: [Column; 4] =
        [Column::words("What"), Column::words("Observed"), Column::words("Limit"), Column::words("What would cure it")];
    let rows = reasons.iter().take(50).map(|doubt| {
        [&doubt.what, &doubt.observed, &doubt.limit, &doubt.cure].map(|text| html! { (sanitize(text)) }).into()
    });
    table(&html! { "What speaks against the figures, worst first" }, &COLUMNS, rows)
}
