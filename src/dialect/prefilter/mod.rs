//! One look at a frame before it is parsed: most frames of a broadcasting server are for other peers.
//!
//! Each rule asks for texts at fixed paths. One pass over the frame rules out the rules that find another text there, and
//! ends with the last of them; a frame that it leaves to a rule is parsed. It rules out only what the rule's pattern
//! rejects too, if each object has unique keys (RFC 8259 §4).

mod asked;
mod cursor;
pub(super) mod entry_scan;
mod excerpt;
pub(super) mod list_items;
pub(super) mod list_text;
pub(super) mod member_list;
mod scan;

use crate::dialect::language::codec::{Codec, socket_io_namespace};
use crate::dialect::language::pattern::Pattern;
use asked::{AskedPlace, RuledOut, bit};
use entry_scan::EntryScan;
use rustc_hash::FxHashMap;
use scan::Scan;
use serde_json::Value;

/// The looks of a dialect, by message type.
#[derive(Debug)]
pub(crate) struct Looks {
    codec: Codec,
    /// The text before the message type: `{"type":"`, or `["` in Socket.IO.
    prefix: String,
    by_type: FxHashMap<String, Look>,
    /// At frames of a message type that no rule asks for.
    untyped: Look,
    /// At frames whose message type only parsing can tell.
    any: Look,
}

/// The rules that a frame can fit, and the texts that they ask for.
#[derive(Debug)]
pub(crate) struct Look {
    /// Indices of the rules, in file order.
    pub rules: Vec<u16>,
    root: AskedPlace,
    /// The number of places with texts.
    places: usize,
}

/// The conditions of a rule besides the message type.
#[derive(Debug)]
pub(crate) enum Remainder {
    Nothing,
    /// One object at any depth, which can be parsed alone.
    Entry(EntryScan),
    Anything,
}

impl Looks {
    /// The looks for rules with these message types and patterns; `leading` is the key of the type in JSON frames.
    pub(super) fn new(rules: &[(Option<&str>, &Pattern)], codec: Codec, leading: &str) -> Self {
        let able = |message_type: Option<&str>| {
            let is_able = |own: &Option<&str>| own.is_none() || *own == message_type;
            Look::new(rules.iter().enumerate().filter(|(_, (own, _))| is_able(own)).map(|(at, (_, rule))| (at, *rule)))
        };
        let types = rules.iter().filter_map(|(own, _)| *own);
        let prefix = match codec {
            Codec::SocketIo => "[\"".to_owned(),
            Codec::Json | Codec::Text => format!("{{{}:\"", Value::from(leading)),
        };
        Self {
            codec,
            prefix,
            by_type: types.map(|own| (own.to_owned(), able(Some(own)))).collect(),
            untyped: able(None),
            any: Look::new(rules.iter().enumerate().map(|(at, (_, rule))| (at, *rule))),
        }
    }

    /// The look at a frame, with the frame's message type if it can be read without parsing, and the rules ruled out.
    pub(super) fn at<'a>(&self, frame: &'a str, globals: &[Value]) -> (&Look, Option<&'a str>, RuledOut) {
        let Some(json) = json_of(frame, self.codec) else { return (&self.any, None, RuledOut::default()) };
        let message_type = message_type_of(json, &self.prefix);
        let look = match message_type {
            Some(message_type) => self.by_type.get(message_type).unwrap_or(&self.untyped),
            None => &self.any,
        };
        (look, message_type, look.at(json, globals))
    }
}

impl Look {
    fn new<'a>(rules: impl Iterator<Item = (usize, &'a Pattern)>) -> Self {
        let mut look = Self { rules: vec![], root: AskedPlace::default(), places: 0 };
        for (index, pattern) in rules {
            if let Some(bit) = bit(look.rules.len()) {
                look.root.ask(pattern, bit);
            }
            look.rules.push(index as u16);
        }
        look.places = look.root.prune();
        look
    }

    fn at(&self, json: &str, globals: &[Value]) -> RuledOut {
        let all = bit(self.rules.len()).map(|next| next - 1);
        Scan::new(json, globals, all).over(&self.root, self.places)
    }
}

impl Remainder {
    pub(super) fn of(pattern: &Pattern, codec: Codec, leading: &str) -> Self {
        let (Codec::Json, Pattern::Table(entries)) = (codec, pattern) else { return Self::Anything };
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

/// The message type that a rule's pattern asks for: the text at `leading`, or the Socket.IO event.
pub(super) fn asked_type<'a>(pattern: &'a Pattern, codec: Codec, leading: &str) -> Option<&'a str> {
    let asked = match (codec, pattern) {
        (Codec::Json, Pattern::Table(entries)) => {
            entries.iter().find(|(key, _)| key == leading).map(|(_, inner)| inner)
        }
        (Codec::SocketIo, Pattern::List(items)) => items.first(),
        _ => None,
    };
    if let Some(Pattern::Equal(Value::String(text))) = asked { Some(text) } else { None }
}

/// The JSON that a frame consists of, or carries as a Socket.IO event.
fn json_of(frame: &str, codec: Codec) -> Option<&str> {
    match codec {
        Codec::Json => Some(frame),
        Codec::SocketIo => {
            let (_, rest) = socket_io_namespace(frame.strip_prefix("42")?);
            Some(rest.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        Codec::Text => None,
    }
}

/// Reads the message type without parsing; `None` if only parsing can tell.
fn message_type_of<'a>(json: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = json.strip_prefix(prefix)?;
    let end = memchr::memchr2(b'"', b'\\', rest.as_bytes())?;
    (rest.as_bytes()[end] == b'"').then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_type_is_read_without_parsing() {
        let read = |frame, codec, prefix| message_type_of(json_of(frame, codec)?, prefix);
        let json = |frame| read(frame, Codec::Json, r#"{"type":""#);
        assert_eq!(json(r#"{"type":"webrtc-ice","channel":"c"}"#), Some("webrtc-ice"));
        for unsure in [r#"{ "type":"x"}"#, r#"{"channel":"c","type":"x"}"#, r#"{"type":"a\"b"}"#, r#"{"type":"a"#, ""] {
            assert_eq!(json(unsure), None, "{unsure}");
        }
        for frame in [r#"427["addPeer",{}]"#, r#"42/rtc,["addPeer",{}]"#] {
            assert_eq!(read(frame, Codec::SocketIo, "[\""), Some("addPeer"));
        }
    }
}
