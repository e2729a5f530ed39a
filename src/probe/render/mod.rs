//! Renderers of a probe's report: text, HTML, Mermaid, JSON.

mod html;
mod mermaid;
mod text;

pub use html::html;
pub use mermaid::mermaid;
pub use text::text;

use super::report::ProbeReport;

/// The report as JSON, pretty-printed.
pub fn json(report: &ProbeReport) -> String {
    serde_json::to_string_pretty(report).expect("texts and numbers always serialise") + "\n"
}
