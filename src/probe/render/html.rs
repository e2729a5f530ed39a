//! The probe's report as one self-contained HTML page, with each step in a table.

use super::super::report::{ProbeReport, name};
use crate::diagnosis::{Arrival, LadderStep};
use crate::summary::TargetRoute;
use std::fmt::Write;

const HEAD: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>meshload probe</title>
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid #8884; }
td:first-child { text-align: right; font-variant-numeric: tabular-nums; } .bad { color: #c62828; } .good { color: #2e7d32; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } .bad { color: #ef9a9a; } .good { color: #a5d6a7; } }
</style></head><body>
";

/// Renders the report.
pub fn html(report: &ProbeReport) -> String {
    let mut out = HEAD.to_owned();
    let class = if report.is_open() { "good" } else { "bad" };
    let _ = writeln!(out, "<h1 class=\"{class}\">{}</h1>", escape(&report.headline()));
    let diagnosis = &report.diagnosis;
    let _ = writeln!(
        out,
        "<p>{} {} of {} channels opened.</p>",
        escape(diagnosis.cause.meaning()),
        report.opened,
        report.planned
    );
    list(&mut out, "The way to the target", way(report).iter().map(String::as_str));
    list(&mut out, "Evidence", diagnosis.evidence.iter().map(String::as_str));
    if !diagnosis.remedy.is_empty() {
        let _ = writeln!(out, "<h2>What to do</h2><p>{}</p>", escape(&diagnosis.remedy));
    }
    let tried: Vec<String> = report
        .remedies
        .iter()
        .map(|tried| format!("{}: {} ({})", tried.remedy, if tried.worked { "works" } else { "fails" }, tried.detail))
        .collect();
    list(&mut out, "Remedies tried", tried.iter().map(String::as_str));
    phases(&mut out, report);
    steps(&mut out, report);
    out.push_str("</body></html>\n");
    out
}

fn way(report: &ProbeReport) -> Vec<String> {
    report.way.iter().flat_map(TargetRoute::in_words).collect()
}

fn list<'a>(out: &mut String, title: &str, lines: impl Iterator<Item = &'a str>) {
    let items: String = lines.map(|line| format!("<li>{}</li>", escape(line))).collect();
    if !items.is_empty() {
        let _ = writeln!(out, "<h2>{title}</h2><ul>{items}</ul>");
    }
}

fn phases(out: &mut String, report: &ProbeReport) {
    out.push_str("<h2>Phases</h2><table><tr><th>ms</th><th>phase</th><th>edges</th></tr>\n");
    for phase in &report.phases {
        let took = phase.took_us.map_or("-".to_owned(), |us| format!("{:.1}", us as f64 / 1e3));
        let class = if phase.reached == phase.edges { "good" } else { "bad" };
        let (name, reached, edges) = (phase.phase.name(), phase.reached, phase.edges);
        let _ = writeln!(out, "<tr><td>{took}</td><td>{name}</td><td class=\"{class}\">{reached} of {edges}</td></tr>");
    }
    out.push_str("</table>\n");
}

fn steps(out: &mut String, report: &ProbeReport) {
    out.push_str("<h2>Who said what to whom</h2><table><tr><th>ms</th><th>from</th><th>to</th><th>what</th><th>heard after</th></tr>\n");
    for step in report.shown_steps(true) {
        let at = step.at();
        let at_ms = at.as_secs_f64() * 1e3;
        let _ = match step {
            LadderStep::Note { peer, text, bad, .. } => {
                let class = if *bad { "bad" } else { "" };
                writeln!(
                    out,
                    "<tr class=\"{class}\"><td>{at_ms:.1}</td><td>peer {}</td><td></td><td>{}</td><td></td></tr>",
                    peer.0,
                    escape(text)
                )
            }
            LadderStep::Arrow { from, to, kind, arrival, .. } => {
                let (class, heard) = match arrival {
                    Arrival::Heard(heard) => ("", format!("{:.1} ms", heard.saturating_sub(at).as_secs_f64() * 1e3)),
                    Arrival::Elsewhere(_) => ("bad", "on another channel".to_owned()),
                    Arrival::Never => ("bad", "never".to_owned()),
                    Arrival::Unknown => ("", String::new()),
                };
                let (from, to, kind) = (name(*from), name(*to), escape(report.kind(*kind)));
                writeln!(
                    out,
                    "<tr class=\"{class}\"><td>{at_ms:.1}</td><td>{from}</td><td>{to}</td><td>{kind}</td><td>{heard}</td></tr>"
                )
            }
        };
    }
    out.push_str("</table>\n");
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character if character.is_control() => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_target_is_inert() {
        assert_eq!(
            escape("</script><img onerror=\"x\">\u{1b}&'"),
            "&lt;/script&gt;&lt;img onerror=&quot;x&quot;&gt;\u{fffd}&amp;&#39;"
        );
    }
}
