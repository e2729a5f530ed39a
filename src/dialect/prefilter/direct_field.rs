//! Drops a frame for other peers by its message type and one field at a fixed path.

use super::own_values::{OwnValues, is_plain};
use crate::dialect::language::pattern::Pattern;
use crate::vocabulary::FrameKind;
use memchr::memmem::Finder;

/// The checks that all rules of one message type share.
#[derive(Debug)]
pub(crate) struct MessageTypeFilter {
    pub kind: FrameKind,
    /// The first rule ignores every frame of this type.
    pub ignored: bool,
    /// Fields that every rule compares with the same variable.
    pub fields: Vec<DirectField>,
}

/// A text at a path of keys from the frame's root that must equal a variable.
#[derive(Clone, Debug)]
pub(crate) struct DirectField {
    path: Vec<String>,
    slot: usize,
    /// Finders of `"key":{` for each table of the path and of `"key":"`, with their lengths in bytes.
    steps: Vec<(Finder<'static>, usize)>,
}

impl MessageTypeFilter {
    /// The frame is for other peers; false if in doubt.
    pub(crate) fn drops(&self, frame: &str, own_values: &OwnValues) -> bool {
        let differs =
            |field: &DirectField| own_values.text(field.slot).is_some_and(|word| field.rules_out(frame, word));
        self.ignored || self.fields.iter().any(differs)
    }
}

impl DirectField {
    /// The direct fields of a pattern.
    pub(crate) fn all_of(pattern: &Pattern) -> Vec<Self> {
        let mut found = vec![];
        collect(pattern, &mut vec![], &mut found);
        found
    }

    pub(crate) fn is_same_field(&self, other: &Self) -> bool {
        (&self.path, self.slot) == (&other.path, other.slot)
    }

    /// The field has another text than `expected`, in objects with unique keys (RFC 8259 §4).
    fn rules_out(&self, frame: &str, expected: &str) -> bool {
        let bytes = frame.as_bytes();
        // Past the root's brace.
        let mut from = 1;
        for (finder, length) in &self.steps {
            let Some(at) = bytes.get(from..).and_then(|rest| finder.find(rest)).map(|at| from + at) else {
                return false;
            };
            // Without a bracket in between, the key is in the same object; after `,` or `{`, the quote begins a key.
            let is_nested = memchr::memchr3(b'{', b'[', b'}', &bytes[from..at]).is_some();
            if is_nested || !matches!(bytes[at - 1], b'{' | b',') {
                return false;
            }
            from = at + length;
        }
        let value = &bytes[from..];
        let Some(end) = memchr::memchr2(b'"', b'\\', value) else { return false };
        value[end] == b'"' && &value[..end] != expected.as_bytes()
    }
}

fn collect(pattern: &Pattern, path: &mut Vec<String>, found: &mut Vec<DirectField>) {
    let Pattern::Table(entries) = pattern else { return };
    for (key, inner) in entries.iter().filter(|(key, _)| is_plain(key)) {
        path.push(key.clone());
        match inner {
            Pattern::Same(slot) => found.push(DirectField { path: path.clone(), slot: *slot, steps: steps(path) }),
            inner => collect(inner, path, found),
        }
        path.pop();
    }
}

fn steps(path: &[String]) -> Vec<(Finder<'static>, usize)> {
    let step = |(position, key): (usize, &String)| {
        let opening = if position + 1 == path.len() { '"' } else { '{' };
        let needle = format!("\"{key}\":{opening}");
        (Finder::new(&needle).into_owned(), needle.len())
    };
    path.iter().enumerate().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_another_only_where_it_surely_is_the_one_asked_for() {
        let pattern = |key: &str, inner| Pattern::Table(vec![(key.to_owned(), inner)]);
        let direct = &DirectField::all_of(&pattern("data", pattern("to", Pattern::Same(0))))[0];
        let check = |frame: &str, out: bool| assert_eq!(direct.rules_out(frame, "me"), out, "{frame}");
        check(r#"{"type":"x","data":{"to":"you"}}"#, true);
        check(r#"{"type":"x","data":{"from":"me","to":"you"}}"#, true);
        check(r#"{"type":"x","data":{"to":"me"}}"#, false);
        check(r#"{"type":"x","data":{"to":"\u006de"}}"#, false);
        check(r#"{"type":"x","data": {"to":"you"}}"#, false);
        check(r#"{"type":"x","to":"you"}"#, false);
        check(r#"{"type":"x","a":{"data":{"to":"you"}},"data":{"to":"me"}}"#, false);
        check(r#"{"type":"x","data":{"a":{"to":"you"},"to":"me"}}"#, false);
        check(r#"{"type":"x","data":{},"to":"you"}"#, false);
        check(r#"{"type":"x","x\"data":{"to":"you"}}"#, false);
        for unfinished in ["", "{", r#"{"data":{"#, r#"{"data":{"to":""#] {
            check(unfinished, false);
        }
    }
}
