//! Frames that name whom they should not, or with words that nobody should keep.

use super::in_the_middle::{Offence, TEXT};
use super::{Case, check};
use crate::common::websocket::frame;
use std::fmt::Write;

fn joined(user: &str, name: &str, existing: &str) -> String {
    format!(
        r#"{{"type":"user-joined-room","channel":"webrtc-dashboard-rooms","sender":"{user}","data":{{"roomId":"ROOM","userId":"{user}","userName":"{name}","existingParticipants":[{existing}]}}}}"#
    )
}

/// The room of the peer with this id: `<run>-room-0`.
fn of_room(id: &str, text: &str) -> String {
    let run = id.rsplit_once('-').map_or("", |(run, _)| run);
    text.replace("ROOM", &format!("{run}-room-0"))
}

fn strangers(count: usize, name: &str) -> String {
    let mut entries = String::new();
    for index in 0..count {
        let comma = if index == 0 { "" } else { "," };
        write!(entries, r#"{comma}{{"id":"stranger-{index}","name":"{name}"}}"#).expect("a string");
    }
    entries
}

#[test]
fn a_frame_that_names_strangers_starts_no_storm() {
    let case =
        |name: &'static str, text: fn(&str) -> String| Case { name, offence: Offence::SayToAll(text), expected: None };
    check(
        "roster",
        vec![
            case("200 strangers beside one peer", |id| of_room(id, &joined("ghost", "", &strangers(200, "")))),
            case("200 strangers and a peer in the list", |id| {
                let list = format!(r#"{},{{"id":"{id}","name":""}}"#, strangers(200, ""));
                of_room(id, &joined("ghost", "", &list))
            }),
            case("names of 100 KB", |id| {
                of_room(id, &joined(id, &"x".repeat(100_000), &strangers(2, &"y".repeat(50_000))))
            }),
            case("an id of 64 KB", |id| of_room(id, &joined(&"x".repeat(65_536), "", &strangers(5, "")))),
        ],
    );
}

#[test]
fn frames_that_can_not_be_understood_harm_nobody() {
    let said = |name: &'static str, text: String| Case {
        name,
        offence: Offence::Say { bytes: frame(TEXT, text.as_bytes()).into(), times: 20 },
        expected: Some("timed_out"),
    };
    check(
        "frames",
        vec![
            said("JSON of depth 100,000", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
            said("JSON of depth 120", format!("{}{}", "{\"type\":".repeat(120), "}".repeat(120))),
            said("40,000 keys", format!("{{{}}}", "\"x\":1,".repeat(40_000).trim_end_matches(','))),
            said("1e999", r#"{"type":"server-room-list","rooms":1e999}"#.to_owned()),
            said("lone surrogates", r#"{"type":"\ud800\ud800","channel":"\udfff"}"#.to_owned()),
            said("200 strangers", joined("ghost", "", &strangers(200, ""))),
        ],
    );
}
