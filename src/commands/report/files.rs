//! Selection of a report's files and of its format on stdout.

use crate::cli::{ColorWhen, ReportFile, ReportFiles, StdoutFormat};
use crate::commands::terminal::coloured;
use crate::os::terminal_columns;
use crate::report::{self, Format, Reported, TextOptions};
use std::io::IsTerminal;

/// Name and content of the JSON and of the `wanted` files of a result.
pub(crate) fn files<R: Reported>(result: &R, wanted: &ReportFiles) -> Vec<(&'static str, Vec<u8>)> {
    let is_wanted = |format: Format| format == Format::Json || wanted.0.iter().any(|file| file_format(*file) == format);
    let wanted = R::FILES.iter().filter(|(_, format)| is_wanted(*format));
    wanted.map(|(name, format)| (*name, report::render(*format, result).into_bytes())).collect()
}

/// Report format for stdout.
pub(crate) fn format(asked: StdoutFormat, color: ColorWhen, verbose: bool) -> Format {
    match asked {
        StdoutFormat::Text => text(color, verbose),
        StdoutFormat::Json => Format::Json,
        StdoutFormat::Md => Format::Markdown,
    }
}

/// Text for stdout, in colours and as wide as the terminal if it is one.
pub(crate) fn text(color: ColorWhen, verbose: bool) -> Format {
    let color = coloured(color, std::io::stdout().is_terminal());
    Format::Text(TextOptions { color, verbose, columns: terminal_columns() })
}

/// Format of a file that `--report` names.
pub(crate) fn file_format(file: ReportFile) -> Format {
    match file {
        ReportFile::Md => Format::Markdown,
        ReportFile::Junit => Format::Junit,
        ReportFile::Prom => Format::Prom,
        ReportFile::Csv => Format::Csv,
        ReportFile::Hlog => Format::Hlog,
        ReportFile::Bench => Format::Bench,
        ReportFile::Html => Format::Html,
    }
}
