//! Filters of holes such as `{x|base64}`: encode a value for a sent frame, decode it from a received one.

use super::codec::parse_json;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// JSON inside a text.
    Json,
    Base64,
    Int,
    Text,
    /// Exactly this many characters, 0 to 256: left-padded with zeros, or the last ones of a longer text.
    Pad(usize),
    /// A list as lines of a text.
    Lines,
    /// A list as words of a text.
    Words,
}

impl Filter {
    pub(crate) const NAMES: [&str; 7] = ["json", "base64", "int", "text", "pad", "lines", "words"];

    /// Parses a filter; only `pad:12` has an argument.
    pub(crate) fn named(written: &str) -> Option<Self> {
        let (name, argument) = match written.split_once(':') {
            Some((name, argument)) => (name, Some(argument.parse::<usize>().ok().filter(|width| *width <= 256)?)),
            None => (written, None),
        };
        Some(match (name, argument) {
            ("json", None) => Self::Json,
            ("base64", None) => Self::Base64,
            ("int", None) => Self::Int,
            ("text", None) => Self::Text,
            ("lines", None) => Self::Lines,
            ("words", None) => Self::Words,
            ("pad", Some(width)) => Self::Pad(width),
            _ => return None,
        })
    }

    /// Encodes a value for a frame; returns it unchanged if the filter does not apply.
    pub(crate) fn write(self, value: Value) -> Value {
        match self {
            Self::Json => Value::from(value.to_string()),
            Self::Base64 => Value::from(STANDARD.encode(text(&value))),
            Self::Int => whole(&value).unwrap_or(value),
            Self::Text => Value::from(text(&value)),
            Self::Pad(width) => {
                let padded = format!("{:0>width$}", text(&value));
                let surplus = padded.chars().count() - width;
                Value::from(padded.chars().skip(surplus).collect::<String>())
            }
            Self::Lines => joined(&value, "\n"),
            Self::Words => joined(&value, " "),
        }
    }

    /// Decodes a value of a frame; `None` if it is not of the filter's form.
    pub(crate) fn read(self, value: Value) -> Option<Value> {
        match self {
            Self::Json => parse_json(value.as_str()?),
            Self::Base64 => {
                let bytes = STANDARD.decode(value.as_str()?).ok()?;
                String::from_utf8(bytes).ok().map(Value::from)
            }
            Self::Int => whole(&value),
            Self::Text => Some(Value::from(text(&value))),
            Self::Pad(_) => {
                let digits = value.as_str()?.trim_start_matches('0');
                Some(Value::from(if digits.is_empty() { "0" } else { digits }))
            }
            Self::Lines => Some(value.as_str()?.lines().map(Value::from).collect()),
            Self::Words => Some(value.as_str()?.split_ascii_whitespace().map(Value::from).collect()),
        }
    }
}

/// A value as part of a text: a string unquoted, null as nothing, any other value as JSON.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn whole(value: &Value) -> Option<Value> {
    match value {
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(value.clone()),
        Value::String(digits) => digits.parse::<i64>().ok().map(Value::from),
        _ => None,
    }
}

fn joined(value: &Value, by: &str) -> Value {
    match value {
        Value::Array(items) => Value::from(items.iter().map(text).collect::<Vec<_>>().join(by)),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_filter_reads_what_it_wrote() {
        let check = |written: &str, value: Value, on_the_wire: Value| {
            let filter = Filter::named(written).unwrap();
            assert_eq!(filter.write(value.clone()), on_the_wire, "{written}");
            assert_eq!(filter.read(on_the_wire), Some(value), "{written}");
        };
        check("json", json!({"a": 1}), json!("{\"a\":1}"));
        check("base64", json!("v=0\r\n"), json!("dj0wDQo="));
        check("int", json!(7), json!(7));
        check("pad:4", json!("7"), json!("0007"));
        check("words", json!(["a", "b"]), json!("a b"));
        check("lines", json!(["a", "b"]), json!("a\nb"));
    }

    #[test]
    fn what_does_not_fit_is_not_read() {
        assert_eq!(Filter::Int.read(json!("seven")), None);
        assert_eq!(Filter::Base64.read(json!("%")), None);
        assert_eq!(Filter::Json.read(json!("{")), None);
        assert_eq!(Filter::named("pad"), None);
        assert_eq!(Filter::named("json:3"), None);
    }
}
