//! The JSON Schema of a profile, for editors, generated from the table of keys that reads one.

use super::read::DEFAULTS;
use super::syntax::keys::{self, Key, Takes};
use serde_json::{Map, Value, json};

/// The address of the schema, which an editor reads from the first line of a profile: `#:schema ADDRESS`.
pub const ID: &str = "https://raw.githubusercontent.com/meshload/meshload/main/reports/profile.schema.json";

const NUMBER: &str = r"([0-9]+\.?[0-9]*|\.[0-9]+)";
/// A percentage, or a fraction below 1.
const SHARE: &str = r"([0-9]+(\.[0-9]*)?\s*%|0+(\.[0-9]*)?)";
/// A reference to the environment, whose value only a run knows.
const REFERENCE: &str = r"\$\{";

/// JSON Schema 2020-12, with a newline at the end. It takes every profile that is read without a problem; of the others
/// it refuses unknown keys and words, values of another type or unit, and whole numbers out of range.
pub fn json_schema() -> String {
    let mut schema = takes(&keys::ROOT);
    let defaults: Value = toml::from_str(DEFAULTS).expect("the defaults are TOML");
    add_defaults(&mut schema, &defaults);
    let all = schema.as_object_mut().expect("a table is an object");
    all.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    all.insert("$id".into(), json!(ID));
    all.insert("title".into(), json!("A meshload profile"));
    all.insert("$defs".into(), json!({ "gates": gates() }));
    serde_json::to_string_pretty(&schema).expect("a schema is plain JSON") + "\n"
}

fn takes(of: &Takes) -> Value {
    match of {
        Takes::Text => json!({ "type": "string" }),
        Takes::Flag => json!({ "type": "boolean" }),
        Takes::Whole(min, max) => {
            either(json!({ "type": "integer", "minimum": min, "maximum": max }), written(REFERENCE))
        }
        Takes::Time(min, max) => {
            let mut time = written(&format!(r"^\s*({NUMBER}\s*(us|µs|ms|s|m|h)\s*)+$|{REFERENCE}"));
            time["description"] = json!(format!("A time from {min:?} to {max:?}, such as 10s, 500ms or 1m30s"));
            time
        }
        Takes::Rate => unit(&format!(r"{NUMBER}\s*/\s*(s|min|h)"), "A rate, such as 20/s or 3/min"),
        Takes::Share => unit(SHARE, "A share, such as 5%"),
        Takes::ShareRate => unit(&format!(r"{SHARE}\s*/\s*(s|min|h)"), "A share in a time, such as 5%/min"),
        Takes::Bytes => unit(&format!(r"{NUMBER}\s*(B|kB|KB|MB|KiB|MiB)"), "A size, such as 64B or 4KiB"),
        Takes::Words(words) => either(json!({ "enum": words }), written(REFERENCE)),
        Takes::OneOrRange(end) => either(takes(end), range(end)),
        Takes::Range(end) => range(end),
        Takes::Table(keys) => table(keys),
        Takes::Texts => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        // A list of tables is a curve, which has a beginning.
        Takes::List(item @ Takes::Table(_)) => json!({ "type": "array", "items": takes(item), "minItems": 1 }),
        Takes::List(item) => json!({ "type": "array", "items": takes(item) }),
        Takes::Either(one, other) => either(takes(one), takes(other)),
        Takes::Gates => json!({ "$ref": "#/$defs/gates" }),
    }
}

fn written(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

fn unit(pattern: &str, description: &str) -> Value {
    let mut unit = written(&format!(r"^\s*{pattern}\s*$|{REFERENCE}"));
    unit["description"] = json!(description);
    unit
}

fn either(one: Value, other: Value) -> Value {
    json!({ "anyOf": [one, other] })
}

fn table(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), takes(&key.takes))).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn range(end: &Takes) -> Value {
    let ends = json!({ "min": takes(end), "max": takes(end) });
    json!({ "type": "object", "properties": ends, "required": ["min", "max"], "additionalProperties": false })
}

/// Gates by metric, whose names may be written as nested tables; each is one gate or a list of them.
fn gates() -> Value {
    let mut gate = table(keys::GATE);
    gate["required"] = json!(["expr"]);
    let gate = either(json!({ "type": "string" }), gate);
    let list = json!({ "type": "array", "items": gate });
    let metric = json!({ "anyOf": [gate, list, { "$ref": "#/$defs/gates" }] });
    json!({ "type": "object", "additionalProperties": metric })
}

fn add_defaults(schema: &mut Value, defaults: &Value) {
    for (name, value) in defaults.as_object().into_iter().flatten() {
        let Some(key) = schema.pointer_mut(&format!("/properties/{name}")) else { continue };
        match value {
            Value::Object(_) => add_defaults(key, value),
            value => key["default"] = value.clone(),
        }
    }
}
