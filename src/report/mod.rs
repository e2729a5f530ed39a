//! Renders a Summary in each output format; one file a format, each a function of the Summary alone.

pub mod capacity;
pub mod compare;
mod escape;
mod figures;
pub mod html;
mod machine;
#[cfg(test)]
mod sample;
mod sections;
mod text;

pub use crate::report::text::ladder::{LadderMark, heads, row, timed};
pub use crate::report::text::repeats::render_repeats;
pub use escape::plain;

use crate::report::machine::{csv, hlog, junit, prom};
use crate::report::text::{markdown, terminal};
use crate::summary::Summary;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a terminal. The caller decides on `color`, and honours NO_COLOR.
    Text {
        color: bool,
    },
    Markdown,
    Html,
    Json,
    Prom,
    Junit,
    Csv,
    Hlog,
}

impl Format {
    /// The formats that a run writes as files.
    pub const FILES: [Self; 7] =
        [Self::Json, Self::Html, Self::Markdown, Self::Junit, Self::Prom, Self::Csv, Self::Hlog];

    pub fn file_name(self) -> &'static str {
        match self {
            Self::Text { .. } => "report.txt",
            Self::Markdown => "report.md",
            Self::Html => "report.html",
            Self::Json => "summary.json",
            Self::Prom => "metrics.prom",
            Self::Junit => "junit.xml",
            Self::Csv => "series.csv",
            Self::Hlog => "histograms.hlog",
        }
    }
}

/// The summary in one format, with a newline at the end.
pub fn render(format: Format, summary: &Summary) -> String {
    match format {
        Format::Text { color } => terminal::render(summary, color),
        Format::Markdown => markdown::render(summary),
        Format::Html => html::render(summary),
        Format::Json => summary.to_json(),
        Format::Prom => prom::render(summary),
        Format::Junit => junit::render(summary),
        Format::Csv => csv::render(summary),
        Format::Hlog => hlog::render(summary),
    }
}

/// The name and content of each file of a run; the caller writes them.
pub fn files(summary: &Summary) -> Vec<(&'static str, Vec<u8>)> {
    Format::FILES.into_iter().map(|format| (format.file_name(), render(format, summary).into_bytes())).collect()
}
