//! Reads the fields of a message that rules match, and applies the faults that change its text.

use super::rule::Damage;
use crate::server::rooms::envelope::Member;
use crate::server::rooms::envelope::SharedText;
use crate::server::rooms::replies;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// Pseudo-message for the end of a socket, so that rules can match it.
pub(crate) const CLOSE: &str = r#"{"type":"close"}"#;

/// Fields that rules match; a missing one is empty text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct MessageFields<'a> {
    pub kind: Cow<'a, str>,
    pub channel: Cow<'a, str>,
    pub room: Cow<'a, str>,
}

/// Reads the fields of a message; all are empty if it is no envelope.
pub(crate) fn message_fields(text: &str) -> MessageFields<'_> {
    #[derive(Deserialize)]
    struct Frame<'a> {
        #[serde(borrow, default, rename = "type")]
        kind: Cow<'a, str>,
        #[serde(borrow, default)]
        channel: Cow<'a, str>,
        #[serde(borrow, default)]
        data: About<'a>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct About<'a> {
        #[serde(borrow, rename = "roomId")]
        room: Cow<'a, str>,
        #[serde(borrow)]
        id: Cow<'a, str>,
    }
    match serde_json::from_str::<Frame<'_>>(text) {
        // room-created calls its room `id`.
        Ok(Frame { kind, channel, data: About { room, id } }) => {
            MessageFields { kind, channel, room: if room.is_empty() { id } else { room } }
        }
        Err(_) => MessageFields::default(),
    }
}

/// Reads an envelope's `sender`.
pub(crate) fn sender(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Frame {
        sender: String,
    }
    serde_json::from_str::<Frame>(text).ok().map(|frame| frame.sender)
}

/// Builds the rejection of the user that a message names; `None` if it names none.
pub(crate) fn rejection(text: &str) -> Option<SharedText> {
    #[derive(Deserialize)]
    struct Frame {
        data: Member,
    }
    serde_json::from_str::<Frame>(text).ok().map(|frame| replies::name_taken(&frame.data))
}

/// Reads the user that an envelope is from, and its room.
pub(crate) fn user(text: &str) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Frame {
        data: About,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct About {
        room_id: String,
        #[serde(alias = "fromUserId")]
        user_id: String,
    }
    serde_json::from_str::<Frame>(text).ok().map(|frame| (frame.data.user_id, frame.data.room_id))
}

/// Reads the user that an envelope is for; `None` if it is for all.
pub(crate) fn addressee(text: &str) -> Option<String> {
    let frame: Value = serde_json::from_str(text).ok()?;
    frame.pointer("/data/toUserId")?.as_str().map(str::to_owned)
}

/// Replaces the user that an envelope is for.
pub(crate) fn readdress(text: &str, user: &str) -> String {
    edited(text, |frame| frame.pointer_mut("/data/toUserId").map(|to| *to = user.into()))
}

/// Damages a frame.
pub(crate) fn corrupt(damage: Damage, text: &str) -> String {
    match damage {
        Damage::Frame => halve(text),
        Damage::Fingerprint => alter_fingerprints(text),
        Damage::Candidate => edited(text, |frame| {
            let candidate = frame.pointer_mut("/data/candidate")?.as_object_mut()?;
            candidate.insert("sdpMid".to_owned(), "audio".into());
            candidate.insert("sdpMLineIndex".to_owned(), 3.into());
            Some(())
        }),
        Damage::Address => edited(text, |frame| {
            let candidate = frame.pointer_mut("/data/candidate/candidate")?;
            // The connection-address is the fifth field (RFC 8839 §5.1).
            let mut fields: Vec<&str> = candidate.as_str()?.split(' ').collect();
            *fields.get_mut(4)? = "7b1c5d2e-nobody.local";
            let altered = fields.join(" ");
            *candidate = altered.into();
            Some(())
        }),
        Damage::List => edited(text, |frame| frame.get_mut("rooms").map(|rooms| *rooms = Value::Array(vec![]))),
    }
}

/// The text after a change to its JSON; a text that is no JSON, or lacks what would change, stays as it is.
fn edited(text: &str, change: impl FnOnce(&mut Value) -> Option<()>) -> String {
    let changed = serde_json::from_str::<Value>(text).ok().and_then(|mut frame| {
        change(&mut frame)?;
        Some(frame.to_string())
    });
    changed.unwrap_or_else(|| text.to_owned())
}

/// Cuts a frame to its first half.
fn halve(text: &str) -> String {
    text[..text.floor_char_boundary(text.len() / 2)].to_owned()
}

/// Changes the first byte of each fingerprint (RFC 8122 §5).
fn alter_fingerprints(text: &str) -> String {
    const LINE: &str = "a=fingerprint:";
    let mut parts = text.split(LINE);
    let mut altered = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        altered.push_str(LINE);
        match part.split_once(' ') {
            Some((hash, digest)) if digest.starts_with(|digit: char| digit.is_ascii_hexdigit()) => {
                let digit = if digest.starts_with('0') { '1' } else { '0' };
                altered.push_str(&format!("{hash} {digit}{}", &digest[1..]));
            }
            _ => altered.push_str(part),
        }
    }
    altered
}

/// Replaces an envelope's channel; any other text stays as it is.
pub(crate) fn rename_channel(text: &str, name: &str) -> String {
    edited(text, |frame| frame.get_mut("channel").map(|channel| *channel = name.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_see_type_channel_and_room() {
        let check = |text: &str, kind: &'static str, channel: &'static str, room: &'static str| {
            let expected = MessageFields { kind: kind.into(), channel: channel.into(), room: room.into() };
            assert_eq!(message_fields(text), expected, "{text}");
        };
        check(r#"{"type":"t","channel":"c","data":{"roomId":"r"}}"#, "t", "c", "r");
        check(r#"{"type":"room-created","channel":"c","data":{"id":"r","name":5}}"#, "room-created", "c", "r");
        check(r#"{"type":"ping"}"#, "ping", "", "");
        check("no json", "", "", "");
        check(CLOSE, "close", "", "");
        assert_eq!(sender(r#"{"type":"t","sender":"tab-1"}"#).as_deref(), Some("tab-1"));
    }

    #[test]
    fn a_fingerprint_gets_another_first_byte_and_nothing_else_changes() {
        let check = |text: &str, expected: &str| assert_eq!(alter_fingerprints(text), expected);
        check("a=fingerprint:sha-256 AB:CD\r\na=x", "a=fingerprint:sha-256 0B:CD\r\na=x");
        check("a=fingerprint:sha-256 0B:CD", "a=fingerprint:sha-256 1B:CD");
        check("a=fingerprint:sha-256 é", "a=fingerprint:sha-256 é");
        check("nothing of the kind", "nothing of the kind");
    }

    #[test]
    fn a_renamed_channel_is_the_only_change() {
        let text = r#"{"channel":"chat","data":{"channel":"inner"},"type":"t"}"#;
        assert_eq!(rename_channel(text, "rooms"), text.replacen("chat", "rooms", 1));
        assert_eq!(rename_channel(r#"{"type":"ping"}"#, "rooms"), r#"{"type":"ping"}"#);
    }

    #[test]
    fn half_a_frame_is_cut_between_letters() {
        assert_eq!(halve("aéé"), "a");
        assert_eq!(halve(""), "");
    }
}
