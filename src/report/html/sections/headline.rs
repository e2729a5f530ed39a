//! The head of the page: outcome, validity, time to open, edge counts, gates.

use crate::report::figures;
use crate::report::html::sanitize::sanitize;
use crate::report::html::sections::glossary::word;
use crate::report::html::table::{Column, table};
use crate::report::sections;
use crate::summary::{Clock, Edges, GateResult, Outcome, Summary, Verdict};
use crate::vocabulary::format;
use maud::{Markup, html};

pub(crate) fn header(summary: &Summary) -> Markup {
    let run = &summary.run;
    html! {
        header {
            p.brand { "meshload" }
            h1 { (sanitize(&run.name)) }
            p.facts {
                span { (sanitize(&run.destination())) } " "
                span { (sanitize(&run.started_at)) } " "
                span { "ran " (format::duration(run.duration_us)) } " "
                span { (sanitize(&run.dialect)) " dialect, " (sanitize(&run.engine)) " engine" } " "
                span { "seed " (run.seed) }
            }
        }
    }
}

/// The outcome and the validity, side by side.
pub(crate) fn verdicts(summary: &Summary) -> Markup {
    let (mark, class, ending, why) = outcome(summary);
    let (trust_mark, trust_class, trust) = match summary.validity.verdict {
        _ if summary.measured_nothing() => ("–", "doubtful", "No peer ever connected, so there is no figure to trust."),
        Verdict::Valid => ("✓", "good", "The figures are the target's, not the generator's."),
        Verdict::Suspect => ("?", "doubtful", "The generator may have coloured these figures."),
        Verdict::Invalid => ("✗", "bad", "The generator, not the target, was the limit."),
    };
    html! {
        section.verdicts aria-label="Verdicts" {
            div class={ "verdict " (class) } {
                h2 { span.mark aria-hidden="true" { (mark) } " " (ending) }
                p { (why) }
                @for fact in sections::verdict_facts(summary) { p.broken { (sanitize(&fact)) } }
                @for gate in summary.gates.iter().filter(|gate| !gate.ok).take(5) { p.broken { (gate_in_words(gate)) } }
                @if let Some(cause) = &summary.run.stopped_by { p { "Stopped early: " (sanitize(cause)) } }
            }
            div class={ "verdict " (trust_class) } {
                h2 { span.mark aria-hidden="true" { (trust_mark) } " "
                    @if summary.measured_nothing() { "Nothing was measured" }
                    @else { (word(summary.validity.verdict.name())) }
                }
                p { (trust) }
                @for doubt in summary.validity.reasons.iter().take(5) {
                    p.broken {
                        (sanitize(&doubt.what)) ": " strong { (sanitize(&doubt.observed)) } ", limit " (sanitize(&doubt.limit)) ". What would cure it: "
                        (sanitize(&doubt.cure))
                    }
                }
            }
        }
    }
}

fn outcome(summary: &Summary) -> (&'static str, &'static str, &'static str, String) {
    let (held, all) = (summary.gates.iter().filter(|gate| gate.ok).count(), summary.gates.len());
    let gates = match all {
        0 => "No gates were set.".to_owned(),
        _ if held == all => format!("All {all} gates hold."),
        _ => format!("{} of {all} gates failed.", all - held),
    };
    match summary.result {
        Outcome::Passed => match summary.findings_counted(None) {
            0 => ("✓", "good", "Passed", gates),
            found => ("✓", "good", "Passed", format!("{gates} With {}.", format::plural(found, "finding"))),
        },
        Outcome::Failed if held == all && summary.counts.edges.opened > 0 && summary.run.stopped_by.is_none() => {
            ("✗", "bad", "Failed", "Peers had no server at the end.".into())
        }
        Outcome::Failed if held == all => ("✗", "bad", "Failed", "No edge opened, or the run was stopped.".into()),
        Outcome::Failed => ("✗", "bad", "Failed", gates),
        Outcome::Invalid => ("✗", "bad", "Invalid", format!("{gates} But the run does not count.")),
        Outcome::Incomplete => ("?", "doubtful", "Incomplete", "Part of the run's data is missing.".into()),
        Outcome::Interrupted => ("?", "doubtful", "Interrupted", format!("What was measured until then: {gates}")),
        Outcome::Unreachable => {
            let why = sanitize(&summary.result_in_words());
            ("✗", "bad", "Unreachable", format!("No peer ever connected to the target ({why})."))
        }
        Outcome::Error => ("✗", "bad", "Error", "meshload could not do its work.".into()),
    }
}

/// The headline figures: time to open, and the outcomes of the edges.
pub(crate) fn figures(summary: &Summary) -> Markup {
    let edges = &summary.counts.edges;
    let rooms = &summary.counts.rooms;
    let open = summary.timers.get("time_to_open").map(|timer| timer.on(Clock::Due));
    let at = |percentile: f64, us: fn(&crate::summary::distribution::Percentiles) -> u64| {
        open.map_or("–".to_owned(), |open| figures::percentile(open, percentile, us(&open.p)))
    };
    html! {
        section.headline aria-label="Headline figures" {
            div.lead {
                h2 { "Time to open" }
                dl {
                    div { dt { "p50" } dd { (at(50.0, |p| p.p50)) } }
                    div { dt { "p95" } dd { (at(95.0, |p| p.p95)) } }
                    div { dt { "p99" } dd { (at(99.0, |p| p.p99)) } }
                }
                p {
                    "from when a peer was due until the channel is open on both sides; "
                    (open.map_or("nothing was measured".into(), |open| format!("{} edges", format::count(open.count))))
                    ", timeouts included"
                }
            }
            dl.tiles {
                (tile("Edges open", &share(edges.opened, edges.planned.saturating_add(edges.rejoins)),
                    &format!("{} of {}", format::count(edges.opened), format::count(edges.planned.saturating_add(edges.rejoins)))))
                (tile("Edges failed", &format::count(edges.failed),
                    &failure_note(edges)))
                (tile("Rooms complete", &format!("{} of {}", format::count(rooms.complete), format::count(rooms.planned)), "every edge of the room open"))
                (tile("Amplification", &summary.amplification.map_or("–".into(), |times| format!("{}×", format::number(times))),
                    "frames read for each that mattered; 1 is perfect"))
            }
        }
    }
}

fn failure_note(edges: &Edges) -> String {
    if edges.one_sided == 0 && edges.dropped == 0 {
        return "none one-sided, none left out".into();
    }
    let (one_sided, dropped) = (format::count(edges.one_sided), format::count(edges.dropped));
    format!("{one_sided} one-sided; {dropped} not started (generator late)")
}

fn tile(name: &str, figure: &str, note: &str) -> Markup {
    html! { div { dt { (name) } dd { (figure) } p { (note) } } }
}

fn share(part: u64, of: u64) -> String {
    if of == 0 { "–".into() } else { format::percent(part as f64 / of as f64) }
}

/// All gates, the failed ones first.
pub(crate) fn gates(gates: &[GateResult]) -> Markup {
    const COLUMNS: [Column; 6] = [
        Column::words("Gate"),
        Column::words("Holds"),
        Column::words("Demanded"),
        Column::figures("Observed"),
        Column::figures("Samples"),
        Column::words("From"),
    ];
    let mut ordered: Vec<&GateResult> = gates.iter().collect();
    ordered.sort_by_key(|gate| gate.ok);
    let rows = ordered.into_iter().map(|gate| {
        vec![
            word(&sanitize(&gate.metric_in_words())),
            if gate.ok {
                html! { span.good { "✓ yes" } }
            } else {
                html! { span.bad { "✗ no" } (reason(gate)) }
            },
            html! { span.whole { (sanitize(&gate.expr)) } },
            html! { (gate.observed_in_words()) },
            html! { (format::count(gate.samples)) },
            html! { (sanitize(gate.line.as_deref().unwrap_or(""))) },
        ]
    });
    html! {
        section {
            h2 { "Gates" }
            @if gates.is_empty() { p { "No gates were set: add some under [gates] in the profile, or with --gate." } }
            @else { (table(&html! { "What the run had to meet; failed ones first" }, &COLUMNS, rows)) }
        }
    }
}

fn gate_in_words(gate: &GateResult) -> String {
    let seen = if gate.observed.is_some() {
        format!("observed {}", gate.observed_in_words())
    } else {
        "nothing observed".into()
    };
    format!("{}: {} – {seen}{}", sanitize(&gate.metric_in_words()), sanitize(&gate.expr), reason(gate))
}

fn reason(gate: &GateResult) -> String {
    match gate.why.as_deref() {
        None => String::new(),
        Some("too_few_samples") => " (too few samples)".into(),
        Some("no_data") => " (nothing was measured)".into(),
        Some(other) => format!(" ({})", sanitize(other)),
    }
}
