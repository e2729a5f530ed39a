//! Tables and figures of all sections: with caption and heads; a wide table scrolls by itself.

use maud::{Markup, html};

pub(crate) struct Column {
    pub head: &'static str,
    /// Figures are aligned right, words left.
    pub figures: bool,
}

impl Column {
    pub(crate) const fn words(head: &'static str) -> Self {
        Self { head, figures: false }
    }

    pub(crate) const fn figures(head: &'static str) -> Self {
        Self { head, figures: true }
    }
}

/// A table in which the first cell of each row is its heading.
pub(crate) fn table(caption: &Markup, columns: &[Column], rows: impl IntoIterator<Item = Vec<Markup>>) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label="table" {
            table {
                caption { span { (caption) } }
                thead { tr { @for column in columns { th scope="col" class=[column.figures.then_some("n")] { (column.head) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (index, cell) in row.iter().enumerate() {
                                @let class = columns.get(index).is_some_and(|column| column.figures).then_some("n");
                                @if index == 0 { th scope="row" class=[class] { (cell) } }
                                @else { td class=[class] { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A chart under its heading, with its legend and `reading`, one sentence on how to read it.
pub(crate) fn figure(heading: &str, reading: &str, legend: &Markup, chart: &Markup) -> Markup {
    html! {
        figure {
            figcaption { strong { (heading) } " " span.reading { (reading) } (legend) }
            (chart)
        }
    }
}
