//! Documents for a terminal: the verdicts first, then the figures behind them; no charts.

use crate::report::document::{Block, Card, Column, Document, Figure, Ladder, Style, StyledText, Table, Tone};
use crate::report::escape::{input, plain};

/// Most rows of a table without `verbose`; JSON has all.
const ROWS_MAX: usize = 20;
/// Facts with longer values stand one a line.
const SHORT: usize = 40;
const LINE_MAX: usize = 110;
/// Blanks before the lines of a section.
const INDENT: usize = 2;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextOptions {
    /// Escape codes for colours. The caller honours NO_COLOR.
    pub color: bool,
    /// Shows folded details and every row too.
    pub verbose: bool,
    /// The width of the terminal, in characters; tables drop columns to fit. `None`: all are shown.
    pub columns: Option<usize>,
}

impl Document {
    /// The document as lines of plain text, the headline first.
    pub fn text(&self, options: TextOptions) -> String {
        let mut lines = vec![];
        for (index, card) in self.cards.iter().enumerate() {
            lines.extend(options.card(card, if index == 0 { &self.headline } else { &card.verdict }));
        }
        lines.extend(options.facts(self.known_facts().map(|(name, value)| (name.to_owned(), options.span(value)))));
        lines.extend(options.body(&self.blocks));
        lines.join("\n") + "\n"
    }
}

impl TextOptions {
    fn card(&self, card: &Card, verdict: &str) -> Vec<String> {
        let code = match card.tone {
            Tone::Good => 32,
            Tone::Doubtful => 33,
            Tone::Bad => 31,
        };
        let label = if card.label.is_empty() { String::new() } else { format!("{}: ", card.label) };
        let says = match (card.says.as_str(), card.label) {
            ("", _) => String::new(),
            (says, "") => format!(": {}", plain(says)),
            (says, _) => format!(", {}", plain(says)),
        };
        let head = format!("{label}{}{says}", self.paint(code, &plain(verdict)));
        std::iter::once(head).chain(card.points.iter().map(|point| format!("  {}", self.span(point)))).collect()
    }

    fn body(&self, blocks: &[Block]) -> Vec<String> {
        let mut lines = vec![];
        blocks.iter().for_each(|block| self.block(&mut lines, block));
        lines
    }

    fn block(&self, lines: &mut Vec<String>, block: &Block) {
        match block {
            empty if empty.is_empty() => {}
            Block::Section(title, blocks) => titled(lines, title, self.body(blocks)),
            Block::Details(title, blocks) if self.verbose => titled(lines, title, self.body(blocks)),
            Block::Ladder(ladder) => titled(lines, &ladder.title, self.ladder(ladder)),
            Block::Beside(blocks) => lines.extend(self.body(blocks)),
            Block::Figures(figures) => {
                lines.push(String::new());
                lines.extend(figures.iter().map(figure));
            }
            Block::Paragraph(span) => lines.push(self.span(span)),
            Block::List(items) => lines.extend(items.iter().map(|item| self.span(item))),
            Block::Facts(facts) => {
                lines.extend(self.facts(facts.iter().map(|(name, value)| (self.span(name), self.span(value)))));
            }
            Block::Table(table) => lines.extend(self.table(table)),
            Block::Verbatim(text) => lines.extend(text.lines().map(plain)),
            Block::Charts(_) | Block::Details(..) => {}
        }
    }

    fn ladder(&self, ladder: &Ladder) -> Vec<String> {
        let says = (!ladder.says.is_empty()).then(|| plain(&ladder.says));
        let rows = ladder.lines().into_iter().map(|(line, bad)| if bad { self.paint(31, &line) } else { line });
        says.into_iter().chain(rows).collect()
    }

    /// Short facts as running text, others one a line.
    fn facts(&self, facts: impl Iterator<Item = (String, String)>) -> Vec<String> {
        let facts: Vec<(String, String)> = facts.collect();
        if facts.iter().any(|(_, value)| value.chars().count() > SHORT) {
            let rows: Vec<_> = facts.into_iter().map(|(name, value)| vec![name, value]).collect();
            return aligned(|_| true, &rows);
        }
        let most = self.columns.unwrap_or(LINE_MAX).min(LINE_MAX);
        let mut lines: Vec<String> = vec![];
        for (name, value) in facts {
            let fact = format!("{name} {value}");
            match lines.last_mut().filter(|line| line.chars().count() + fact.chars().count() < most) {
                Some(line) => line.push_str(&format!("; {fact}")),
                None => lines.push(fact),
            }
        }
        lines
    }

    fn table(&self, table: &Table) -> Vec<String> {
        if table.rows.is_empty() {
            return vec![];
        }
        let most = if self.verbose { usize::MAX } else { ROWS_MAX };
        let heads = table.columns.iter().map(|column| column.head.to_owned()).collect();
        let rows = table.rows.iter().take(most).map(|row| row.iter().map(unpainted).collect());
        let mut rows: Vec<Vec<String>> = std::iter::once(heads).chain(rows).collect();
        let mut columns = table.columns.clone();
        while let Some(drop) = self.columns.and_then(|most| superfluous(&columns, &rows, most)) {
            columns.remove(drop);
            for row in rows.iter_mut().filter(|row| drop < row.len()) {
                row.remove(drop);
            }
        }
        let is_words = |column: usize| !columns.get(column).is_some_and(|column| column.is_figures);
        let mut lines = aligned(is_words, &rows);
        // A verdict is painted after the alignment, which counts characters.
        for (line, row) in lines.iter_mut().skip(1).zip(&table.rows) {
            if let Some(verdict) = row.first().filter(|cell| matches!(cell.style, Style::Good | Style::Bad)) {
                *line = line.replacen(&unpainted(verdict), &self.span(verdict), 1);
            }
        }
        lines.extend(table.more_than(most));
        lines
    }

    fn span(&self, span: &StyledText) -> String {
        match span.style {
            Style::Good => self.paint(32, &unpainted(span)),
            Style::Bad => self.paint(31, &unpainted(span)),
            _ => unpainted(span),
        }
    }

    /// Bold, in a colour of ECMA-48: 31 red, 32 green, 33 yellow.
    fn paint(&self, code: u8, text: &str) -> String {
        if self.color { format!("\u{1b}[1;{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn titled(lines: &mut Vec<String>, title: &str, body: Vec<String>) {
    if !body.is_empty() {
        lines.extend([String::new(), plain(title)]);
        lines.extend(body.into_iter().map(|line| if line.is_empty() { line } else { format!("  {line}") }));
    }
}

fn unpainted(span: &StyledText) -> String {
    if span.style == Style::Input { input(&span.text) } else { plain(&span.text) }
}

fn figure(figure: &Figure) -> String {
    let value =
        |(label, value): &(&str, String)| if label.is_empty() { value.clone() } else { format!("{label} {value}") };
    let values = figure.values.iter().map(value).collect::<Vec<_>>().join(", ");
    let note = if figure.note.is_empty() { String::new() } else { format!(" ({})", plain(&figure.note)) };
    format!("{}: {values}{note}", figure.name)
}

/// The column that a table wider than `most` can spare first: the last one of words, then the last one of figures, never
/// the first, which names the row.
fn superfluous(columns: &[Column], rows: &[Vec<String>], most: usize) -> Option<usize> {
    let is_wide = aligned(|_| false, rows).iter().any(|line| line.chars().count() + INDENT > most);
    let last = |figures: bool| (1..columns.len()).rev().find(|column| columns[*column].is_figures == figures);
    if is_wide { last(false).or_else(|| last(true)) } else { None }
}

/// The lines of a table without line ends; `is_words` is true for a column that is aligned left.
fn aligned(is_words: impl Fn(usize) -> bool, rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let gap = " ".repeat(widths[column] - cell.chars().count());
            let (before, after) = if is_words(column) { ("", gap.as_str()) } else { (gap.as_str(), "") };
            let separator = if column == 0 { "" } else { "  " };
            line.push_str(&format!("{separator}{before}{cell}{after}"));
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_under_each_other() {
        let rows = [["ice", "9 µs"], ["negotiation", "41.2 ms"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(|column| column == 0, &rows), ["ice             9 µs", "negotiation  41.2 ms"]);
    }

    #[test]
    fn rows_beyond_the_most_are_counted_and_shown_on_request() {
        let check = |rows: usize, verbose: bool, lines: usize, last: &str| {
            let table = Table::of("", 0..rows).words("name", |row| format!("row {row}")).table;
            let text = TextOptions { verbose, ..TextOptions::default() }.table(&table);
            assert_eq!((text.len(), text.last().unwrap().as_str()), (lines, last));
        };
        check(20, false, 21, "row 19");
        check(22, false, 22, "and 2 more");
        check(22, true, 23, "row 21");
    }

    #[test]
    fn a_narrow_terminal_loses_columns_and_no_row_wraps() {
        let rows = [["time_to_open", "both", "2.12 ms", "3.07 ms"], ["ice", "peers", "1 ms", "455 µs"]];
        let table = Table::of("", rows).words("timer", |row| row[0]).words("paid by", |row| row[1]);
        let table = table.figures("p50", |row| row[2]).figures("max", |row| row[3]).table;
        let heads = |columns| {
            let options = TextOptions { columns, ..TextOptions::default() };
            let lines = options.table(&table);
            assert!(
                lines.iter().all(|line| line.chars().count() + INDENT <= columns.unwrap_or(usize::MAX)),
                "{lines:?}"
            );
            lines[0].split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(heads(None), "timer paid by p50 max");
        assert_eq!(heads(Some(34)), "timer p50 max");
        assert_eq!(heads(Some(24)), "timer p50");
    }
}
