//! Differences between a frame and a pattern: whether the frame could be for another peer, and what does not fit.

use super::pattern::{Pattern, PatternPart};
use crate::dialect::shape::TYPE_KEYS;
use crate::vocabulary::inert_text::bounded;
use serde_json::Value;

/// The longest value that a difference shows, in characters.
const CHARS_MAX: usize = 40;

/// The differences found, of the conditions that were looked at.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    pub found: Vec<String>,
    /// The sum over the differences, each at most 1, and 2 for a value that tells the message's type.
    pub cost: f64,
    pub conditions: usize,
}

impl Pattern {
    /// The frame would fit if variables of the peer had other values: it may be for another peer or room.
    pub(crate) fn could_fit(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Absent, value) => value.is_none(),
            (Self::Bind { optional: true, .. }, None) => true,
            (_, None) => false,
            (Self::Equal(expected), Some(value)) => value == expected,
            (Self::Same(_), Some(value)) => !value.is_null(),
            (Self::Bind { filters, .. }, Some(value)) => {
                filters.iter().rev().try_fold(value.clone(), |value, filter| filter.read(value)).is_some()
            }
            (Self::Present, Some(_)) => true,
            (Self::Text(parts), Some(Value::String(text))) => match parts.first() {
                Some(PatternPart::Literal(start)) => text.starts_with(start.as_str()),
                _ => true,
            },
            (Self::List(patterns), Some(Value::Array(items))) => {
                patterns.iter().enumerate().all(|(at, pattern)| pattern.could_fit(items.get(at)))
            }
            (Self::Some(pattern), Some(Value::Array(items))) => items.iter().any(|item| pattern.could_fit(Some(item))),
            (Self::Table(patterns), Some(table @ Value::Object(entries))) => {
                patterns.iter().all(|(key, pattern)| match pattern {
                    Self::Anywhere(inner) => inner.could_fit_within(table),
                    pattern => pattern.could_fit(entries.get(key)),
                })
            }
            _ => false,
        }
    }

    /// The pattern in short: `{type:"OPEN",id}`.
    pub(crate) fn in_words(&self) -> String {
        match self {
            Self::Equal(value) => value.to_string(),
            Self::Table(entries) => {
                let entry = |(key, inner): &(String, Self)| match inner.in_words() {
                    inner if inner.is_empty() => key.clone(),
                    inner => format!("{key}:{inner}"),
                };
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
            }
            Self::List(items) => format!("[{}]", items.iter().map(Self::in_words).collect::<Vec<_>>().join(",")),
            Self::Text(parts) => {
                let part = |part: &PatternPart| match part {
                    PatternPart::Literal(literal) => literal.clone(),
                    PatternPart::Same(_) | PatternPart::Bind { .. } | PatternPart::Any => "…".to_owned(),
                };
                format!("\"{}\"", parts.iter().map(part).collect::<String>())
            }
            _ => String::new(),
        }
    }

    fn could_fit_within(&self, value: &Value) -> bool {
        let fits = |inner: &Value| (inner.is_object() && self.could_fit(Some(inner))) || self.could_fit_within(inner);
        match value {
            Value::Object(entries) => entries.values().any(fits),
            Value::Array(items) => items.iter().any(fits),
            _ => false,
        }
    }

    /// Collects what does not fit, each with its path in the frame.
    pub(crate) fn differences(&self, path: &str, value: Option<&Value>, globals: &[Value], out: &mut Differences) {
        let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match (self, value) {
            (Self::Table(patterns), Some(Value::Object(entries))) => {
                for (key, pattern) in patterns {
                    match pattern {
                        Self::Anywhere(_) => {}
                        pattern => pattern.differences(&inside(key), entries.get(key), globals, out),
                    }
                }
                return;
            }
            (Self::List(patterns), Some(Value::Array(items))) => {
                for (at, pattern) in patterns.iter().enumerate() {
                    pattern.differences(&inside(&at.to_string()), items.get(at), globals, out);
                }
                return;
            }
            _ => {}
        }
        out.conditions += 1;
        let place = if path.is_empty() { "the frame" } else { path };
        let difference = match (self, value) {
            (Self::Absent, Some(_)) => format!("{place} is there"),
            (Self::Absent, None) | (Self::Bind { optional: true, .. }, None) => return,
            (_, None) => format!("{place} is not there"),
            (Self::Equal(expected), Some(value)) if value != expected => {
                format!("{place} is {}, where {} is expected", shown(value), shown(expected))
            }
            (Self::Same(slot), Some(value)) if globals.get(*slot) != Some(value) => {
                let own = globals.get(*slot).unwrap_or(&Value::Null);
                format!("{place} is {}, where this peer has {}", shown(value), shown(own))
            }
            (Self::Table(_), Some(_)) => format!("{place} is no object"),
            (Self::List(_) | Self::Some(_), Some(value)) if !value.is_array() => format!("{place} is no list"),
            (Self::Text(_), Some(value)) if !self.could_fit(Some(value)) => {
                format!("{place} is {}, which has another form", shown(value))
            }
            (Self::Bind { .. }, Some(value)) if !self.could_fit(Some(value)) => {
                format!("{place} is {}, which has another form", shown(value))
            }
            _ => return,
        };
        out.found.push(difference);
        let weight = if is_type(path) { 2.0 } else { 1.0 };
        out.cost += weight
            * match (self, value) {
                (Self::Equal(Value::String(expected)), Some(Value::String(found))) => {
                    1.0 - strsim::normalized_levenshtein(expected, found)
                }
                _ => 1.0,
            };
    }
}

/// The value at this path tells a message's type; the first item of a Socket.IO event is its name.
fn is_type(path: &str) -> bool {
    path == "0" || TYPE_KEYS.contains(&path)
}

fn shown(value: &Value) -> String {
    bounded(&value.to_string(), CHARS_MAX).into_owned()
}
