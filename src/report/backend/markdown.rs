//! Documents as Markdown, for a CI step summary or a pull request.

use crate::report::document::{Block, Card, Document, Figure, Style, StyledText, Table, Tone};
use crate::report::escape::{bounded, code, markdown, plain};

/// Fits GitHub's limit for a comment, in characters.
const CHARS_MAX: usize = 60_000;
const ROWS_MAX: usize = 50;
const CELL_CHARS_MAX: usize = 240;
const THE_REST: &str = "\n*The rest is on the HTML page of the same name, beside this file.*\n";

impl Document {
    /// The document in GitHub-flavoured Markdown; whole blocks at its end are left out if it would exceed a comment.
    pub fn markdown(&self) -> String {
        let command = if self.command.is_empty() { String::new() } else { format!(" {}", self.command) };
        let mut parts = vec![format!("# meshload{command}: {}\n", markdown(&self.headline))];
        parts.extend(self.cards.iter().map(card));
        let facts = self.known_facts().map(|(name, value)| format!("{name} {}", span(value)));
        parts.push(facts.collect::<Vec<_>>().join(", ") + "\n");
        parts.extend(self.blocks.iter().map(|part| block(part, 2)));
        parts.retain(|part| !part.trim().is_empty());
        fitted(&parts)
    }
}

/// Joins as many parts as fit; the verdicts come first, so they are never left out.
fn fitted(parts: &[String]) -> String {
    let mut report = String::new();
    let mut chars = THE_REST.chars().count();
    for part in parts {
        chars += part.chars().count() + 1;
        if chars > CHARS_MAX {
            return report + THE_REST;
        }
        if !report.is_empty() {
            report.push('\n');
        }
        report.push_str(part);
    }
    report
}

fn card(card: &Card) -> String {
    let mark = match card.tone {
        Tone::Good => "✅",
        Tone::Doubtful => "⚠️",
        Tone::Bad => "❌",
    };
    let label = if card.label.is_empty() { String::new() } else { format!("{}: ", card.label) };
    let says = if card.says.is_empty() { String::new() } else { format!(": {}", markdown(&card.says)) };
    let points: String = card.points.iter().map(|point| format!("- {}\n", span(point))).collect();
    let gap = if points.is_empty() { "" } else { "\n" };
    format!("{mark} {label}**{}**{says}\n{gap}{points}", markdown(&card.verdict))
}

fn block(block_: &Block, level: usize) -> String {
    let inner = block_.inner().iter().map(|part| block(part, level + 1)).filter(|part| !part.is_empty());
    let inner = inner.collect::<Vec<_>>().join("\n");
    match block_ {
        empty if empty.is_empty() => String::new(),
        // Nothing but charts.
        Block::Section(..) | Block::Details(..) if inner.is_empty() => String::new(),
        Block::Section(title, _) => format!("{} {title}\n\n{inner}", "#".repeat(level)),
        Block::Beside(_) => inner,
        Block::Details(summary, _) => folded(&markdown(summary), &inner),
        Block::Figures(figures) => figures.iter().map(figure).collect(),
        Block::Paragraph(text) => span(text) + "\n",
        Block::List(lines) => lines.iter().map(|line| format!("- {}\n", span(line))).collect(),
        Block::Facts(facts) => {
            facts.iter().map(|(name, value)| format!("- {}: {}\n", span(name), span(value))).collect()
        }
        Block::Table(rows) => table(rows),
        Block::Charts(_) => String::new(),
        Block::Ladder(ladder) => {
            let lines: String = ladder.lines().into_iter().map(|(line, _)| line + "\n").collect();
            folded(&markdown(&ladder.title), &format!("{}\n\n{}", markdown(&ladder.says), fenced(&lines)))
        }
        Block::Verbatim(text) => fenced(&text.lines().map(|line| plain(line) + "\n").collect::<String>()),
    }
}

fn folded(summary: &str, body: &str) -> String {
    format!("<details><summary>{summary}</summary>\n\n{body}\n</details>\n")
}

/// A code block, fenced with more backticks than the text has in a row (CommonMark §4.5).
fn fenced(text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{text}{fence}\n")
}

fn figure(figure: &Figure) -> String {
    let value = |(label, value): &(&str, String)| format!("{label} **{}**", markdown(value)).trim_start().to_owned();
    let values = figure.values.iter().map(value).collect::<Vec<_>>().join(", ");
    let note = if figure.note.is_empty() { String::new() } else { format!(" ({})", markdown(&figure.note)) };
    format!("- {}: {values}{note}\n", figure.name)
}

fn table(table: &Table) -> String {
    if table.rows.is_empty() {
        return String::new();
    }
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut lines = line(table.columns.iter().map(|column| column.head.to_owned()).collect());
    let align = |figures: bool| if figures { "---:" } else { "---" };
    lines += &line(table.columns.iter().map(|column| align(column.is_figures).to_owned()).collect());
    for row in table.rows.iter().take(ROWS_MAX) {
        lines += &line(row.iter().map(span).collect());
    }
    lines + &table.more_than(ROWS_MAX).map_or(String::new(), |more| format!("\n{more}\n"))
}

fn span(span: &StyledText) -> String {
    let text = bounded(&span.text, CELL_CHARS_MAX);
    match span.style {
        Style::Good => format!("✅ {}", markdown(&text)),
        Style::Bad => format!("❌ {}", markdown(&text)),
        Style::Strong => format!("**{}**", markdown(&text)),
        Style::Input if !text.is_empty() => code(&text),
        _ => markdown(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(rows: usize) -> Document {
        let table = || Table::of("", 0..rows).words("a", |_| "<".repeat(1_000)).words("b", |_| "|&<".repeat(1_000));
        let sections = (0..9).map(|_| Block::Section("Failures", vec![table().into()]));
        Document { headline: "FAILED x".into(), blocks: sections.collect(), ..Document::default() }
    }

    #[test]
    fn a_report_of_ten_thousand_rows_still_fits_a_comment_and_says_where_the_rest_is() {
        let report = failing(10_000).markdown();
        assert!(report.chars().count() <= CHARS_MAX, "{}", report.chars().count());
        assert!(report.starts_with("# meshload: FAILED x\n") && report.ends_with(THE_REST));
    }

    #[test]
    fn fifty_rows_are_shown_and_two_more_are_counted() {
        let shown = |rows: usize| table(&Table::of("", 0..rows).figures("n", ToString::to_string).table);
        assert!(!shown(ROWS_MAX).contains("more"));
        assert!(shown(ROWS_MAX + 2).contains("and 2 more"));
    }
}
