//! Renders a Summary in each output format; one file a format, each a function of the Summary alone.

pub mod capacity;
pub mod compare;
mod csv;
mod escape;
mod figures;
mod hlog;
pub mod html;
mod junit;
mod ladder;
mod markdown;
mod prom;
mod repeats;
#[cfg(test)]
mod sample;
mod sections;
mod table;
mod text;

pub use crate::report::repeats::render_repeats;
pub use escape::plain;
pub use ladder::{LadderMark, heads, row, timed};

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
        Format::Text { color } => text::render(summary, color),
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
