//! Reports: each kind of result becomes one document, and each format is one back end over documents.

mod backend;
mod capacity;
mod compare;
pub mod document;
mod escape;
mod machine;
mod repeats;
mod run;
#[cfg(test)]
mod tests;

pub use backend::TextOptions;
pub use machine::{MetricsSamples, MetricsSnapshot, OtlpDeltas, SnapshotScope, pretty_json};
pub use run::{capitalised, findings};

use crate::report::document::Document;
use crate::report::machine::{bench, csv, hlog, prom};
use crate::summary::Summary;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text(TextOptions),
    Markdown,
    Html,
    Junit,
    Json,
    Prom,
    Csv,
    Hlog,
    /// Figures for trend pages.
    Bench,
}

/// A result that can be rendered. Another kind of report is one implementation.
pub trait Reported {
    /// The files that its command writes.
    const FILES: &'static [(&'static str, Format)];

    fn document(&self) -> Document;

    /// The result as JSON, with a newline at the end.
    fn json(&self) -> String;

    /// The result in a format of figures that only programs read; its JSON if it has none in that format.
    fn figures(&self, _format: Format) -> String {
        self.json()
    }
}

/// The result in one format, with a newline at the end.
pub fn render(format: Format, result: &impl Reported) -> String {
    match format {
        Format::Text(options) => result.document().text(options),
        Format::Markdown => result.document().markdown(),
        Format::Html => result.document().html(),
        Format::Junit => result.document().junit(),
        Format::Json => result.json(),
        Format::Prom | Format::Csv | Format::Hlog | Format::Bench => result.figures(format),
    }
}

/// The name and content of each file of a result; the caller writes them.
pub fn files<R: Reported>(result: &R) -> Vec<(&'static str, Vec<u8>)> {
    R::FILES.iter().map(|(name, format)| (*name, render(*format, result).into_bytes())).collect()
}

impl Reported for Summary {
    const FILES: &'static [(&'static str, Format)] = &[
        ("summary.json", Format::Json),
        ("report.html", Format::Html),
        ("report.md", Format::Markdown),
        ("junit.xml", Format::Junit),
        ("metrics.prom", Format::Prom),
        ("series.csv", Format::Csv),
        ("histograms.hlog", Format::Hlog),
        ("bench.json", Format::Bench),
    ];

    fn document(&self) -> Document {
        run::document(self)
    }

    fn json(&self) -> String {
        self.to_json()
    }

    fn figures(&self, format: Format) -> String {
        match format {
            Format::Prom => prom::render(self),
            Format::Csv => csv::render(self),
            Format::Hlog => hlog::render(self),
            Format::Bench => bench::render(self),
            _ => self.json(),
        }
    }
}
