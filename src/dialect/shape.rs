//! The shape of a frame, its keys and the types of its values, and an example without its SDP and secrets.

use crate::vocabulary::is_secret_key;
use serde_json::Value;

/// The deepest level whose keys are shown.
const DEPTH_MAX: usize = 4;
/// The most keys of an object, or items of a list, that are shown.
const ENTRIES_MAX: usize = 12;
/// The longest text that is shown as it is, in bytes.
const TEXT_BYTES_MAX: usize = 64;
/// Keys whose values tell messages apart.
pub(crate) const TYPE_KEYS: [&str; 8] = ["type", "event", "action", "cmd", "command", "kind", "method", "op"];

/// `{type:"offer",data:{from,to,sdp}}`; values that tell no type are left out.
pub(crate) fn shape(content: &Value) -> String {
    match content {
        Value::String(_) => "a text".to_owned(),
        _ => shape_of(None, content, 0),
    }
}

fn shape_of(key: Option<&str>, value: &Value, depth: usize) -> String {
    match value {
        Value::Object(entries) if depth < DEPTH_MAX => {
            let entry = |(key, value): (&String, &Value)| match shape_of(Some(key), value, depth + 1) {
                inner if inner.is_empty() => key.clone(),
                inner => format!("{key}:{inner}"),
            };
            format!("{{{}}}", few(entries.iter().map(entry)))
        }
        // The first item of a Socket.IO event is its name.
        Value::Array(items) if depth < DEPTH_MAX => {
            let item = |(at, item): (usize, &Value)| shape_of((at == 0).then_some("event"), item, depth + 1);
            format!("[{}]", few(items.iter().enumerate().map(item)))
        }
        Value::String(text) if key.is_some_and(|key| TYPE_KEYS.contains(&key)) && text.len() <= TEXT_BYTES_MAX => {
            format!("\"{text}\"")
        }
        _ => String::new(),
    }
}

fn few(parts: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<String> = parts.take(ENTRIES_MAX + 1).collect();
    if parts.len() > ENTRIES_MAX {
        parts[ENTRIES_MAX] = "…".to_owned();
    }
    parts.join(",")
}

/// A frame's text for people, its SDP cut and its secrets masked; a prefix of digits is that of a Socket.IO packet.
pub fn shown_frame(text: &str) -> String {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let content = text.get(digits..).and_then(|rest| serde_json::from_str::<Value>(rest).ok());
    match content {
        Some(content) if content.is_object() || content.is_array() => {
            format!("{}{}", &text[..digits], example(&content))
        }
        _ => text.chars().take(2 * TEXT_BYTES_MAX).collect(),
    }
}

/// The content as JSON, its long texts cut and its secrets masked.
pub(crate) fn example(content: &Value) -> String {
    cut(None, content).to_string()
}

fn cut(key: Option<&str>, value: &Value) -> Value {
    match value {
        Value::String(_) if key.is_some_and(is_secret_key) => "***".into(),
        // Some protocols carry JSON in a text, whose secrets are as secret.
        Value::String(text) if text.starts_with('{') => match serde_json::from_str::<Value>(text) {
            Ok(inner) => cut(None, &inner).to_string().into(),
            Err(_) => shortened(text).into(),
        },
        Value::String(text) => shortened(text).into(),
        Value::Array(items) => items.iter().take(ENTRIES_MAX).map(|item| cut(None, item)).collect(),
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| (key.clone(), cut(Some(key), value));
            Value::Object(entries.iter().take(2 * ENTRIES_MAX).map(entry).collect())
        }
        other => other.clone(),
    }
}

/// The text, cut if it is an SDP or long.
fn shortened(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX && !text.starts_with("v=0") {
        return text.to_owned();
    }
    let end = text.find(['\r', '\n']).unwrap_or(text.len()).min(TEXT_BYTES_MAX);
    format!("{}…", &text[..text.floor_char_boundary(end)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_shape_has_keys_and_types_and_no_values() {
        let check = |content: Value, expected: &str| assert_eq!(shape(&content), expected);
        check(json!({"data": {"from": "a", "sdp": "v=0"}, "type": "offer"}), "{data:{from,sdp},type:\"offer\"}");
        check(json!(["addPeer", {"peer_id": "x"}]), "[\"addPeer\",{peer_id}]");
        check(json!([1, 2]), "[,]");
        check(json!("hello"), "a text");
    }

    #[test]
    fn a_frame_is_shown_with_its_packet_type() {
        assert_eq!(shown_frame(r#"42["a",{"sdp":"v=0\r\n"}]"#), r#"42["a",{"sdp":"v=0…"}]"#);
        assert_eq!((shown_frame("3").as_str(), shown_frame("hello").as_str()), ("3", "hello"));
    }

    #[test]
    fn an_example_shows_no_sdp_and_no_secret() {
        let shown = example(&json!({"sdp": "v=0\r\no=- 1", "token": "abcd", "n": 1, "deep": [{"ice-pwd": "x"}]}));
        assert_eq!(shown, r#"{"deep":[{"ice-pwd":"***"}],"n":1,"sdp":"v=0…","token":"***"}"#);
        let within = example(&json!({"data": r#"{"token":"abcd","sdp":"v=0\r\n"}"#, "text": "{no JSON"}));
        assert_eq!(within, r#"{"data":"{\"sdp\":\"v=0…\",\"token\":\"***\"}","text":"{no JSON"}"#);
    }
}
