//! A report in four formats.

mod html;
mod mermaid;
mod text;

pub use html::html;
pub use mermaid::mermaid;
pub use text::text;

use super::report::ProbeReport;

/// The data themselves, for scripts.
pub fn json(report: &ProbeReport) -> String {
    serde_json::to_string_pretty(report).expect("texts and numbers always serialise") + "\n"
}
