//! The planning report of a capacity search, as text, Markdown, JSON and HTML.

mod charts;
mod format;
mod markdown;
mod page;
mod side_by_side;
mod tables;
mod text;

use crate::capacity::CapacityResult;

/// The format on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Markdown,
    Json,
}

pub fn render(form: Form, findings: &CapacityResult) -> String {
    match form {
        Form::Text => text::render(findings),
        Form::Markdown => markdown::render(findings),
        Form::Json => findings.to_json(),
    }
}

/// The name and content of each file of a search; the caller writes them.
pub fn files(findings: &CapacityResult) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("capacity.json", findings.to_json().into_bytes()),
        ("report.md", markdown::render(findings).into_bytes()),
        ("report.html", page::render(findings).into_bytes()),
    ]
}

#[cfg(test)]
mod tests;
