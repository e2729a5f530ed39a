//! Frames of the `dashboard` dialect for the experiments: valid messages for a room of the probe's own.

use crate::diagnosis::{CheckedMessage, TrialOutcome};
use serde_json::{Value, json};

pub(crate) const ROOMS: &str = "webrtc-dashboard-rooms";
pub(crate) const CHAT: &str = "webrtc-dashboard-chat";
const CHANNELS: [&str; 4] = [ROOMS, CHAT, "webrtc-dashboard-access", "webrtc-signaling"];

pub(crate) const ROOM_LIST: &str = "server-room-list";

/// Room, sender and recipient of an experiment's frames.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub room: String,
    pub from: String,
    pub to: String,
}

pub(crate) fn subscriptions() -> Vec<String> {
    CHANNELS.iter().map(|channel| json!({"type": "subscribe", "channel": channel}).to_string()).collect()
}

pub(crate) fn ping() -> String {
    json!({"type": "ping"}).to_string()
}

pub(crate) fn is_pong(text: &str) -> bool {
    read(text).is_some_and(|frame| frame["type"] == "pong")
}

pub(crate) fn room_created(room: &str, host: &str) -> String {
    let data = json!({"id": room, "name": room, "description": "", "host": host, "hostId": host, "createdAt": 0});
    envelope("room-created", ROOMS, host, data)
}

pub(crate) fn room_list_request(sender: &str) -> String {
    envelope("room-list-request", ROOMS, sender, json!({}))
}

/// The frame of a message.
pub(crate) fn frame(message: CheckedMessage, address: &Address) -> String {
    envelope(message.kind(), channel(message), &address.from, data(message, address))
}

/// The frame of a message, sent on `channel` in place of its own.
pub(crate) fn frame_on(channel: &str, message: CheckedMessage, address: &Address) -> String {
    envelope(message.kind(), channel, &address.from, data(message, address))
}

fn envelope(kind: &str, channel: &str, sender: &str, data: Value) -> String {
    // No server reads the timestamp.
    json!({"type": kind, "channel": channel, "sender": sender, "timestamp": 0, "data": data}).to_string()
}

fn channel(message: CheckedMessage) -> &'static str {
    match message {
        CheckedMessage::Joined => ROOMS,
        CheckedMessage::MemberJoined | CheckedMessage::Ready => CHAT,
        CheckedMessage::Request => CHANNELS[2],
        CheckedMessage::FirstOffer
        | CheckedMessage::SecondOffer
        | CheckedMessage::Answer
        | CheckedMessage::Candidate => CHANNELS[3],
    }
}

fn data(message: CheckedMessage, address: &Address) -> Value {
    let Address { room, from, to } = address;
    let user = json!({"roomId": room, "userId": from, "userName": from});
    let signal = |key: &str, value: Value| json!({"roomId": room, "fromUserId": from, "toUserId": to, key: value});
    match message {
        CheckedMessage::Joined => {
            json!({"roomId": room, "userId": from, "userName": from, "existingParticipants": []})
        }
        CheckedMessage::MemberJoined => json!({"roomId": room, "participant": {"id": from, "name": from}}),
        CheckedMessage::Ready | CheckedMessage::Request => user,
        CheckedMessage::FirstOffer | CheckedMessage::SecondOffer => {
            signal("offer", json!({"type": "offer", "sdp": sdp(message)}))
        }
        CheckedMessage::Answer => signal("answer", json!({"type": "answer", "sdp": sdp(message)})),
        CheckedMessage::Candidate => signal(
            "candidate",
            json!({
                "candidate": "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0,
                "usernameFragment": "prob"
            }),
        ),
    }
}

/// A valid SDP that opens no connection; the session id of its `o=` line tells one from another.
fn sdp(message: CheckedMessage) -> String {
    let (number, setup) = match message {
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

/// Recognises a frame as a message of `address`, and tells if it was renamed or altered; `None` for other frames.
pub(crate) fn recognise(text: &str, address: &Address) -> Option<(CheckedMessage, TrialOutcome)> {
    let frame = read(text)?;
    let (kind, data) = (frame["type"].as_str()?, &frame["data"]);
    let sender =
        [&data["userId"], &data["fromUserId"], &data["participant"]["id"]].into_iter().find_map(Value::as_str)?;
    if sender != address.from || data["roomId"] != address.room.as_str() {
        return None;
    }
    let is_of_kind = |message: CheckedMessage| CheckedMessage::kind(message) == kind;
    let description = ["offer", "answer"].into_iter().find_map(|key| data[key]["sdp"].as_str());
    let message = match description {
        Some(text) => {
            let same_session =
                |message: &CheckedMessage| is_of_kind(*message) && text.lines().nth(1) == sdp(*message).lines().nth(1);
            CheckedMessage::ALL
                .into_iter()
                .find(same_session)
                .or_else(|| CheckedMessage::ALL.into_iter().find(|message| is_of_kind(*message)))?
        }
        None => CheckedMessage::ALL.into_iter().find(|message| is_of_kind(*message))?,
    };
    let arrived_on = frame["channel"].as_str().unwrap_or_default();
    let outcome = if arrived_on != channel(message) {
        TrialOutcome::Renamed(arrived_on.chars().take(80).collect())
    } else if description.is_some_and(|text| text != sdp(message)) {
        TrialOutcome::Altered
    } else {
        TrialOutcome::Arrived
    };
    Some((message, outcome))
}

/// Tells if a list of rooms shows `user`; `None` if the frame is no list.
pub(crate) fn shows_user(text: &str, room: &str, user: &str) -> Option<bool> {
    let frame = read(text).filter(|frame| frame["type"] == ROOM_LIST)?;
    let shown = |listed: &Value| {
        let participants = listed["participants"].as_array();
        listed["id"] == room && participants.is_some_and(|all| all.iter().any(|one| one["id"] == user))
    };
    Some(frame["rooms"].as_array().is_some_and(|rooms| rooms.iter().any(shown)))
}

/// Tells if a list of rooms shows the room; `None` if the frame is no list.
pub(crate) fn shows_room(text: &str, room: &str) -> Option<bool> {
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
    fn every_message_is_recognised_where_it_arrives() {
        for message in CheckedMessage::ALL {
            assert_eq!(recognise(&frame(message, &address()), &address()), Some((message, TrialOutcome::Arrived)));
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
            (shows_user(&list, "r", "a"), shows_user(&list, "r", "b"), shows_user(&list, "s", "a")),
            (Some(true), Some(false), Some(false))
        );
        assert_eq!(
            (shows_room(&list, "r"), shows_room(&list, "s"), shows_room("{}", "r")),
            (Some(true), Some(false), None)
        );
    }
}
