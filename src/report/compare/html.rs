//! The comparison as one self-contained HTML page, with both sides' latency curves.

use crate::gates::baseline::{Change, Comparison, ComparisonVerdict, Difference, Finding};
use crate::report::compare::words;
use crate::report::html::{ChartColour, Column, figure, legend, page, percentile_chart, sanitize, table};
use maud::{Markup, html};

/// The page; it loads nothing and escapes hostile text, as report.html does.
pub fn html(comparison: &Comparison) -> String {
    let (verdict, why) = words::verdict(comparison);
    let class = match comparison.verdict {
        ComparisonVerdict::Passed => "good",
        ComparisonVerdict::Regressed | ComparisonVerdict::Invalid => "bad",
        ComparisonVerdict::Unlike | ComparisonVerdict::OtherMachine | ComparisonVerdict::Undecided => "doubtful",
    };
    let mark = match class {
        "good" => "✓",
        "bad" => "✗",
        _ => "?",
    };
    let body = html! {
        header {
            p.brand { "meshload compare" }
            h1 { (sanitize(&comparison.new.name)) }
            p.facts { span { "base: " (words::side(&comparison.base)) } " " span { "new: " (words::side(&comparison.new)) } }
        }
        main {
            section.verdicts.alone aria-label="Verdict" {
                div class={ "verdict " (class) } {
                    h2 { span.mark aria-hidden="true" { (mark) } " " (verdict) }
                    p { (why) }
                    @for change in comparison.changes.iter().filter(|change| change.fails()).take(8) {
                        p.broken {
                            (words::name(change)) ": " (words::amount(change, change.base)) " → "
                            (words::amount(change, change.new)) ", " strong { (words::difference(change)) }
                        }
                    }
                }
            }
            (difference_list("In what the plans differ", &comparison.plan))
            (difference_list("In what the machines differ", &comparison.machine))
            @if !comparison.curves.is_empty() { (curves(comparison)) }
            @if !comparison.changes.is_empty() {
                section {
                    h2 { "What changed" }
                    (changes("Judged: these decide", comparison, true))
                    details { summary { "Shown, not judged" } (changes("For information", comparison, false)) }
                }
            }
        }
    };
    page(&format!("{verdict} · {} · meshload compare", sanitize(&comparison.new.name)), &body)
}

fn difference_list(heading: &str, differences: &[Difference]) -> Markup {
    const COLUMNS: [Column; 3] = [Column::words("What"), Column::words("Base"), Column::words("New")];
    let rows = differences.iter().take(200).map(|difference| {
        [&difference.what, &difference.base, &difference.new].map(|text| html! { (sanitize(text)) }).into()
    });
    html! {
        @if !differences.is_empty() {
            section { h2 { (heading) } (table(&html! { "Only what differs is listed" }, &COLUMNS, rows)) }
        }
    }
}

fn curves(comparison: &Comparison) -> Markup {
    let key = legend(&[(ChartColour::Due, "base"), (ChartColour::Began, "new (dashed)")]);
    html! {
        section {
            h2 { "Both curves" }
            div.grid {
                @for curves in &comparison.curves {
                    @let lines = [(ChartColour::Due, curves.base.clone()), (ChartColour::Began, curves.new.clone())];
                    (figure(&curves.metric, "from due, by share of the samples", &key, &percentile_chart(&curves.metric, &lines)))
                }
            }
        }
    }
}

fn changes(caption: &str, comparison: &Comparison, judged: bool) -> Markup {
    const COLUMNS: [Column; 7] = [
        Column::words("Metric"),
        Column::words("Finding"),
        Column::figures("Base"),
        Column::figures("New"),
        Column::figures("Change"),
        Column::figures("95 % between"),
        Column::figures("Allowed"),
    ];
    let rows = comparison.changes.iter().filter(|change| change.judged == judged).take(500).map(|change| {
        vec![
            html! { (words::name(change)) },
            finding(change),
            html! { (words::amount(change, change.base)) },
            html! { (words::amount(change, change.new)) },
            html! { (words::difference(change)) },
            html! { (words::bounds(change)) },
            html! { (words::allowed(change)) },
        ]
    });
    table(&html! { (caption) }, &COLUMNS, rows)
}

fn finding(change: &Change) -> Markup {
    let (mark, word) = words::finding(change);
    let class = match change.finding {
        Finding::Worse | Finding::Gone => "bad",
        Finding::Better => "good",
        _ => "whole",
    };
    html! { span class=(class) { (mark) " " (word) } }
}
