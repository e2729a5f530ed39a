//! The dashboard dialect's frames as the experiments say and read them: legitimate ones, in a throwaway room.

use crate::diagnosis::{CheckedMessage, TrialOutcome};
use serde_json::{Value, json};

pub const ROOMS: &str = "webrtc-dashboard-rooms";
pub const CHAT: &str = "webrtc-dashboard-chat";
const CHANNELS: [&str; 4] = [ROOMS, CHAT, "webrtc-dashboard-access", "webrtc-signaling"];

/// The types that are relayed to a whole room.
pub const ANNOUNCEMENTS: [&str; 3] = ["user-joined-room", "participant-joined", "peer-ready"];
pub const ROOM_LIST: &str = "server-room-list";

/// Whom the frames of an experiment are from and to, and where.
#[derive(Clone, Debug)]
pub struct Address {
    pub room: String,
    pub from: String,
    pub to: String,
}

pub fn subscriptions() -> Vec<String> {
    CHANNELS.iter().map(|channel| json!({"type": "subscribe", "channel": channel}).to_string()).collect()
}

pub fn ping() -> String {
    json!({"type": "ping"}).to_string()
}

pub fn is_pong(text: &str) -> bool {
    read(text).is_some_and(|frame| frame["type"] == "pong")
}

pub fn room_created(room: &str, host: &str) -> String {
    let data = json!({"id": room, "name": room, "description": "", "host": host, "hostId": host, "createdAt": 0});
    envelope("room-created", ROOMS, host, data)
}

pub fn room_list_request(sender: &str) -> String {
    envelope("room-list-request", ROOMS, sender, json!({}))
}

/// The frame that says `word`.
pub fn frame(word: CheckedMessage, address: &Address) -> String {
    envelope(word.kind(), channel(word), &address.from, data(word, address))
}

/// The same on another channel than its own.
pub fn frame_on(channel: &str, word: CheckedMessage, address: &Address) -> String {
    envelope(word.kind(), channel, &address.from, data(word, address))
}

fn envelope(kind: &str, channel: &str, sender: &str, data: Value) -> String {
    // Neither kind of server reads the time (protocol.md, "Frames").
    json!({"type": kind, "channel": channel, "sender": sender, "timestamp": 0, "data": data}).to_string()
}

fn channel(word: CheckedMessage) -> &'static str {
    match word {
        CheckedMessage::Joined => ROOMS,
        CheckedMessage::MemberJoined | CheckedMessage::Ready => CHAT,
        CheckedMessage::Request => CHANNELS[2],
        CheckedMessage::FirstOffer
        | CheckedMessage::SecondOffer
        | CheckedMessage::Answer
        | CheckedMessage::Candidate => CHANNELS[3],
    }
}

fn data(word: CheckedMessage, address: &Address) -> Value {
    let Address { room, from, to } = address;
    let user = json!({"roomId": room, "userId": from, "userName": from});
    let signal = |key: &str, value: Value| json!({"roomId": room, "fromUserId": from, "toUserId": to, key: value});
    match word {
        CheckedMessage::Joined => {
            json!({"roomId": room, "userId": from, "userName": from, "existingParticipants": []})
        }
        CheckedMessage::MemberJoined => json!({"roomId": room, "participant": {"id": from, "name": from}}),
        CheckedMessage::Ready | CheckedMessage::Request => user,
        CheckedMessage::FirstOffer | CheckedMessage::SecondOffer => {
            signal("offer", json!({"type": "offer", "sdp": sdp(word)}))
        }
        CheckedMessage::Answer => signal("answer", json!({"type": "answer", "sdp": sdp(word)})),
        CheckedMessage::Candidate => signal(
            "candidate",
            json!({
                "candidate": "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0,
                "usernameFragment": "prob"
            }),
        ),
    }
}

/// A well-formed description that opens nothing; its session's number tells one from another.
fn sdp(word: CheckedMessage) -> String {
    let (number, setup) = match word {
        CheckedMessage::FirstOffer => (1, "actpass"),
        CheckedMessage::SecondOffer => (2, "actpass"),
        _ => (3, "active"),
    };
    let fingerprint = ["5A"; 32].join(":");
    format!(
        "v=0\r\no=- {number} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
         c=IN IP4 0.0.0.0\r\na=ice-ufrag:prob\r\na=ice-pwd:probeprobeprobeprobeprobe\r\na=fingerprint:sha-256 {fingerprint}\r\n\
         a=setup:{setup}\r\na=mid:0\r\na=sctp-port:5000\r\n"
    )
}

/// Which word of `address` a frame is, and how it came through.
pub fn recognise(text: &str, address: &Address) -> Option<(CheckedMessage, TrialOutcome)> {
    let frame = read(text)?;
    let (kind, data) = (frame["type"].as_str()?, &frame["data"]);
    let author =
        [&data["userId"], &data["fromUserId"], &data["participant"]["id"]].into_iter().find_map(Value::as_str)?;
    if author != address.from || data["roomId"] != address.room.as_str() {
        return None;
    }
    let said = |word: CheckedMessage| CheckedMessage::kind(word) == kind;
    let description = ["offer", "answer"].into_iter().find_map(|key| data[key]["sdp"].as_str());
    let word = match description {
        Some(text) => {
            let same_session = |word: &CheckedMessage| said(*word) && text.lines().nth(1) == sdp(*word).lines().nth(1);
            CheckedMessage::ALL
                .into_iter()
                .find(same_session)
                .or_else(|| CheckedMessage::ALL.into_iter().find(|word| said(*word)))?
        }
        None => CheckedMessage::ALL.into_iter().find(|word| said(*word))?,
    };
    let heard_on = frame["channel"].as_str().unwrap_or_default();
    let outcome = if heard_on != channel(word) {
        TrialOutcome::Renamed(heard_on.chars().take(80).collect())
    } else if description.is_some_and(|text| text != sdp(word)) {
        TrialOutcome::Altered
    } else {
        TrialOutcome::Arrived
    };
    Some((word, outcome))
}

/// Whether a list of rooms shows `user`; nothing if it is no list.
pub fn lists(text: &str, room: &str, user: &str) -> Option<bool> {
    let frame = read(text).filter(|frame| frame["type"] == ROOM_LIST)?;
    let shown = |listed: &Value| {
        let participants = listed["participants"].as_array();
        listed["id"] == room && participants.is_some_and(|all| all.iter().any(|one| one["id"] == user))
    };
    Some(frame["rooms"].as_array().is_some_and(|rooms| rooms.iter().any(shown)))
}

/// Whether a list of rooms shows the room at all; nothing if it is no list.
pub fn lists_room(text: &str, room: &str) -> Option<bool> {
    let frame = read(text).filter(|frame| frame["type"] == ROOM_LIST)?;
    Some(frame["rooms"].as_array().is_some_and(|rooms| rooms.iter().any(|listed| listed["id"] == room)))
}

fn read(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address { room: "r".into(), from: "a".into(), to: "b".into() }
    }

    #[test]
    fn every_word_is_recognised_where_it_arrives() {
        for word in CheckedMessage::ALL {
            assert_eq!(recognise(&frame(word, &address()), &address()), Some((word, TrialOutcome::Arrived)));
        }
    }

    #[test]
    fn another_channel_another_description_and_another_author_are_seen() {
        let check = |text: String, expected: Option<(CheckedMessage, TrialOutcome)>| {
            assert_eq!(recognise(&text, &address()), expected, "{text}");
        };
        check(
            frame_on(ROOMS, CheckedMessage::Ready, &address()),
            Some((CheckedMessage::Ready, TrialOutcome::Renamed(ROOMS.into()))),
        );
        let altered = frame(CheckedMessage::SecondOffer, &address()).replace("sha-256 5A", "sha-256 0A");
        check(altered, Some((CheckedMessage::SecondOffer, TrialOutcome::Altered)));
        check(frame(CheckedMessage::Ready, &Address { from: "c".into(), ..address() }), None);
        check(frame(CheckedMessage::Ready, &Address { room: "s".into(), ..address() }), None);
        check("no json".into(), None);
    }

    #[test]
    fn a_list_shows_a_room_and_who_is_in_it() {
        let list = json!({"type": ROOM_LIST, "rooms": [{"id": "r", "participants": [{"id": "a"}]}]}).to_string();
        assert_eq!(
            (lists(&list, "r", "a"), lists(&list, "r", "b"), lists(&list, "s", "a")),
            (Some(true), Some(false), Some(false))
        );
        assert_eq!(
            (lists_room(&list, "r"), lists_room(&list, "s"), lists_room("{}", "r")),
            (Some(true), Some(false), None)
        );
    }
}
