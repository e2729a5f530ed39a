//! The planning report as one self-contained HTML page: the answer, the knee, every probe, the forecast.

use super::{charts, side_by_side, tables};
use crate::capacity::{CapacityResult, LimitedBy};
use crate::report::html::{Column, page, sanitize, table};
use maud::{Markup, html};

/// An HTML5 page without script and without requests; the target's text is escaped.
pub(super) fn render(findings: &CapacityResult) -> String {
    let name = sanitize(&findings.scope.profile);
    let body = html! {
        header {
            p.brand { "meshload capacity" }
            h1 { (name) }
        }
        main {
            (answer(findings))
            section { h2 { "What stands behind it" } (facts(findings)) }
            @if findings.beside.is_some() { (side_by_side(findings)) }
            section { h2 { "Charts" } div.grid { (figures(findings)) } }
            (rows("Probes", "Each is a whole, fresh run, in the order of the search", &tables::PROBE_HEADS, tables::probes(findings)))
            (rows("What each load cost", "Probes in which nearly every edge opened", &tables::COST_HEADS, tables::costs(findings).into_iter()))
            (rows("What if", WHAT_IF, &tables::OUTLOOK_HEADS, tables::forecast(findings)))
            section { h2 { "Again" } (commands(findings)) }
        }
    };
    page(&format!("{name} · capacity · meshload"), &body)
}

const WHAT_IF: &str = "At the server while the rooms arrive, in the time that they took here. Frames said are taken to grow with the \
                       edges; how many hear each is the model's. Extrapolated: beyond the populations that were measured";

/// The answer in a sentence, with a mark beside the colour.
fn answer(findings: &CapacityResult) -> Markup {
    let (class, mark) = match (findings.limit, findings.limited_by) {
        (None, _) => ("bad", "✗"),
        (Some(_), LimitedBy::Target) => ("good", "✓"),
        (Some(_), _) => ("doubtful", "?"),
    };
    html! {
        section.verdicts.alone aria-label="Answer" {
            div class={ "verdict " (class) } {
                h2 { span.mark aria-hidden="true" { (mark) } " " (sanitize(&findings.sentence)) }
            }
        }
    }
}

fn facts(findings: &CapacityResult) -> Markup {
    let scope = &findings.scope;
    let machine = format!("{}, {} cores granted, {}", scope.machine.cpu, scope.machine.cores, scope.machine.os);
    let mut facts = tables::facts(findings);
    facts.push(("this machine", machine));
    facts.push(("started", scope.started_at.clone()));
    facts.push(("meshload", format!("{} {}", scope.meshload.version, scope.meshload.git)));
    html! {
        dl.facts.long { @for (name, words) in &facts { div { dt { (name) } dd { (sanitize(words)) } } } }
    }
}

fn side_by_side(findings: &CapacityResult) -> Markup {
    let columns: Vec<Column> = side_by_side::HEADS.iter().copied().map(Column::words).collect();
    let rows = side_by_side::rows(findings).into_iter();
    let rows = rows.map(|row| row.iter().map(|cell| html! { (sanitize(cell)) }).collect());
    html! {
        section { h2 { "Side by side" } (table(&html! { "Compared at the largest load that came up whole in both" }, &columns, rows)) }
    }
}

fn figures(findings: &CapacityResult) -> Markup {
    let figures = [charts::knee, charts::failures, charts::reach, charts::cpu, charts::cpu_per_edge];
    let drawn: Vec<Markup> = figures.into_iter().filter_map(|figure| figure(findings)).collect();
    html! {
        @if drawn.is_empty() { p { "Nothing was measured." } }
        @for figure in &drawn { (figure) }
    }
}

fn rows(title: &str, caption: &str, heads: &[&'static str], rows: impl Iterator<Item = Vec<String>>) -> Markup {
    let is_words = |index: usize, head: &str| index == 0 || ["said", "why", "how it is known"].contains(&head);
    let column = |(index, head): (usize, &&'static str)| {
        if is_words(index, head) { Column::words(head) } else { Column::figures(head) }
    };
    let columns: Vec<Column> = heads.iter().enumerate().map(column).collect();
    let rows = rows.map(|row| row.iter().map(|cell| html! { (sanitize(cell)) }).collect());
    html! {
        section { h2 { (title) } (table(&html! { (caption) }, &columns, rows)) }
    }
}

fn commands(findings: &CapacityResult) -> Markup {
    html! {
        @for (name, command) in tables::reproduction(findings) { p { (name) } pre { (sanitize(command)) } }
    }
}
