//! The planning report: what a search found, for a terminal, a pull request and a planning meeting.

mod beside;
mod charts;
mod format;
mod markdown;
mod page;
mod tables;
mod text;

use crate::capacity::Findings;

/// For stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Markdown,
    Json,
}

pub fn render(form: Form, findings: &Findings) -> String {
    match form {
        Form::Text => text::render(findings),
        Form::Markdown => markdown::render(findings),
        Form::Json => findings.to_json(),
    }
}

/// Name and content of each file that a search leaves; writing them is the caller's.
pub fn files(findings: &Findings) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("capacity.json", findings.to_json().into_bytes()),
        ("report.md", markdown::render(findings).into_bytes()),
        ("report.html", page::render(findings).into_bytes()),
    ]
}

#[cfg(test)]
mod tests;
