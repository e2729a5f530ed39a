//! One self-contained page for a planning meeting: the answer, the knee, every probe, what if.

use super::chart::shown;
use super::{charts, style, tables};
use crate::capacity::{Findings, LimitedBy};

/// HTML5, UTF-8, no request to anywhere, no script. Other people's words are shown as text and nothing else.
pub fn render(findings: &Findings) -> String {
    let name = shown(&findings.scope.profile);
    let colour = match (findings.limit, findings.limited_by) {
        (None, _) => "none",
        (Some(_), LimitedBy::Target) => "target",
        (Some(_), _) => "open",
    };
    let sections = [
        format!("<section class=\"answer {colour}\">{}</section>", shown(&findings.sentence)),
        format!("<section><h2>What stands behind it</h2><dl>{}</dl></section>", facts(findings)),
        format!("<section><h2>Charts</h2><div class=\"grid\">{}</div></section>", figures(findings)),
        table(
            "Probes",
            "Each is a whole, fresh run, in the order of the search",
            &tables::PROBE_HEADS,
            tables::probes(findings),
        ),
        table(
            "What each load cost",
            "Probes in which nearly every edge opened",
            &tables::COST_HEADS,
            tables::costs(findings).into_iter(),
        ),
        table(
            "What if",
            "At the server while the rooms arrive, in the time that they took here. Frames said are taken to grow with the \
             edges; how many hear each is the model's. Extrapolated: beyond the populations that were measured",
            &tables::OUTLOOK_HEADS,
            tables::outlook(findings),
        ),
        format!("<section><h2>Again</h2>{}</section>", commands(findings)),
    ];
    let body = format!(
        "<header><p class=\"brand\">meshload capacity</p><h1>{name}</h1></header><main>{}</main>",
        sections.concat()
    );
    style::document(&format!("{name} · capacity · meshload"), &body)
}

fn facts(findings: &Findings) -> String {
    let fact = |(name, words): (&str, String)| format!("<dt>{}</dt><dd>{}</dd>", shown(name), shown(&words));
    let mut facts: String = tables::facts(findings).into_iter().map(fact).collect();
    let scope = &findings.scope;
    let machine = format!("{}, {} cores granted, {}", scope.machine.cpu, scope.machine.cores, scope.machine.os);
    facts.push_str(&fact(("this machine", machine)));
    facts.push_str(&fact(("started", scope.started_at.clone())));
    facts.push_str(&fact(("meshload", format!("{} {}", scope.meshload.version, scope.meshload.git))));
    facts
}

fn figures(findings: &Findings) -> String {
    let figures = [charts::knee, charts::failures, charts::reach, charts::cpu, charts::cpu_per_edge];
    let drawn: String = figures.into_iter().filter_map(|figure| figure(findings)).collect();
    if drawn.is_empty() { "<p>Nothing was measured.</p>".to_owned() } else { drawn }
}

/// The first cell of each row is its heading.
fn table(title: &str, caption: &str, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{}</th>", shown(head))).collect();
    let rows: String = rows
        .map(|row| {
            let cells = row.iter().enumerate().map(|(index, cell)| match index {
                0 => format!("<th scope=\"row\">{}</th>", shown(cell)),
                _ => format!("<td>{}</td>", shown(cell)),
            });
            format!("<tr>{}</tr>", cells.collect::<String>())
        })
        .collect();
    format!(
        "<section><h2>{}</h2><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"table\"><table>\
         <caption>{}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>",
        shown(title),
        shown(caption)
    )
}

fn commands(findings: &Findings) -> String {
    let commands = tables::reproduction(findings).into_iter();
    commands.map(|(name, command)| format!("<p>{}</p><pre>{}</pre>", shown(name), shown(command))).collect()
}
