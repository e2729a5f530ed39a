//! Every promise of docs/spec/protocol.md about the server, for both room models and both routings.

use super::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

mod limits;
mod property;

const CHAT: &str = "webrtc-dashboard-chat";

/// Rooms with a simulated clock.
struct Stage {
    rooms: SignalingRooms,
    start: Instant,
    now: Instant,
}

impl Stage {
    /// Clients 1 to `clients` are connected and subscribed to chat and rooms; the initial counts are discarded.
    fn new(kind: RoomModel, routing: Routing, list_interval_ms: u64, clients: u32) -> Self {
        let now = Instant::now();
        let wall = Timestamp::from_second(1_700_000_000).unwrap();
        let rooms = SignalingRooms::new(kind, routing, Duration::from_millis(list_interval_ms), now, wall);
        let mut stage = Self { rooms, start: now, now };
        for client in 1..=clients {
            stage.rooms.connected(now, ClientId(client));
            stage.say(client, &subscribe(CHAT));
            stage.say(client, &subscribe(ROOMS));
        }
        stage.at(900);
        stage.at(1_000);
        stage
    }

    /// Moves the clock to `ms` milliseconds; returns the deliveries at that moment.
    fn at(&mut self, ms: u64) -> Vec<String> {
        self.now = self.start + Duration::from_millis(ms);
        self.rooms.wake(self.now);
        self.heard()
    }

    fn say(&mut self, client: u32, text: &str) -> Vec<String> {
        self.rooms.frame(self.now, ClientId(client), text);
        self.heard()
    }

    fn close(&mut self, client: u32) -> Vec<String> {
        self.rooms.closed(self.now, ClientId(client));
        self.heard()
    }

    /// `client: what`, in the order of deliveries, then of clients.
    fn heard(&mut self) -> Vec<String> {
        let mut heard = vec![];
        while let Some(delivery) = self.rooms.poll() {
            let to: BTreeSet<_> = self.rooms.recipients(&delivery.to).collect();
            heard.extend(to.iter().map(|client| format!("{}: {}", client.0, brief(&delivery.text))));
        }
        heard
    }
}

fn brief(text: &str) -> String {
    let frame: Value = serde_json::from_str(text).unwrap();
    let word = |key: &str| frame[key].as_str().unwrap_or("?").to_owned();
    match frame["type"].as_str().unwrap() {
        "client_count" => format!("count {}", frame["count"]),
        "echo" => format!("echo {}", word("original")),
        "join-rejected" => format!("no, {} for {}", word("reason"), word("userId")),
        "server-room-list" => {
            let names = |room: &Value| {
                let users: Vec<_> =
                    room["participants"].as_array().unwrap().iter().map(|one| one["id"].as_str()).collect();
                assert_eq!(room["participantCount"], users.len());
                format!(
                    " {}({})",
                    room["id"].as_str().unwrap(),
                    users.into_iter().flatten().collect::<Vec<_>>().join(",")
                )
            };
            format!("list{}", frame["rooms"].as_array().unwrap().iter().map(names).collect::<String>())
        }
        other => other.to_owned(),
    }
}

fn subscribe(channel: &str) -> String {
    json!({"type": "subscribe", "channel": channel}).to_string()
}

fn envelope(kind: &str, channel: &str, data: Value) -> String {
    json!({"type": kind, "channel": channel, "sender": "tab", "timestamp": 1, "data": data}).to_string()
}

fn created(room: &str) -> String {
    envelope("room-created", ROOMS, json!({"id": room, "name": "n", "host": "h"}))
}

fn joined(room: &str, user: &str) -> String {
    envelope("user-joined-room", ROOMS, json!({"roomId": room, "userId": user, "userName": format!("name of {user}")}))
}

fn left(room: &str, user: &str) -> String {
    envelope("user-left-room", ROOMS, json!({"roomId": room, "userId": user}))
}

fn ready(room: &str) -> String {
    envelope("peer-ready", CHAT, json!({"roomId": room, "userId": "u"}))
}

/// Plays lines of (client, text, what is heard) on a server of three clients.
fn check(kind: RoomModel, routing: Routing, script: &[(u32, &str, &[&str])]) {
    let mut stage = Stage::new(kind, routing, 0, 3);
    for (client, text, expected) in script {
        assert_eq!(stage.say(*client, text), *expected, "{kind:?} {routing:?}: {client} says {text}");
    }
}

fn check_everywhere(script: &[(u32, &str, &[&str])]) {
    for kind in [RoomModel::Relay, RoomModel::Registry] {
        for routing in [Routing::All, Routing::Room] {
            check(kind, routing, script);
        }
    }
}

#[test]
fn the_count_is_told_to_the_newcomer_and_to_all_on_connect_and_disconnect() {
    let mut stage = Stage::new(RoomModel::Relay, Routing::All, 0, 2);
    stage.rooms.connected(stage.now, ClientId(3));
    assert_eq!(stage.heard(), ["3: count 3", "1: count 3", "2: count 3"]);
    stage.at(2_000);
    assert_eq!(stage.close(1), ["2: count 2", "3: count 2"]);
    assert_eq!(stage.close(1), [""; 0], "gone already");
}

#[test]
fn a_burst_of_connects_tells_each_newcomer_at_once_and_everybody_at_the_end() {
    let mut stage = Stage::new(RoomModel::Relay, Routing::All, 0, 0);
    for client in 1..=3 {
        stage.rooms.connected(stage.now, ClientId(client));
        assert_eq!(stage.heard(), [format!("{client}: count {client}")]);
    }
    assert_eq!(stage.rooms.wake_at(), Some(stage.now + COUNT_INTERVAL));
    assert_eq!(stage.at(1_049), [""; 0]);
    assert_eq!(stage.at(1_050), ["1: count 3", "2: count 3", "3: count 3"]);
    assert_eq!(stage.rooms.wake_at(), None);
}

#[test]
fn a_client_hears_a_channel_only_while_subscribed_and_never_itself() {
    let unsubscribe = json!({"type": "unsubscribe", "channel": CHAT}).to_string();
    let hello = ready("r");
    let script: &[(u32, &str, &[&str])] = &[
        (1, &unsubscribe, &[]),
        (1, &hello, &["2: peer-ready", "3: peer-ready"]),
        (2, &hello, &["3: peer-ready"]),
        (1, &subscribe(CHAT), &[]),
        (1, &subscribe(CHAT), &[]),
        (2, &hello, &["1: peer-ready", "3: peer-ready"]),
    ];
    check(RoomModel::Relay, Routing::All, script);
    check(RoomModel::Registry, Routing::All, script);
}

#[test]
fn an_envelope_is_relayed_as_the_very_text_that_came() {
    let mut stage = Stage::new(RoomModel::Relay, Routing::All, 0, 2);
    let text = r#" {"channel" : "webrtc-dashboard-chat", "odd":1e3,"type":"x" ,"data":{"b":1,"a":"\u00e9"}} "#;
    stage.rooms.frame(stage.now, ClientId(1), text);
    assert_eq!(&*stage.rooms.poll().unwrap().text, text);
}

#[test]
fn pings_are_answered_what_is_not_json_is_echoed_and_what_has_no_channel_is_ignored() {
    check_everywhere(&[
        (1, r#"{"type":"ping"}"#, &["1: pong"]),
        (1, "hello", &["1: echo hello"]),
        (1, "", &["1: echo "]),
        (1, r#"{"type":"peer-ready","data":{"roomId":"r"}}"#, &[]),
        (1, r#"{"type":"peer-ready","channel":"nobody-listens","data":{}}"#, &[]),
        (1, r#"{"type":5,"channel":"webrtc-dashboard-chat"}"#, &[]),
        (1, "[]", &[]),
        (1, "{}", &[]),
        (1, r#"{"type":"subscribe"}"#, &[]),
    ]);
}

#[test]
fn the_servers_own_frames_carry_iso_8601() {
    let mut stage = Stage::new(RoomModel::Relay, Routing::All, 0, 1);
    stage.rooms.frame(stage.now, ClientId(1), r#"{"type":"ping"}"#);
    assert_eq!(&*stage.rooms.poll().unwrap().text, r#"{"type":"pong","timestamp":"2023-11-14T22:13:21.000Z"}"#);
}

#[test]
fn a_relay_forwards_every_envelope_and_knows_no_rooms() {
    let request = envelope("room-list-request", ROOMS, json!({}));
    check(
        RoomModel::Relay,
        Routing::All,
        &[
            (1, &created("r"), &["2: room-created", "3: room-created"]),
            (2, &joined("unknown", "b"), &["1: user-joined-room", "3: user-joined-room"]),
            (2, &left("unknown", "b"), &["1: user-left-room", "3: user-left-room"]),
            (1, &request, &["2: room-list-request", "3: room-list-request"]),
        ],
    );
}

#[test]
fn a_registry_absorbs_room_created_records_joins_and_swallows_those_to_unknown_rooms() {
    let short = envelope("room-created", ROOMS, json!({"roomId": "s", "name": "n", "host": "h"}));
    check(
        RoomModel::Registry,
        Routing::All,
        &[
            (2, &joined("r", "b"), &[]),
            (1, &created("r"), &["1: list r()", "2: list r()", "3: list r()"]),
            (
                1,
                &joined("r", "a"),
                &["2: user-joined-room", "3: user-joined-room", "1: list r(a)", "2: list r(a)", "3: list r(a)"],
            ),
            (1, &short, &["1: list r(a) s()", "2: list r(a) s()", "3: list r(a) s()"]),
            (1, &envelope("user-joined-room", ROOMS, json!({"userId": "a"})), &[]),
            (1, &envelope("something-else", ROOMS, json!({})), &["2: something-else", "3: something-else"]),
        ],
    );
}

#[test]
fn a_registry_records_and_relays_leaving_and_an_empty_room_is_removed() {
    check(
        RoomModel::Registry,
        Routing::All,
        &[
            (1, &created("r"), &["1: list r()", "2: list r()", "3: list r()"]),
            (
                1,
                &joined("r", "a"),
                &["2: user-joined-room", "3: user-joined-room", "1: list r(a)", "2: list r(a)", "3: list r(a)"],
            ),
            (1, &left("r", "a"), &["2: user-left-room", "3: user-left-room", "1: list", "2: list", "3: list"]),
            (1, &left("r", "a"), &["2: user-left-room", "3: user-left-room"]),
        ],
    );
}

#[test]
fn a_registry_removes_a_room_with_all_who_are_in_it_and_relays_that() {
    let removed = envelope("room-removed", ROOMS, json!({"roomId": "r"}));
    let mut stage = Stage::new(RoomModel::Registry, Routing::All, 0, 2);
    stage.say(1, &created("r"));
    stage.say(1, &joined("r", "a"));
    stage.say(2, &joined("r", "b"));
    assert_eq!(stage.say(1, &removed), ["2: room-removed", "1: list", "2: list"]);
    assert_eq!(stage.say(2, &joined("r", "b")), [""; 0], "nobody joins a room that is no more");
    assert_eq!(stage.say(1, &removed), ["2: room-removed"]);
    stage.at(2_000);
    assert_eq!(stage.close(2), ["1: count 1"]);
    check(RoomModel::Relay, Routing::All, &[(1, &removed, &["2: room-removed", "3: room-removed"])]);
}

#[test]
fn a_closed_socket_takes_its_user_along_and_only_the_next_list_tells() {
    let mut stage = Stage::new(RoomModel::Registry, Routing::All, 0, 2);
    stage.say(1, &created("r"));
    stage.say(1, &joined("r", "a"));
    stage.say(2, &joined("r", "b"));
    stage.at(2_000);
    assert_eq!(stage.close(1), ["2: count 1", "2: list r(b)"]);
}

#[test]
fn a_room_that_nobody_came_to_goes_with_its_creator() {
    let mut stage = Stage::new(RoomModel::Registry, Routing::All, 0, 2);
    stage.say(1, &created("r"));
    assert_eq!(stage.close(1), ["2: count 1", "2: list"]);
}

#[test]
fn a_client_has_one_seat_and_its_user_only_one_client() {
    let mut stage = Stage::new(RoomModel::Registry, Routing::All, 0, 3);
    stage.say(1, &created("r"));
    stage.say(1, &created("s"));
    stage.say(1, &joined("r", "a"));
    assert_eq!(stage.say(1, &joined("r", "b")).pop().unwrap(), "3: list r(b) s()");
    assert_eq!(stage.say(1, &joined("s", "b")).pop().unwrap(), "3: list s(b)");
    assert_eq!(stage.say(2, &joined("s", "b")).pop().unwrap(), "3: list s(b)");
    assert_eq!(stage.close(1), ["2: count 2", "3: count 2"], "2 has the seat now");
}

#[test]
fn a_taken_name_is_rejected_and_the_same_user_again_is_not() {
    let namesake = envelope("user-joined-room", ROOMS, json!({"roomId": "r", "userId": "z", "userName": "name of a"}));
    let nameless = envelope("user-joined-room", ROOMS, json!({"roomId": "r", "userId": "y"}));
    let mut stage = Stage::new(RoomModel::Registry, Routing::All, 0, 3);
    stage.say(1, &created("r"));
    stage.say(1, &joined("r", "a"));
    assert_eq!(stage.say(2, &namesake), ["2: no, DUPLICATE_USERNAME for z"]);
    assert_eq!(stage.say(1, &joined("r", "a")).pop().unwrap(), "3: list r(a)");
    assert_eq!(stage.say(2, &nameless).pop().unwrap(), "3: list r(a,y)");
}

#[test]
fn lists_go_out_every_five_seconds_while_rooms_exist() {
    let mut stage = Stage::new(RoomModel::Registry, Routing::All, 0, 1);
    assert_eq!(stage.rooms.wake_at(), None);
    stage.say(1, &created("r"));
    assert_eq!(stage.at(5_999), [""; 0]);
    assert_eq!(stage.at(6_000), ["1: list r()"]);
    assert_eq!(stage.at(11_000), ["1: list r()"]);
    stage.say(1, &joined("r", "a"));
    assert_eq!(stage.say(1, &left("r", "a")), ["1: list"]);
    assert_eq!((stage.at(60_000), stage.rooms.wake_at()), (vec![], None));
}

#[test]
fn a_list_request_is_answered_to_its_sender_if_it_listens() {
    let request = envelope("room-list-request", ROOMS, json!({}));
    let unsubscribe = json!({"type": "unsubscribe", "channel": ROOMS}).to_string();
    check(
        RoomModel::Registry,
        Routing::All,
        &[
            (2, &request, &["2: list"]),
            (2, &unsubscribe, &[]),
            (2, &request, &[]),
            (1, &created("r"), &["1: list r()", "3: list r()"]),
        ],
    );
}

#[test]
fn at_most_one_list_in_the_interval_and_the_last_change_is_never_lost() {
    let mut stage = Stage::new(RoomModel::Registry, Routing::All, 100, 1);
    assert_eq!(stage.say(1, &created("r")), ["1: list r()"]);
    assert_eq!(stage.say(1, &created("s")), [""; 0]);
    assert_eq!(stage.at(1_099), [""; 0]);
    assert_eq!(stage.rooms.wake_at(), Some(stage.start + Duration::from_millis(1_100)));
    assert_eq!(stage.at(1_100), ["1: list r() s()"]);
    assert_eq!(stage.at(1_200), [""; 0]);
}

#[test]
fn routing_by_room_reaches_those_who_named_the_same_room_last() {
    for kind in [RoomModel::Relay, RoomModel::Registry] {
        check(
            kind,
            Routing::Room,
            &[
                (1, &envelope("peer-ready", CHAT, json!({})), &[]),
                (1, &ready("r"), &[]),
                (2, &ready("r"), &["1: peer-ready"]),
                (3, &ready("s"), &[]),
                (1, &envelope("roomless", CHAT, json!({})), &["2: roomless"]),
                (1, &ready("s"), &["3: peer-ready"]),
                (2, &ready("r"), &[]),
            ],
        );
    }
}

#[test]
fn with_routing_by_room_a_goodbye_is_heard_and_then_its_sender_is_outside() {
    let gone = envelope("participant-left", CHAT, json!({"roomId": "r", "participant": {"id": "a", "name": "n"}}));
    for kind in [RoomModel::Relay, RoomModel::Registry] {
        check(
            kind,
            Routing::Room,
            &[
                (1, &ready("r"), &[]),
                (2, &ready("r"), &["1: peer-ready"]),
                (1, &gone, &["2: participant-left"]),
                (1, &left("r", "a"), &["2: user-left-room"]),
                (1, &gone, &[]),
                (2, &ready("r"), &[]),
            ],
        );
    }
}

#[test]
fn with_routing_by_room_a_list_shows_each_its_own_room_and_the_roomless_all() {
    let request = envelope("room-list-request", ROOMS, json!({}));
    check(
        RoomModel::Registry,
        Routing::Room,
        &[
            (1, &created("r"), &["1: list r()", "2: list r()", "3: list r()"]),
            (2, &created("s"), &["2: list s()", "3: list r() s()"]),
            (1, &joined("r", "a"), &["1: list r(a)", "3: list r(a) s()"]),
            (1, &request, &["1: list r(a)"]),
            (3, &request, &["3: list r(a) s()"]),
            (3, &joined("s", "c"), &["2: user-joined-room", "2: list s(c)", "3: list s(c)"]),
        ],
    );
    let mut stage = Stage::new(RoomModel::Registry, Routing::Room, 0, 3);
    stage.say(1, &created("r"));
    stage.say(2, &created("s"));
    assert_eq!(
        stage.at(6_000).into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from(["1: list r()", "2: list s()", "3: list r() s()"].map(String::from))
    );
}
