//! The files of a report: which were asked for, and in which format stdout shows it.

use super::terminal::coloured;
use crate::cli::{ColorWhen, Format, Report, Reports};
use crate::report;
use crate::summary::Summary;
use std::io::IsTerminal;

/// summary.json, and of the others those asked for: name and content.
pub fn files(summary: &Summary, wanted: &Reports) -> Vec<(&'static str, Vec<u8>)> {
    let is_wanted = |file: &str| file == "summary.json" || wanted.0.iter().any(|report| file_name(*report) == file);
    report::files(summary).into_iter().filter(|(name, _)| is_wanted(name)).collect()
}

/// The format of stdout.
pub fn format(asked: Format, color: ColorWhen) -> report::Format {
    match asked {
        Format::Text => report::Format::Text { color: coloured(color, std::io::stdout().is_terminal()) },
        Format::Json => report::Format::Json,
        Format::Md => report::Format::Markdown,
    }
}

fn file_name(report: Report) -> &'static str {
    let format = match report {
        Report::Md => report::Format::Markdown,
        Report::Junit => report::Format::Junit,
        Report::Prom => report::Format::Prom,
        Report::Csv => report::Format::Csv,
        Report::Hlog => report::Format::Hlog,
        Report::Html => report::Format::Html,
    };
    format.file_name()
}
