//! The planning report as Markdown, for a CI step summary or a pull request.

use super::{side_by_side, tables};
use crate::capacity::CapacityResult;
use crate::report::escape::{markdown as escaped, visible};

/// GitHub's limit for a comment, in characters.
const CHARS_MAX: usize = 60_000;

pub(super) fn render(findings: &CapacityResult) -> String {
    let facts: Vec<String> =
        tables::facts(findings).into_iter().map(|(name, words)| format!("- {name}: {}", escaped(&words))).collect();
    let commands: Vec<String> = tables::reproduction(findings)
        .into_iter()
        .map(|(name, command)| format!("{name}:\n\n    {}\n", visible(command)))
        .collect();
    let mut blocks = vec![
        format!("# meshload capacity: {}\n", escaped(&findings.scope.profile)),
        format!("**{}**\n", escaped(&findings.sentence)),
        facts.join("\n") + "\n",
        titled("Probes", &table(&tables::PROBE_HEADS, tables::probes(findings))),
        titled("What each load cost", &table(&tables::COST_HEADS, tables::costs(findings).into_iter())),
        titled("What if", &table(&tables::OUTLOOK_HEADS, tables::forecast(findings))),
        titled("Again", &commands.join("\n")),
    ];
    let rows = side_by_side::rows(findings);
    if !rows.is_empty() {
        blocks.insert(3, titled("Side by side", &table(&side_by_side::HEADS, rows.into_iter())));
    }
    fitted(&blocks)
}

fn titled(title: &str, body: &str) -> String {
    format!("## {title}\n\n{body}")
}

fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let mut table = line(&heads) + &line(&vec!["---".to_owned(); heads.len()]);
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        table.push_str(&line(&cells));
    }
    table
}

/// Joins as many blocks as fit; the answer comes first, so it is never left out.
fn fitted(blocks: &[String]) -> String {
    let note = "\n*The rest is in report.html.*\n";
    let mut report = String::new();
    let mut chars = note.chars().count();
    for block in blocks {
        chars += block.chars().count() + 1;
        if chars > CHARS_MAX {
            return report + note;
        }
        if !report.is_empty() {
            report.push('\n');
        }
        report.push_str(block);
    }
    report
}
