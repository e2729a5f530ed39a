//! Parses the frames of clients, borrowing from the text where JSON permits it.

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

pub(crate) const ROOMS: &str = "webrtc-dashboard-rooms";
pub(crate) const ACCESS: &str = "webrtc-dashboard-access";

/// Text of one frame, shared by all recipients.
pub type SharedText = Arc<str>;

/// Outer fields of a frame; a missing key is empty text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Envelope<'a> {
    NotJson,
    /// JSON, but no object whose `type` and `channel` are strings.
    Shapeless,
    Fields {
        kind: Cow<'a, str>,
        channel: Cow<'a, str>,
    },
}

/// Reads the outer fields only: most frames are relayed without a look at their data.
pub(crate) fn read(text: &str) -> Envelope<'_> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow, default, rename = "type")]
        kind: Cow<'a, str>,
        #[serde(borrow, default)]
        channel: Cow<'a, str>,
    }
    if !text.trim_ascii_start().starts_with('{') {
        // serde would also accept an array for the struct, field by field.
        return unreadable(text);
    }
    match serde_json::from_str::<Fields>(text) {
        Ok(Fields { kind, channel }) => Envelope::Fields { kind, channel },
        Err(_) => unreadable(text),
    }
}

fn unreadable(text: &str) -> Envelope<'static> {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Envelope::Shapeless,
        Err(_) => Envelope::NotJson,
    }
}

/// Reads the room that an envelope names; room-created calls it `id`.
pub(crate) fn room<'a>(text: &'a str, kind: &str) -> Option<Cow<'a, str>> {
    #[derive(Deserialize)]
    struct Inside<'a> {
        #[serde(borrow)]
        data: About<'a>,
    }
    #[derive(Deserialize)]
    struct About<'a> {
        #[serde(borrow, default, rename = "roomId")]
        room: Cow<'a, str>,
    }
    if kind == "room-created" {
        return data::<Created>(text)?.into_room().map(|room| Cow::Owned(room.id));
    }
    let inside: Inside = serde_json::from_str(text).ok()?;
    Some(inside.data.room).filter(|room| !room.is_empty())
}

/// Reads an envelope's `data`; `None` if it has another shape.
pub(crate) fn data<T: DeserializeOwned>(text: &str) -> Option<T> {
    #[derive(Deserialize)]
    struct Inside<T> {
        data: T,
    }
    serde_json::from_str::<Inside<T>>(text).ok().map(|inside| inside.data)
}

/// Data of room-created, in its long and its short form (docs/spec/protocol.md, "Frames").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(crate) struct Created {
    id: Option<String>,
    room_id: Option<String>,
    name: Value,
    description: Value,
    host: Value,
    host_id: Value,
    created_at: Value,
}

/// A room as its creator described it; a missing field is null.
#[derive(Debug)]
pub(crate) struct NewRoom {
    pub id: String,
    pub name: Value,
    pub description: Value,
    pub host: Value,
    pub host_id: Value,
    pub created_at: Value,
}

impl Created {
    pub(crate) fn into_room(self) -> Option<NewRoom> {
        let id = self.id.or(self.room_id).filter(|id| !id.is_empty())?;
        let Self { name, description, host, host_id, created_at, .. } = self;
        Some(NewRoom { id, name, description, host, host_id, created_at })
    }
}

/// Data of user-joined-room and user-left-room.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Member {
    pub room_id: String,
    pub user_id: String,
    #[serde(default)]
    pub user_name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_an_envelope_some_other_json_or_no_json() {
        let envelope = |kind: &'static str, channel: &'static str| Envelope::Fields {
            kind: Cow::Borrowed(kind),
            channel: Cow::Borrowed(channel),
        };
        let check = |text: &str, expected: Envelope| assert_eq!(read(text), expected, "{text}");
        check(r#"{"type":"ping"}"#, envelope("ping", ""));
        check(r#" {"channel":"c","data":{"deep":[1,{}]},"type":"t"}"#, envelope("t", "c"));
        check(r#"{"type":"\u0070ing"}"#, envelope("ping", ""));
        check("{}", envelope("", ""));
        for shapeless in ["5", "[]", r#"["ping","c"]"#, "null", r#"{"type":5}"#, r#"{"type":"t","channel":null}"#] {
            check(shapeless, Envelope::Shapeless);
        }
        for broken in ["", "hello", "{", r#"{"type":5,"#, r#"{"type":"t"} x"#, &"[".repeat(100_000)] {
            check(broken, Envelope::NotJson);
        }
    }

    #[test]
    fn the_room_is_data_room_id_and_for_room_created_data_id_too() {
        let check = |kind: &str, text: &str, expected: Option<&str>| {
            assert_eq!(room(text, kind).as_deref(), expected, "{text}");
        };
        check("peer-ready", r#"{"data":{"roomId":"r","userId":"u"}}"#, Some("r"));
        check("peer-ready", r#"{"data":{"id":"r"}}"#, None);
        check("room-created", r#"{"data":{"id":"r","name":"n"}}"#, Some("r"));
        check("room-created", r#"{"data":{"roomId":"r","name":"n","host":"h"}}"#, Some("r"));
        for roomless in [r#"{}"#, r#"{"data":null}"#, r#"{"data":{"roomId":7}}"#, r#"{"data":{"roomId":""}}"#] {
            check("peer-ready", roomless, None);
            check("room-created", roomless, None);
        }
    }
}
