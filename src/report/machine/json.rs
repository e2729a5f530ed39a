//! JSON for people's eyes, too.

/// Indented JSON with a newline at the end.
pub fn pretty_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("a result holds nothing that JSON can't") + "\n"
}
