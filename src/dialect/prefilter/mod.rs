//! Substring checks that reject a frame before it is parsed: most frames of a broadcasting server are for other peers.
//!
//! A prefilter rejects only frames that the rule's pattern would reject too, if each object has unique keys
//! (RFC 8259 §4).

pub(super) mod direct_field;
pub(super) mod entry_scan;
mod excerpt;
pub(super) mod member_list;
pub(super) mod own_values;

use crate::dialect::language::codec::{Codec, socket_io_namespace};
use crate::dialect::language::pattern::{Pattern, PatternPart};
use entry_scan::EntryScan;
use memchr::memmem::Finder;
use own_values::{FrameScan, OwnValues, is_plain};
use serde_json::Value;

/// The conditions of a rule's pattern that can be checked in a frame's text.
#[derive(Debug, Default)]
pub(crate) struct Prefilter {
    /// The message type: the value of the file's `leading` key, or a Socket.IO event.
    pub message_type: Option<String>,
    /// The field of the message type, for a JSON frame that does not begin with it.
    leading: Option<Field>,
    literals: Vec<(Field, String)>,
    /// Fields that must equal a variable, by its slot.
    pub equal_fields: Vec<(Field, usize)>,
    prefix: Option<String>,
    /// The conditions besides the message type.
    pub rest: Remainder,
}

/// The conditions of a rule besides the message type.
#[derive(Debug, Default)]
pub(crate) enum Remainder {
    Nothing,
    /// One object at any depth, which can be parsed alone.
    Entry(EntryScan),
    #[default]
    Anything,
}

/// The result of a prefilter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrefilterResult {
    /// The frame has another type.
    Other,
    /// The frame has the rule's type, and is for another peer.
    Others,
    /// The frame must be parsed to decide.
    Maybe,
}

impl Prefilter {
    /// Extracts the checks from a pattern; `leading` is the key of the message type in JSON frames.
    pub(super) fn of(pattern: &Pattern, codec: Codec, leading: &str) -> Self {
        let mut prefilter = Self::default();
        match (codec, pattern) {
            (Codec::Text, Pattern::Text(parts)) => {
                if let Some(PatternPart::Literal(prefix)) = parts.first() {
                    prefilter.prefix = Some(prefix.clone());
                }
            }
            (Codec::Text, _) => {}
            (Codec::SocketIo, Pattern::List(items)) => {
                if let Some(Pattern::Equal(Value::String(event))) = items.first() {
                    prefilter.message_type = Some(event.clone());
                }
                items.iter().skip(1).for_each(|item| prefilter.learn(item, ""));
            }
            _ => {
                prefilter.learn(pattern, leading);
                prefilter.rest = Remainder::of(pattern, leading);
            }
        }
        prefilter
    }

    fn learn(&mut self, pattern: &Pattern, leading: &str) {
        match pattern {
            Pattern::Table(entries) => {
                for (key, inner) in entries {
                    match inner {
                        Pattern::Equal(Value::String(literal)) if key == leading => {
                            self.message_type = Some(literal.clone());
                            self.leading = (is_plain(key) && is_plain(literal)).then(|| Field::new(key));
                        }
                        Pattern::Equal(Value::String(literal)) if is_plain(key) && is_plain(literal) => {
                            self.literals.push((Field::new(key), literal.clone()));
                        }
                        Pattern::Same(slot) if is_plain(key) => self.equal_fields.push((Field::new(key), *slot)),
                        inner => self.learn(inner, ""),
                    }
                }
            }
            Pattern::List(items) => items.iter().for_each(|item| self.learn(item, "")),
            Pattern::Some(inner) | Pattern::Anywhere(inner) => self.learn(inner, ""),
            _ => {}
        }
    }

    /// Checks a frame. `message_type` is `None` if it can't be read without parsing; with `named`, the frame's kind is
    /// known already, so that a frame for others needs no check of its type.
    pub(super) fn check(
        &self,
        scan: &mut FrameScan<'_>,
        message_type: Option<&str>,
        own_values: &OwnValues,
        named: bool,
    ) -> PrefilterResult {
        if let (Some(expected), Some(found)) = (&self.message_type, message_type)
            && expected != found
        {
            return PrefilterResult::Other;
        }
        let frame = scan.frame;
        if self.prefix.as_ref().is_some_and(|prefix| !frame.starts_with(prefix.as_str())) {
            return PrefilterResult::Other;
        }
        // `EntryScan` searches for its variable itself.
        let equal_fields = match self.rest {
            Remainder::Entry(_) if message_type.is_some() => &[],
            _ => self.equal_fields.as_slice(),
        };
        let missing = equal_fields.iter().any(|(_, slot)| scan.lacks(own_values, *slot));
        if missing && named {
            return PrefilterResult::Others;
        }
        if let (Some(expected), None, Some(field)) = (&self.message_type, message_type, &self.leading)
            && field.rules_out(scan, expected)
        {
            return PrefilterResult::Other;
        }
        if self.literals.iter().any(|(field, literal)| field.rules_out(scan, literal)) {
            return PrefilterResult::Other;
        }
        // The variable's text may be the value of another field.
        let mut strange =
            |(field, slot): &(Field, usize)| own_values.text(*slot).is_some_and(|word| field.rules_out(scan, word));
        if missing || equal_fields.iter().any(&mut strange) { PrefilterResult::Others } else { PrefilterResult::Maybe }
    }
}

impl Remainder {
    fn of(pattern: &Pattern, leading: &str) -> Self {
        let Pattern::Table(entries) = pattern else { return Self::Anything };
        let is_message_type =
            |(key, inner): &(String, Pattern)| key == leading && matches!(inner, Pattern::Equal(Value::String(_)));
        match entries.as_slice() {
            [message_type] if is_message_type(message_type) => Self::Nothing,
            [message_type, (_, Pattern::Anywhere(inner))] if is_message_type(message_type) => {
                EntryScan::of(inner).map_or(Self::Anything, Self::Entry)
            }
            _ => Self::Anything,
        }
    }
}

/// Reads the message type of a frame without parsing; `None` if only parsing can tell.
pub(crate) fn read_message_type<'a>(frame: &'a str, codec: Codec, type_prefix: &str) -> Option<&'a str> {
    let rest = match codec {
        Codec::Json => frame.strip_prefix(type_prefix)?,
        Codec::SocketIo => {
            let (_, rest) = socket_io_namespace(frame.strip_prefix("42")?);
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            rest.strip_prefix("[\"")?
        }
        Codec::Text => return None,
    };
    let end = memchr::memchr2(b'"', b'\\', rest.as_bytes())?;
    (rest.as_bytes()[end] == b'"').then(|| &rest[..end])
}

/// Finds `"key":"value"` in a frame. A key inside a JSON string never matches, since its quotes are escaped.
#[derive(Debug)]
pub(crate) struct Field {
    finder: Finder<'static>,
    length: usize,
}

impl Field {
    fn new(key: &str) -> Self {
        let needle = format!("\"{key}\"");
        Self { finder: Finder::new(&needle).into_owned(), length: needle.len() }
    }

    /// No field of this name has the value `expected`; false if in doubt.
    fn rules_out(&self, scan: &mut FrameScan<'_>, expected: &str) -> bool {
        let frame = scan.frame;
        let mut from = 0;
        while let Some(at) = self.finder.find(&frame.as_bytes()[from..]) {
            from += at + self.length;
            let Some(value) = frame[from..].trim_ascii_start().strip_prefix(':') else { continue };
            let Some(value) = value.trim_ascii_start().strip_prefix('"') else { continue };
            let end = memchr::memchr2(b'"', b'\\', value.as_bytes()).unwrap_or(value.len());
            if value.as_bytes().get(end) != Some(&b'"') || &value[..end] == expected {
                return false;
            }
        }
        // A key with escapes would not have been found.
        !scan.has_escapes()
    }
}

#[cfg(test)]
mod tests {
    use super::own_values::escape_finder;
    use super::*;

    #[test]
    fn a_field_rules_out_only_what_it_surely_is_not() {
        let field = Field::new("to");
        let check = |frame: &str, out: bool| {
            assert_eq!(field.rules_out(&mut FrameScan::new(frame, &escape_finder()), "me"), out, "{frame}");
        };
        check(r#"{"to":"you"}"#, true);
        check(r#"{"to":"me"}"#, false);
        check(r#"{ "to" : "me" }"#, false);
        check(r#"{"to":7}"#, true);
        check(r#"{"to":"m\u0065"}"#, false);
        check(r#"{"t\u006f":"me"}"#, false);
        check(r#"{"a":{"to":"you"},"t\u006f":"me"}"#, false);
        check(r#"{"sdp":"\"to\":\"me\"","to":"you"}"#, true);
        check(r#"{"a":{"to":"you"},"to":"me"}"#, false);
        check(r#"{"a":"to","to":"me"}"#, false);
        check(r#"{"from":"me"}"#, true);
        check(r#"{"to":"me"#, false);
    }

    #[test]
    fn the_head_is_read_without_parsing() {
        let json = |frame| read_message_type(frame, Codec::Json, r#"{"type":""#);
        assert_eq!(json(r#"{"type":"webrtc-ice","channel":"c"}"#), Some("webrtc-ice"));
        for unsure in [r#"{ "type":"x"}"#, r#"{"channel":"c","type":"x"}"#, r#"{"type":"a\"b"}"#, r#"{"type":"a"#, ""] {
            assert_eq!(json(unsure), None, "{unsure}");
        }
        for frame in [r#"427["addPeer",{}]"#, r#"42/rtc,["addPeer",{}]"#] {
            assert_eq!(read_message_type(frame, Codec::SocketIo, ""), Some("addPeer"));
        }
    }
}
