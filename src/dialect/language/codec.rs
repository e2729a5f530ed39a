//! Frame codecs: JSON, plain text, or Socket.IO packets over Engine.IO 4.

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Codec {
    #[default]
    Json,
    Text,
    SocketIo,
}

/// The carrier of a dialect's frames, which are text inside meshload whatever they are on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wire {
    #[default]
    Text,
    /// The text in binary frames.
    Binary,
    /// JSON values as MessagePack, in binary frames.
    MessagePack,
    /// Socket.IO packets as MessagePack in binary frames; Engine.IO's own packets stay text.
    PackedSocketIo,
    /// MQTT packets in binary frames; each packet is a JSON object inside meshload.
    Mqtt(Arc<MqttConnect>),
    /// Server-sent events; a sent frame is a line with the URL, relative to the stream's, and the body of a POST to it.
    EventStream,
}

/// The values of MQTT's CONNECT packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttConnect {
    /// MQTT 5; otherwise 3.1.1.
    pub is_v5: bool,
    pub client: String,
    /// Seconds; 0 for none.
    pub keep_alive_s: u16,
    pub user: Option<String>,
    pub password: Option<String>,
    /// The will, a frame with `topic` and `payload`, as JSON.
    pub will: Option<String>,
}

impl Wire {
    /// The content of a binary frame that carries `text`; `None` for a text frame.
    pub fn to_bytes(&self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Text | Self::EventStream | Self::Mqtt(_) => None,
            Self::Binary => Some(text.as_bytes().to_vec()),
            Self::MessagePack => {
                let value: Value = serde_json::from_str(text).ok()?;
                rmp_serde::to_vec_named(&value).ok()
            }
            Self::PackedSocketIo => rmp_serde::to_vec_named(&socket_io_object(text)?).ok(),
        }
    }

    /// The text that a binary frame carries.
    ///
    /// # Errors
    /// The reason why it carries none, for people.
    pub fn to_text(&self, bytes: &[u8]) -> Result<String, &'static str> {
        match self {
            Self::Text | Self::EventStream | Self::Mqtt(_) => {
                Err("a binary frame, where only text belongs: is this another parser (MessagePack)?")
            }
            Self::Binary => {
                let text =
                    std::str::from_utf8(bytes).map_err(|_| "a binary frame that is no UTF-8; is it MessagePack?")?;
                Ok(text.to_owned())
            }
            Self::MessagePack => {
                let value = rmp_serde::from_slice::<Unpacked>(bytes);
                let value = value.map_err(|_| "a binary frame that is no MessagePack of JSON values")?;
                Ok(value.0.to_string())
            }
            Self::PackedSocketIo => {
                let packet = rmp_serde::from_slice::<Unpacked>(bytes).map_or(Value::Null, |packet| packet.0);
                socket_io_text(&packet).ok_or("a binary frame that is no packet of Socket.IO's MessagePack parser")
            }
        }
    }
}

/// A JSON value out of MessagePack, whose extensions are null: JavaScript's undefined is one.
struct Unpacked(Value);

impl<'de> Deserialize<'de> for Unpacked {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(UnpackedVisitor).map(Self)
    }
}

struct UnpackedVisitor;

impl<'de> Visitor<'de> for UnpackedVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, extension: D) -> Result<Value, D::Error> {
        IgnoredAny::deserialize(extension).map(|_| Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let next = || items.next_element::<Unpacked>().map(|item| item.map(|item| item.0)).transpose();
        std::iter::from_fn(next).collect::<Result<_, _>>().map(Value::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let next = || {
            entries.next_entry::<String, Unpacked>().map(|entry| entry.map(|(key, value)| (key, value.0))).transpose()
        };
        std::iter::from_fn(next).collect::<Result<_, _>>().map(Value::Object)
    }
}

/// A packet as Socket.IO's MessagePack parser has it; `None` for a packet of Engine.IO.
fn socket_io_object(text: &str) -> Option<Value> {
    let rest = text.strip_prefix('4')?;
    let kind = rest.get(..1)?.parse::<u8>().ok()?;
    let (namespace, body) = socket_io_namespace(&rest[1..]);
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    let namespace = if namespace.is_empty() { "/" } else { namespace };
    let mut packet = serde_json::json!({ "type": kind, "nsp": namespace });
    if let Ok(number) = body[..digits].parse::<u64>() {
        packet["id"] = number.into();
    }
    if digits < body.len() {
        packet["data"] = serde_json::from_str(&body[digits..]).ok()?;
    }
    Some(packet)
}

/// The text of such a packet, as the usual parser writes it.
fn socket_io_text(packet: &Value) -> Option<String> {
    let kind = packet.get("type")?.as_u64().filter(|kind| *kind <= 4)?;
    let namespace = packet.get("nsp")?.as_str().filter(|namespace| *namespace != "/").unwrap_or_default();
    let id = packet.get("id").and_then(Value::as_u64).map(|id| id.to_string()).unwrap_or_default();
    let data = packet.get("data").filter(|data| !data.is_null()).map(Value::to_string).unwrap_or_default();
    Some(socket_io_packet(char::from(b'0' + kind as u8), namespace, &(id + &data)))
}

/// The decoded content of a text frame.
#[derive(Debug, PartialEq)]
pub(crate) enum Content {
    Value(Value),
    /// Engine.IO is open, and waits for the connect packet.
    Open,
    /// A packet of the transport, with the answer that it requires.
    Transport(Option<&'static str>),
    /// A version of the protocol that is not spoken here.
    Foreign(&'static str),
    /// Text that this codec can't decode.
    Garbage,
}

impl Codec {
    pub(crate) const NAMES: [&str; 5] = ["json", "text", "socketio", "msgpack", "mqtt"];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "json" | "msgpack" | "mqtt" => Self::Json,
            "text" => Self::Text,
            "socketio" => Self::SocketIo,
            _ => return None,
        })
    }

    /// Decodes a frame. A Socket.IO acknowledgement becomes the event `ack` with its number first, a connect `connect`;
    /// packets of another `namespace` have no content.
    pub(crate) fn decode(self, frame: &str, namespace: &str) -> Content {
        match self {
            Self::Text => Content::Value(Value::from(frame)),
            Self::Json => parse_json(frame).map_or(Content::Garbage, Content::Value),
            Self::SocketIo => decode_socket_io(frame, namespace),
        }
    }

    /// Encodes content as a frame. A leading number in a Socket.IO event is the id of the requested acknowledgement.
    pub(crate) fn encode(self, content: String, namespace: &str) -> String {
        let asking = content.strip_prefix('[').map(|rest| (rest, rest.bytes().take_while(u8::is_ascii_digit).count()));
        match (self, asking) {
            (Self::SocketIo, Some((rest, digits))) if digits > 0 => {
                let arguments = rest[digits..].trim_start_matches(',');
                socket_io_packet('2', namespace, &format!("{}[{arguments}", &rest[..digits]))
            }
            (Self::SocketIo, _) => socket_io_packet('2', namespace, &content),
            (Self::Json | Self::Text, _) => content,
        }
    }
}

/// A Socket.IO packet of type `kind` in an Engine.IO message; the main namespace is empty.
pub(crate) fn socket_io_packet(kind: char, namespace: &str, body: &str) -> String {
    let comma = if namespace.is_empty() { "" } else { "," };
    format!("4{kind}{namespace}{comma}{body}")
}

/// Splits what follows a Socket.IO packet's type into its namespace, empty for the main one, and the rest.
pub(crate) fn socket_io_namespace(body: &str) -> (&str, &str) {
    match body.starts_with('/') {
        true => body.split_once(',').unwrap_or((body, "")),
        false => ("", body),
    }
}

/// The number under which an event asks to be acknowledged.
pub(crate) fn acknowledgement_of(frame: &str) -> Option<u64> {
    let (_, rest) = socket_io_namespace(frame.strip_prefix("42")?);
    rest[..rest.bytes().take_while(u8::is_ascii_digit).count()].parse().ok()
}

/// The greatest accepted depth of JSON (docs/spec/faults.md 6).
const DEPTH_MAX: usize = 64;

/// Parses JSON of an accepted depth.
pub(crate) fn parse_json(text: &str) -> Option<Value> {
    if is_too_deep(text) { None } else { serde_json::from_str(text).ok() }
}

/// The value at the start of `text` is nested more than 64 deep.
pub(crate) fn is_too_deep(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return false,
            b'}' | b']' => depth -= 1,
            b'"' => at = end_of_string(bytes, at + 1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
        at += 1;
    }
    false
}

/// The position of the quote that ends the string whose text begins at `at`, or the end of the text.
pub(crate) fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

/// Packet types of Engine.IO 4: 0 open, 1 close, 2 ping, 3 pong, 4 message, 6 noop; of Socket.IO 5 inside a message:
/// 0 connect, 1 disconnect, 2 event, 3 ack, 4 connect error.
fn decode_socket_io(frame: &str, namespace: &str) -> Content {
    let Some(kind) = frame.get(..1) else { return Content::Garbage };
    let rest = &frame[1..];
    match kind {
        "0" => return Content::Open,
        "2" => return Content::Transport(Some("3")),
        "1" | "3" | "6" => return Content::Transport(None),
        "4" => {}
        _ => return Content::Garbage,
    }
    let Some(kind) = rest.get(..1) else { return Content::Garbage };
    let (own, body) = socket_io_namespace(&rest[1..]);
    if kind == "0" && body.is_empty() {
        // Since protocol 5, a server's connect packet carries the id (Socket.IO protocol, "Connection to a namespace").
        return Content::Foreign("Engine.IO 3 (Socket.IO 2); meshload speaks Engine.IO 4 (Socket.IO 3 and 4)");
    }
    if own != namespace {
        return Content::Transport(None);
    }
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    let parsed = |text: &str| parse_json(text).unwrap_or_default();
    match kind {
        "0" => Content::Value(Value::Array(vec!["connect".into(), parsed(body)])),
        "1" => Content::Value(Value::Array(vec!["disconnect".into()])),
        "2" => match parsed(&body[digits..]) {
            event @ Value::Array(_) => Content::Value(event),
            _ => Content::Garbage,
        },
        "3" => match (body[..digits].parse::<u64>(), parsed(&body[digits..])) {
            (Ok(number), Value::Array(mut arguments)) => {
                arguments.splice(0..0, [Value::from("ack"), Value::from(number)]);
                Content::Value(Value::Array(arguments))
            }
            _ => Content::Garbage,
        },
        "4" => Content::Value(Value::Array(vec!["connect_error".into(), parsed(body)])),
        _ => Content::Garbage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_that_begins_with_a_number_asks_for_an_acknowledgement() {
        let check = |content: &str, frame: &str| assert_eq!(Codec::SocketIo.encode(content.to_owned(), ""), frame);
        check(r#"["join",{"a":1}]"#, r#"42["join",{"a":1}]"#);
        check(r#"[7,"join",{"a":1}]"#, r#"427["join",{"a":1}]"#);
        assert_eq!(Codec::Json.encode("[7]".to_owned(), ""), "[7]");
        assert_eq!(Codec::SocketIo.encode(r#"["join"]"#.to_owned(), "/rtc"), r#"42/rtc,["join"]"#);
        assert_eq!(Codec::SocketIo.encode(r#"[7,"join"]"#.to_owned(), "/rtc"), r#"42/rtc,7["join"]"#);
    }

    #[test]
    fn binary_frames_carry_the_same_values() {
        let text = r#"{"a":[1,-2,0.5,null,true],"b":{"c":"é"}}"#;
        for wire in [Wire::Binary, Wire::MessagePack] {
            let bytes = wire.to_bytes(text).unwrap();
            assert_eq!(wire.to_text(&bytes).as_deref(), Ok(text));
            assert!(wire.to_text(&[0xc1, 0xff]).is_err());
        }
        assert_eq!(Wire::MessagePack.to_bytes(r#"{"a":1}"#).unwrap(), [0x81, 0xa1, b'a', 1]);
        for packet in ["40", "40/rtc,{\"token\":\"t\"}", "42[\"a\",1]", "42/rtc,7[\"a\"]", "437[\"ok\"]", "41/rtc,"] {
            let bytes = Wire::PackedSocketIo.to_bytes(packet).unwrap();
            assert_eq!(Wire::PackedSocketIo.to_text(&bytes).as_deref(), Ok(packet));
        }
        // As notepack.io writes `{ sid: "z", pid: undefined }`.
        let connect = b"\x83\xa4type\0\xa4data\x82\xa3sid\xa1z\xa3pid\xd4\0\0\xa3nsp\xa1/";
        assert_eq!(Wire::PackedSocketIo.to_text(connect).as_deref(), Ok("40{\"pid\":null,\"sid\":\"z\"}"));
        assert_eq!((Wire::PackedSocketIo.to_bytes("3"), Wire::PackedSocketIo.to_text(&[1]).is_err()), (None, true));
        assert_eq!((Wire::Text.to_bytes(text), Wire::Text.to_text(b"a").is_err()), (None, true));
    }

    #[test]
    fn packets_of_another_namespace_are_not_read() {
        let check =
            |frame: &str, expected: Content| assert_eq!(Codec::SocketIo.decode(frame, "/rtc"), expected, "{frame}");
        check(r#"40/rtc,{"sid":"z"}"#, Content::Value(json!(["connect", {"sid": "z"}])));
        check(r#"42/rtc,["a",1]"#, Content::Value(json!(["a", 1])));
        check(r#"43/rtc,3["ok"]"#, Content::Value(json!(["ack", 3, "ok"])));
        check(r#"44/rtc,{"message":"no"}"#, Content::Value(json!(["connect_error", {"message": "no"}])));
        for other in [r#"42["a",1]"#, r#"42/chat,["a",1]"#, r#"40{"sid":"z"}"#] {
            check(other, Content::Transport(None));
        }
        assert_eq!(acknowledgement_of(r#"42/rtc,12["a"]"#), Some(12));
        assert_eq!(acknowledgement_of(r#"4212["a"]"#), Some(12));
        assert_eq!(acknowledgement_of(r#"42["a"]"#), None);
    }

    #[test]
    fn a_number_is_said_again_exactly_as_it_was_heard() {
        for number in ["7.2626425850059225e-304", "0.7262642585005922", "9007199254740993", "1e23"] {
            let Content::Value(value) = Codec::Json.decode(number, "") else { panic!("{number}") };
            assert_eq!(value.to_string().replace("e+", "e"), number);
        }
    }

    #[test]
    fn json_of_the_greatest_depth_is_decoded_and_deeper_json_is_garbage() {
        let check = |depth: usize, expected: bool| {
            // Brackets in strings are text.
            let list = format!("{}\"[[\\\"[[\"{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(matches!(Codec::Json.decode(&list, ""), Content::Value(_)), expected, "{list}");
            let object = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
            assert_eq!(matches!(Codec::Json.decode(&object, ""), Content::Value(_)), expected, "{object}");
            let event = format!("42{list}");
            assert_eq!(matches!(Codec::SocketIo.decode(&event, ""), Content::Value(_)), expected, "{event}");
        };
        check(DEPTH_MAX, true);
        check(DEPTH_MAX + 1, false);
        check(100_000, false);
    }

    #[test]
    fn socket_io_packets_are_told_apart() {
        let check = |frame: &str, expected: Content| assert_eq!(Codec::SocketIo.decode(frame, ""), expected, "{frame}");
        check(r#"0{"sid":"x"}"#, Content::Open);
        assert!(matches!(Codec::SocketIo.decode("40", ""), Content::Foreign(what) if what.starts_with("Engine.IO 3")));
        check("2", Content::Transport(Some("3")));
        check(r#"40{"sid":"z"}"#, Content::Value(json!(["connect", {"sid": "z"}])));
        check(r#"42["a",1]"#, Content::Value(json!(["a", 1])));
        check(r#"4217["a",1]"#, Content::Value(json!(["a", 1])));
        check(r#"433["ok"]"#, Content::Value(json!(["ack", 3, "ok"])));
        check(r#"44{"message":"no"}"#, Content::Value(json!(["connect_error", {"message": "no"}])));
        for garbage in ["", "4", "é", "42", "42{", "4é", "9", "43[1]"] {
            check(garbage, Content::Garbage);
        }
    }
}
