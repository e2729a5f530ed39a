//! Tables and figures as every section makes them: captioned, headed, and wide ones scroll on their own.

use maud::{Markup, html};

pub struct Column {
    pub head: &'static str,
    /// Figures are set to the right, so that their digits align.
    pub figures: bool,
}

impl Column {
    pub const fn words(head: &'static str) -> Self {
        Self { head, figures: false }
    }

    pub const fn figures(head: &'static str) -> Self {
        Self { head, figures: true }
    }
}

/// The first cell of each row is its heading.
pub fn table(caption: &Markup, columns: &[Column], rows: impl IntoIterator<Item = Vec<Markup>>) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label="table" {
            table {
                caption { (caption) }
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

/// A chart under its heading, with its legend and one sentence on how to read it.
pub fn figure(heading: &str, reading: &str, legend: &Markup, chart: &Markup) -> Markup {
    html! {
        figure {
            figcaption { strong { (heading) } " " span.reading { (reading) } (legend) }
            (chart)
        }
    }
}
