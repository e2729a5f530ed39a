//! The frames that the server itself sends, as text.

use crate::server::rooms::envelope::{ACCESS, Member, ROOMS, SharedText};
use crate::server::rooms::registry::Listed;
use jiff::Timestamp;
use serde::Serialize;

pub(crate) fn client_count(count: usize, at: Timestamp) -> SharedText {
    #[derive(Serialize)]
    struct Frame {
        r#type: &'static str,
        count: usize,
        timestamp: String,
    }
    text(&Frame { r#type: "client_count", count, timestamp: iso(at) })
}

pub(crate) fn pong(at: Timestamp) -> SharedText {
    #[derive(Serialize)]
    struct Frame {
        r#type: &'static str,
        timestamp: String,
    }
    text(&Frame { r#type: "pong", timestamp: iso(at) })
}

pub(crate) fn echo(original: &str, at: Timestamp) -> SharedText {
    #[derive(Serialize)]
    struct Frame<'a> {
        r#type: &'static str,
        original: &'a str,
        timestamp: String,
    }
    text(&Frame { r#type: "echo", original, timestamp: iso(at) })
}

pub(crate) fn room_list(rooms: &[Listed<'_>], at: Timestamp) -> SharedText {
    #[derive(Serialize)]
    struct Frame<'a> {
        r#type: &'static str,
        channel: &'static str,
        rooms: &'a [Listed<'a>],
        timestamp: String,
    }
    text(&Frame { r#type: "server-room-list", channel: ROOMS, rooms, timestamp: iso(at) })
}

/// Rejects a member whose name is taken in the room.
pub(crate) fn name_taken(member: &Member) -> SharedText {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Frame<'a> {
        r#type: &'static str,
        channel: &'static str,
        message: String,
        room_id: &'a str,
        user_id: &'a str,
        reason: &'static str,
    }
    text(&Frame {
        r#type: "join-rejected",
        channel: ACCESS,
        message: format!("the name {:?} is taken in this room", member.user_name),
        room_id: &member.room_id,
        user_id: &member.user_id,
        reason: "DUPLICATE_USERNAME",
    })
}

fn text(frame: &impl Serialize) -> SharedText {
    serde_json::to_string(frame).expect("texts and numbers always serialise").into()
}

/// Formats as ISO 8601 in UTC with milliseconds.
fn iso(at: Timestamp) -> String {
    format!("{at:.3}")
}
