//! The JSON Schema of summary.json, generated from its types.

use crate::summary::Summary;

/// The schema as committed in `reports/summary.schema.json` (JSON Schema 2020-12).
pub fn json_schema() -> String {
    let schema = schemars::schema_for!(Summary);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_committed_schema_is_that_of_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/reports/summary.schema.json");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(path, json_schema()).unwrap();
        }
        let committed = fs::read_to_string(path).unwrap_or_default();
        assert!(committed == json_schema(), "the types have changed: run this test with UPDATE=1 and commit {path}");
    }
}
