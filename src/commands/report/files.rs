//! The files of a report: which were asked for, and in which format stdout shows it.

use crate::cli::{ColorWhen, ReportFile, ReportFiles, StdoutFormat};
use crate::commands::terminal::coloured;
use crate::report;
use crate::report::capacity::Form;
use crate::summary::Summary;
use std::io::IsTerminal;

/// summary.json, and of the others those asked for: name and content.
pub fn files(summary: &Summary, wanted: &ReportFiles) -> Vec<(&'static str, Vec<u8>)> {
    let is_wanted = |file: &str| file == "summary.json" || wanted.0.iter().any(|report| file_name(*report) == file);
    report::files(summary).into_iter().filter(|(name, _)| is_wanted(name)).collect()
}

/// The format of stdout.
pub fn format(asked: StdoutFormat, color: ColorWhen) -> report::Format {
    match asked {
        StdoutFormat::Text => report::Format::Text { color: coloured(color, std::io::stdout().is_terminal()) },
        StdoutFormat::Json => report::Format::Json,
        StdoutFormat::Md => report::Format::Markdown,
    }
}

/// How stdout tells a search.
pub fn form(format: StdoutFormat) -> Form {
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
