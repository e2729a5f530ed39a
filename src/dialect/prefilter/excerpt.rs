//! What a pattern asks for of a JSON text, read without the rest.

use crate::dialect::language::pattern::Pattern;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// The object at the start of `text`, with the keys alone that a pattern names. `None`: no object, or a broken one.
pub(crate) fn object(text: &str, keys: &[(String, Pattern)]) -> Option<Value> {
    serde_json::Deserializer::from_str(text).deserialize_map(Keys(keys)).ok()
}

/// Takes the values of these keys.
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

/// A key, as the pattern's entry that it is.
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
