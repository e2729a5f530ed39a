//! Renders a comparison of two runs in each output format: the verdict first, then the changes.

mod html;
mod markdown;
mod text;
mod words;

pub use crate::report::compare::html::html;
pub use crate::report::compare::markdown::markdown;
pub use crate::report::compare::text::text;

use crate::gates::baseline::Comparison;

/// The content of `compare.json`: indented, with a newline at the end.
pub fn json(comparison: &Comparison) -> String {
    let mut text = serde_json::to_string_pretty(comparison).expect("a comparison holds nothing that JSON can't");
    text.push('\n');
    text
}
