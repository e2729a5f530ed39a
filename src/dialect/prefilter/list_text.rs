//! A list of a frame that stays text: in a burst of joins, nearly every item of nearly every member list is known already.

use crate::dialect::language::codec::is_too_deep;
use crate::dialect::language::pattern::Pattern;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;

/// The place of the list that a rule leaves as text.
#[derive(Debug)]
pub(crate) struct ListText {
    /// The keys that lead to it.
    path: Vec<String>,
    /// The local that it is bound to: a list as its text, an object parsed; any other value names nobody, and is null.
    pub slot: usize,
}

impl ListText {
    /// The place at which a pattern of objects binds `slot`.
    pub(crate) fn of(pattern: &Pattern, slot: usize) -> Option<Self> {
        let mut path = vec![];
        leads_to(pattern, slot, &mut path).then_some(Self { path, slot })
    }

    /// Parses a JSON frame but for the list; `None` if the frame is invalid, too deep, or has no object where the keys lead.
    pub(crate) fn read(&self, frame: &str) -> Option<Value> {
        if is_too_deep(frame) {
            return None;
        }
        let mut frame = serde_json::Deserializer::from_str(frame);
        let value = Around(&self.path).deserialize(&mut frame).ok()?;
        frame.end().is_ok().then_some(value)
    }

    /// Clears a text that is no list, out of a frame that was parsed whole: it names nobody.
    pub(crate) fn clear_text(&self, locals: &mut [Value]) {
        if locals[self.slot].is_string() {
            locals[self.slot] = Value::Null;
        }
    }
}

fn leads_to(pattern: &Pattern, slot: usize, path: &mut Vec<String>) -> bool {
    match pattern {
        Pattern::Bind { slot: own, filters, .. } => *own == slot && filters.is_empty(),
        Pattern::Table(entries) => entries.iter().any(|(key, inner)| {
            path.push(key.clone());
            let leads = leads_to(inner, slot, path);
            if !leads {
                path.pop();
            }
            leads
        }),
        _ => false,
    }
}

/// Parses a value, and leaves the list at the end of these keys as text.
struct Around<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Around<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        if !self.0.is_empty() {
            return from.deserialize_map(self);
        }
        let text = <&RawValue>::deserialize(from)?.get();
        Ok(match text.as_bytes().first() {
            Some(b'[') => Value::from(text),
            Some(b'{') => serde_json::from_str(text).map_err(D::Error::custom)?,
            _ => Value::Null,
        })
    }
}

impl<'de> Visitor<'de> for Around<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = match self.0 {
                [own, rest @ ..] if *own == key => entries.next_value_seed(Around(rest))?,
                _ => entries.next_value()?,
            };
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(frame: &str) -> Option<Value> {
        let list = Pattern::Bind { slot: 3, filters: vec![], optional: true };
        let data = Pattern::Table(vec![("room".to_owned(), Pattern::Present), ("list".to_owned(), list)]);
        let place = ListText::of(&Pattern::Table(vec![("data".to_owned(), data)]), 3).unwrap();
        place.read(frame)
    }

    #[test]
    fn a_list_stays_text_and_the_rest_is_parsed() {
        let check = |frame: &str, read: Value| assert_eq!(of(frame), Some(read), "{frame}");
        let list = r#"[{"id":"a"}, 7]"#;
        check(
            &format!(r#"{{"a":[1],"data":{{"list":{list},"x":"y"}}}}"#),
            json!({"a": [1], "data": {"list": list, "x": "y"}}),
        );
        check(r#"{"data":{"list":{"a":1}}}"#, json!({"data": {"list": {"a": 1}}}));
        check(r#"{"data":{"list":"[1]"}}"#, json!({"data": {"list": null}}));
        check(r#"{"data":{}}"#, json!({"data": {}}));
        for other in [r#"{"data":[]}"#, "[]", r#"{"data":{"list":[1,]}}"#, r#"{"data":{"list":[1]}"#, "{} x"] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(of(&format!(r#"{{"data":{{"list":{}{}}}}}"#, "[".repeat(80), "]".repeat(80))), None);
    }
}
