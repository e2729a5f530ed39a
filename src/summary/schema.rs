//! The JSON Schemas of results, generated from their types.

use schemars::{JsonSchema, schema_for};

/// The folder of the committed schemas, which each `$id` leads to.
const PLACE: &str = "https://raw.githubusercontent.com/meshload/meshload/main/reports";

/// JSON Schema 2020-12 of the type, with a newline at the end; `name` is that of `meshload schema NAME`.
pub fn json_schema<T: JsonSchema>(name: &str) -> String {
    let mut schema = schema_for!(T);
    schema.insert("$id".to_owned(), format!("{PLACE}/{name}.schema.json").into());
    serde_json::to_string_pretty(&schema).expect("a schema is plain JSON") + "\n"
}
