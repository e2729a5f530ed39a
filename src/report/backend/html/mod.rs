//! Documents as one self-contained HTML page each: no script, no request, every text inert.

mod inert;
mod page;
mod svg;

use crate::report::document::{
    Block, Card, Chart, ChartColour, Document, Figure, Ladder, Style, StyledText, Table, Tone,
};
use crate::vocabulary::{GlossaryEntry, glossary::find};
use inert::{class, inert, inert_lines};
use maud::{Markup, html};
use page::page;

/// Most rows of a table: those of a series, so that a hostile summary does not make the page endless.
const ROWS_MAX: usize = 1_000;
const STACKED_MAX: usize = 60;

impl Document {
    /// The document as an HTML5 page in UTF-8.
    pub fn html(&self) -> String {
        let command = self.command;
        let brand = format!("meshload {command}");
        let says = self.cards.first().map_or("", |card| &card.says);
        let verdict = [self.headline.as_str(), says].into_iter().filter(|words| !words.is_empty());
        let title = format!("{} · {}", inert(&verdict.collect::<Vec<_>>().join(": ")), brand.trim_end());
        let body = html! {
            header {
                p.brand { (brand) }
                h1 { (inert(&self.name)) }
                @if !self.asks.is_empty() { p.asks { (inert(&self.asks)) } }
                p.facts { @for (name, value) in self.known_facts() { span { (name) " " (span(value)) } " " } }
            }
            main {
                section.verdicts.alone[self.cards.len() < 2] aria-label="Verdicts" { @for each in &self.cards { (card(each)) } }
                @for each in self.blocks.iter().filter(|each| matches!(each, Block::Figures(_))) { (block(each, 2)) }
                (contents(self))
                @for each in self.blocks.iter().filter(|each| !matches!(each, Block::Figures(_))) { (block(each, 2)) }
                (glossary(self))
            }
            footer {
                p {
                    "Quantiles are read from merged histograms, never averaged. Times are counted from when a peer was due, "
                    "unless they say began. In brackets: fewer samples than that percentile needs. This page asks nobody for anything."
                }
            }
        };
        page(&title, &body)
    }
}

/// Links to the sections.
fn contents(document: &Document) -> Markup {
    let titles = document.blocks.iter().filter_map(|block| match block {
        Block::Section(title, _) if !block.is_empty() => Some(*title),
        _ => None,
    });
    html! { nav.contents aria-label="Contents" { @for title in titles { a href={ "#" (anchor(title)) } { (title) } " " } } }
}

fn card(card: &Card) -> Markup {
    let class = match card.tone {
        Tone::Good => "good",
        Tone::Doubtful => "doubtful",
        Tone::Bad => "bad",
    };
    let points = html! { @for point in &card.points { p.broken { (span(point)) } } };
    html! {
        div class={ "verdict " (class) } {
            h2 { span.mark aria-hidden="true" { (card.tone.mark()) } " " (term(&card.verdict)) }
            @if !card.says.is_empty() { p { (inert(&card.says)) } }
            // What a good verdict rests on must not push a failure's figures off the first screen.
            @if card.tone == Tone::Good && !card.label.is_empty() && !card.points.is_empty() {
                details { summary { "What it rests on" } (points) }
            } @else { (points) }
        }
    }
}

fn block(block_: &Block, level: u8) -> Markup {
    let inner = || html! { @for each in block_.inner() { (block(each, level + 1)) } };
    match block_ {
        empty if empty.is_empty() => html! {},
        Block::Section(title, _) if level == 2 => html! { section id=(anchor(title)) { h2 { (title) } (inner()) } },
        Block::Section(title, _) => html! { h3 { (title) } (inner()) },
        Block::Beside(_) => html! { div.pair { (inner()) } },
        Block::Details(summary, _) => html! { details { summary { (inert(summary)) } (inner()) } },
        Block::Figures(figures) => {
            html! { section.headline aria-label="Headline figures" { dl.tiles { @for each in figures { (figure(each)) } } } }
        }
        Block::Paragraph(text) => html! { p { (span(text)) } },
        Block::List(lines) => html! { ul { @for line in lines { li { (span(line)) } } } },
        Block::Facts(facts) => html! {
            dl.facts { @for (name, value) in facts { div { dt { (span(name)) } dd { (span(value)) } } } }
        },
        Block::Table(rows) => table(rows),
        Block::Charts(charts) => html! { div.grid { @for each in charts { (chart(each)) } } },
        Block::Ladder(handshake) => ladder(handshake),
        Block::Verbatim(text) => html! { pre tabindex="0" { code { (inert_lines(text)) } } },
    }
}

/// A heading as an anchor, so that a link can lead to it.
fn anchor(title: &str) -> String {
    title.to_lowercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")
}

fn figure(figure: &Figure) -> Markup {
    html! {
        div {
            dt { (term(figure.name)) }
            dd { @for (label, value) in &figure.values { span { @if !label.is_empty() { small { (label) } " " } (value) } " " } }
            dd.note { (inert(&figure.note)) }
        }
    }
}

/// A table in which the first cell of each row is its heading; a wide one scrolls by itself.
fn table(table: &Table) -> Markup {
    // Below 640 px, each row of a short table stands as a list of its columns.
    let is_short = table.rows.len() <= STACKED_MAX;
    let head = |column: usize| table.columns.get(column).filter(|_| is_short).map(|column| column.head);
    let class = |column: usize| table.columns.get(column).is_some_and(|column| column.is_figures).then_some("n");
    html! {
        div.wide tabindex="0" role="region" aria-label="table" {
            table.stack[is_short] {
                caption { span { (table.caption) } }
                thead { tr { @for (index, column) in table.columns.iter().enumerate() { th scope="col" class=[class(index)] { (column.head) } } } }
                tbody {
                    @for row in table.rows.iter().take(ROWS_MAX) {
                        tr {
                            @for (index, cell) in row.iter().enumerate() {
                                @if index == 0 { th scope="row" class=[class(index)] data-head=[head(index)] { (span(cell)) } }
                                @else { td class=[class(index)] data-head=[head(index)] { (span(cell)) } }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(more) = table.more_than(ROWS_MAX) { p { (more) } }
    }
}

fn chart(chart: &Chart) -> Markup {
    let legend = chart.legend();
    html! {
        figure.large[chart.is_large] {
            figcaption {
                strong { (inert(&chart.heading)) } " " span.reading { (inert(&chart.reading)) }
                @if legend.len() > 1 { ul.legend { @for (colour, name) in legend { li { (key(colour)) (inert(name)) } } } }
            }
            // A large chart would be too small to read on a phone, which shows a narrow drawing instead.
            @if chart.is_large { (svg::draw(chart, svg::LARGE_WIDTH, "wide-only")) }
            (svg::draw(chart, svg::WIDTH, if chart.is_large { "narrow-only" } else { "" }))
        }
    }
}

fn ladder(ladder: &Ladder) -> Markup {
    html! {
        details open[ladder.is_unfolded] {
            summary { (inert(&ladder.title)) }
            @if !ladder.says.is_empty() { p { (inert(&ladder.says)) } }
            pre.ladder tabindex="0" { @for (line, is_bad) in ladder.lines() { span.bad[is_bad] { (line) } "\n" } }
        }
    }
}

fn span(span: &StyledText) -> Markup {
    html! {
        @if let Some(colour) = span.key { (key(colour)) }
        @match span.style {
            Style::Good => span.good { "✓ " (inert(&span.text)) },
            Style::Bad => span.bad { "✗ " (inert(&span.text)) },
            Style::Strong => strong { (inert(&span.text)) },
            Style::Note => span.note { (inert(&span.text)) },
            Style::Input => code { (inert(&span.text)) },
            Style::Term => (term(&span.text)),
            Style::To(section) => a href={ "#" (anchor(section)) } { (inert(&span.text)) },
            Style::Plain => (inert(&span.text)),
        }
    }
}

fn key(colour: ChartColour) -> Markup {
    html! { span class={ "key " (class(colour)) } aria-hidden="true" {} }
}

/// A term with its meaning as a tooltip, if the glossary has it; the glossary stands at the end of the page, too.
fn term(shown: &str) -> Markup {
    match find(shown).next() {
        Some(entry) => html! { abbr title=(entry.means) { (inert(shown)) } },
        None => html! { (inert(shown)) },
    }
}

/// Every term of the document that `meshload explain` knows, in the order of its use.
fn glossary(document: &Document) -> Markup {
    let mut words: Vec<&str> = document.cards.iter().map(|card| card.verdict.as_str()).collect();
    document.blocks.iter().for_each(|block| terms(block, &mut words));
    let mut entries: Vec<&GlossaryEntry> = vec![];
    for entry in words.into_iter().chain(["due", "began"]).flat_map(find) {
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    html! {
        section id="words-of-this-page" {
            h2 { "Words of this page" }
            details {
                summary { (entries.len()) " words: what each means, who pays for it and what to do" }
                dl.facts {
                    @for entry in &entries {
                        div {
                            dt { (entry.word) " (" (entry.kind) ")" }
                            dd {
                                (entry.means)
                                @if !entry.pays.is_empty() { " Paid for by " (entry.pays) "." }
                                @if !entry.advice.is_empty() { " " em { (entry.advice) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn terms<'a>(block: &'a Block, found: &mut Vec<&'a str>) {
    if let Block::Figures(figures) = block {
        found.extend(figures.iter().map(|figure| figure.name));
    }
    found.extend(block.spans().into_iter().filter(|span| span.style == Style::Term).map(|span| span.text.as_str()));
    block.inner().iter().for_each(|block| terms(block, found));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_ours_is_explained_and_a_foreign_one_stands_as_it_is() {
        assert!(term("timed_out").into_string().starts_with("<abbr title=\"Nothing decided it"));
        assert_eq!(term("<i>").into_string(), "&lt;i&gt;");
    }
}
