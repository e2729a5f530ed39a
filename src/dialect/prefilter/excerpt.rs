//! Parses only the keys of a JSON object that a pattern names.

use crate::dialect::language::codec::is_too_deep;
use crate::dialect::language::pattern::Pattern;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Parses the object at the start of `text`, with only the keys of a pattern; `None` if it is no valid object or too deep.
pub(crate) fn object(text: &str, keys: &[(String, Pattern)]) -> Option<Value> {
    if is_too_deep(text) {
        return None;
    }
    serde_json::Deserializer::from_str(text).deserialize_map(Keys(keys)).ok()
}

/// Collects the values of these keys.
struct Keys<'a>(&'a [(String, Pattern)]);

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut excerpt = Map::new();
        while let Some(wanted) = entries.next_key_seed(Wanted(self.0))? {
            match wanted {
                Some((key, _)) => {
                    excerpt.insert(key.clone(), entries.next_value()?);
                }
                None => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Value::Object(excerpt))
    }
}

/// Maps a key to its entry in the pattern.
struct Wanted<'a>(&'a [(String, Pattern)]);

impl<'a, 'de> DeserializeSeed<'de> for Wanted<'a> {
    type Value = Option<&'a (String, Pattern)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Wanted<'a> {
    type Value = Option<&'a (String, Pattern)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|(wanted, _)| wanted == key))
    }
}
