//! JSON as it stood on the wire: an object keeps the order of its keys, which a dialect writes them in.

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};
use std::fmt;

#[derive(Clone, Debug, PartialEq)]
pub(in crate::learning) enum Json {
    Null,
    Flag(bool),
    Number(Number),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(in crate::learning) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(in crate::learning) fn is_scalar(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Text(_))
    }

    pub(in crate::learning) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text without its quotes, any other value as JSON.
    pub(in crate::learning) fn plain(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// Calls `see` for each value that is no object and no list, with its path; items of a list have the key `#0`.
    pub(in crate::learning) fn leaves<'a>(&'a self, path: &mut Vec<String>, see: &mut dyn FnMut(&[String], &'a Json)) {
        match self {
            Self::Object(entries) => {
                for (key, value) in entries {
                    path.push(key.clone());
                    value.leaves(path, see);
                    path.pop();
                }
            }
            Self::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    path.push(format!("#{at}"));
                    item.leaves(path, see);
                    path.pop();
                }
            }
            leaf => see(path, leaf),
        }
    }
}

/// The last key of a path that is no index of a list.
pub(in crate::learning) fn last_key(path: &[String]) -> Option<&str> {
    path.iter().map(String::as_str).rfind(|key| !key.starts_with('#'))
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: Vec<String>| f.write_str(&parts.join(","));
        match self {
            Self::Null => f.write_str("null"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{}", Value::from(text.as_str())),
            Self::List(items) => {
                f.write_str("[")?;
                joined(f, items.iter().map(ToString::to_string).collect())?;
                f.write_str("]")
            }
            Self::Object(entries) => {
                f.write_str("{")?;
                let entry = |(key, value): &(String, Json)| format!("{}:{value}", Value::from(key.as_str()));
                joined(f, entries.iter().map(entry).collect())?;
                f.write_str("}")
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = vec![];
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut entries = vec![];
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Json::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_leaves_have_paths() {
        let text = r#"{"z":1,"a":[{"b":"x\n"},null,2.5],"m":true}"#;
        let json = Json::parse(text).unwrap();
        assert_eq!(json.to_string(), text);
        let mut paths = vec![];
        json.leaves(&mut vec![], &mut |path, _| paths.push(path.join("/")));
        assert_eq!(paths, ["z", "a/#0/b", "a/#1", "a/#2", "m"]);
        assert_eq!(Json::parse("{"), None);
        assert_eq!(Json::parse(&"[".repeat(1_000)), None);
    }
}
