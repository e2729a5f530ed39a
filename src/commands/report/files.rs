//! Selection of a report's files and of its format on stdout.

use crate::cli::{ColorWhen, ReportFile, ReportFiles, StdoutFormat};
use crate::commands::terminal::coloured;
use crate::report;
use crate::report::capacity::Form;
use crate::summary::Summary;
use std::io::IsTerminal;

/// Name and content of summary.json and of the `wanted` files.
pub(crate) fn files(summary: &Summary, wanted: &ReportFiles) -> Vec<(&'static str, Vec<u8>)> {
    let is_wanted = |file: &str| file == "summary.json" || wanted.0.iter().any(|report| file_name(*report) == file);
    report::files(summary).into_iter().filter(|(name, _)| is_wanted(name)).collect()
}

/// Report format for stdout.
pub(crate) fn format(asked: StdoutFormat, color: ColorWhen) -> report::Format {
    match asked {
        StdoutFormat::Text => report::Format::Text { color: coloured(color, std::io::stdout().is_terminal()) },
        StdoutFormat::Json => report::Format::Json,
        StdoutFormat::Md => report::Format::Markdown,
    }
}

/// Format of a capacity search for stdout.
pub(crate) fn form(format: StdoutFormat) -> Form {
    match format {
        StdoutFormat::Text => Form::Text,
        StdoutFormat::Md => Form::Markdown,
        StdoutFormat::Json => Form::Json,
    }
}

fn file_name(report: ReportFile) -> &'static str {
    let format = match report {
        ReportFile::Md => report::Format::Markdown,
        ReportFile::Junit => report::Format::Junit,
        ReportFile::Prom => report::Format::Prom,
        ReportFile::Csv => report::Format::Csv,
        ReportFile::Hlog => report::Format::Hlog,
        ReportFile::Html => report::Format::Html,
    };
    format.file_name()
}
