//! Every fault action between two clients of a relay, on a simulated clock.

use super::*;
use crate::server::rooms::{RoomModel, Routing};
use jiff::Timestamp;
use serde_json::{Value, json};

struct Stage {
    service: Service,
    start: Instant,
    heard: Vec<String>,
}

impl Stage {
    /// Clients 1 and 2 subscribe to `chat`; the initial counts are discarded.
    fn new(kind: RoomModel, rules: &[&str]) -> Self {
        let start = Instant::now();
        let rooms = SignalingRooms::new(kind, Routing::All, Duration::ZERO, start, Timestamp::UNIX_EPOCH);
        let rules = rules.iter().flat_map(|rule| crate::server::faults::rules(rule).unwrap()).collect();
        let mut stage = Self { service: Service::new(rooms, rules, Seed(1), start), start, heard: vec![] };
        for client in [1, 2] {
            stage.service.connected(start, ClientId(client));
            stage.frame(0, client, &json!({"type": "subscribe", "channel": "chat"}).to_string());
            stage.frame(
                0,
                client,
                &json!({"type": "subscribe", "channel": crate::server::rooms::envelope::ROOMS}).to_string(),
            );
        }
        stage.at(700);
        stage.heard.clear();
        stage
    }

    /// Client 1 sends a message of type `kind` at `ms` milliseconds.
    fn say(&mut self, ms: u64, kind: &str) {
        let text = json!({"type": kind, "channel": "chat", "sender": "tab-1", "data": {"roomId": "r"}}).to_string();
        self.frame(ms, 1, &text);
    }

    fn frame(&mut self, ms: u64, client: u32, text: &str) {
        let now = self.start + Duration::from_millis(ms);
        self.service.frame(now, ClientId(client), text);
        self.note(ms);
    }

    /// Wakes the service at each `wake_at` up to `ms` milliseconds.
    fn at(&mut self, ms: u64) {
        let until = self.start + Duration::from_millis(ms);
        while let Some(at) = self.service.wake_at().filter(|at| *at <= until) {
            self.service.wake(at);
            self.note((at - self.start).as_millis() as u64);
        }
    }

    fn note(&mut self, ms: u64) {
        while let Some(delivery) = self.service.poll() {
            let text = match serde_json::from_str::<Value>(&delivery.text) {
                Ok(frame) => frame["type"].as_str().unwrap().to_owned(),
                Err(_) => "broken".to_owned(),
            };
            let clients: Vec<ClientId> = self.service.recipients(&delivery.to).collect();
            self.heard.extend(clients.iter().map(|client| format!("{ms} {}: {text}", client.0)));
        }
    }
}

/// Client 1 sends a at 1000, b at 1010 and c at 1020 ms; `expected` lists time, recipient and type until 5 s.
fn check(rules: &[&str], expected: &[&str]) {
    let mut stage = Stage::new(RoomModel::Relay, rules);
    for (ms, kind) in [(1_000, "a"), (1_010, "b"), (1_020, "c")] {
        stage.at(ms);
        stage.say(ms, kind);
    }
    stage.at(5_000);
    assert_eq!(stage.heard, expected, "{rules:?}");
}

#[test]
fn no_more_than_a_bound_is_held_and_the_rest_passes_at_once_and_is_counted() {
    let mut stage = Stage::new(RoomModel::Relay, &["delay 1h direction=in"]);
    let long = json!({ "type": "x", "channel": "chat", "data": "x".repeat(1 << 20) }).to_string();
    let subscriptions = stage.service.held.len();
    for _ in 0..300 {
        stage.frame(700, 1, &long);
    }
    let held = HELD_BYTES_MAX / long.len();
    assert_eq!((stage.service.held.len() - subscriptions, stage.service.refused()), (held, 300 - held as u64));
    assert!(stage.service.held_bytes <= HELD_BYTES_MAX);
    stage.at(4_000_000);
    assert_eq!(stage.service.held_bytes, 0);
}

#[test]
fn each_action_does_to_a_message_what_it_says() {
    check(&[], &["1000 2: a", "1010 2: b", "1020 2: c"]);
    check(&["drop type=b"], &["1000 2: a", "1020 2: c"]);
    check(&["delay 50ms type=a"], &["1010 2: b", "1020 2: c", "1050 2: a"]);
    check(&["delay 50ms direction=out channel=chat"], &["1050 2: a", "1060 2: b", "1070 2: c"]);
    check(&["duplicate type=b"], &["1000 2: a", "1010 2: b", "1010 2: b", "1020 2: c"]);
    check(&["reorder type=a"], &["1010 2: b", "1010 2: a", "1020 2: c"]);
    check(&["reorder type=c"], &["1000 2: a", "1010 2: b", "2020 2: c"]);
    check(&["corrupt frame direction=out type=b"], &["1000 2: a", "1010 2: broken", "1020 2: c"]);
    check(&["stall 100ms type=a nth=1"], &["1100 2: a", "1100 2: b", "1100 2: c"]);
    check(&["capacity 10/s channel=chat type=a|b|c"], &["1000 2: a", "1100 2: b", "1200 2: c"]);
    check(&["delay 20ms/subscriber direction=out channel=chat"], &["1020 2: a", "1030 2: b", "1040 2: c"]);
    check(&["drop peer=tab-2", "drop peer=tab-1 direction=out"], &["1000 2: a", "1010 2: b", "1020 2: c"]);
    check(&["drop peer=*-1"], &[]);
}

#[test]
fn a_join_that_is_rejected_is_answered_and_goes_no_further() {
    let mut stage = Stage::new(RoomModel::Relay, &["reject"]);
    let now = stage.start + Duration::from_secs(1);
    let join = r#"{"type":"user-joined-room","channel":"chat","sender":"t","data":{"roomId":"r","userId":"u"}}"#;
    stage.service.frame(now, ClientId(1), join);
    let delivery = stage.service.poll().unwrap();
    assert!(delivery.text.contains("join-rejected") && delivery.text.contains("DUPLICATE_USERNAME"));
    assert_eq!(stage.service.recipients(&delivery.to).collect::<Vec<_>>(), [ClientId(1)]);
    assert!(stage.service.poll().is_none());
}

#[test]
fn a_disconnected_client_is_to_be_cut_off_and_its_message_is_lost() {
    let mut stage = Stage::new(RoomModel::Relay, &["disconnect type=b"]);
    stage.say(1_000, "b");
    assert_eq!(stage.heard, [""; 0]);
    assert_eq!((stage.service.poll_disconnect(), stage.service.poll_disconnect()), (Some(ClientId(1)), None));
}

#[test]
fn what_was_held_for_a_client_is_not_given_to_the_next_one_of_its_number() {
    let mut stage = Stage::new(RoomModel::Relay, &["delay 500ms direction=out channel=chat"]);
    stage.say(1_000, "a");
    let now = stage.start + Duration::from_millis(1_100);
    stage.service.closed(now, ClientId(2));
    stage.service.connected(now, ClientId(2));
    stage.at(3_000);
    assert!(stage.heard.iter().all(|heard| heard.ends_with("client_count")), "{:?}", stage.heard);
}

#[test]
fn late_subscriptions_lose_what_is_said_before_they_are_in_force() {
    let mut stage = Stage::new(RoomModel::Relay, &["timing"]);
    let start = 1_000;
    stage.at(start);
    stage.service.connected(stage.start + Duration::from_millis(start), ClientId(3));
    stage.frame(start, 3, &json!({"type": "subscribe", "channel": "chat"}).to_string());
    stage.at(start + 299);
    stage.say(start + 299, "early");
    stage.at(start + 300);
    stage.say(start + 300, "late");
    let heard: Vec<_> = stage.heard.iter().filter(|heard| heard.contains("3: ") && !heard.contains("count")).collect();
    assert_eq!(heard, ["1300 3: late"]);
}

#[test]
fn a_stale_roster_keeps_who_is_gone_and_a_sound_one_does_not() {
    let check = |rules: &[&str], expected: usize| {
        let mut stage = Stage::new(RoomModel::Registry, rules);
        let envelope = |kind: &str, data: Value| {
            json!({"type": kind, "channel": crate::server::rooms::envelope::ROOMS, "sender": "tab-1", "data": data})
                .to_string()
        };
        stage.frame(1_000, 1, &envelope("room-created", json!({"id": "r"})));
        stage.frame(1_000, 1, &envelope("user-joined-room", json!({"roomId": "r", "userId": "u", "userName": "n"})));
        let now = stage.start + Duration::from_millis(1_100);
        stage.service.closed(now, ClientId(1));
        stage.service.connected(now, ClientId(1));
        while stage.service.poll().is_some() {}
        stage.service.frame(now, ClientId(2), &envelope("room-list-request", json!({})));
        let lists: Vec<Value> = std::iter::from_fn(|| stage.service.poll())
            .map(|delivery| serde_json::from_str::<Value>(&delivery.text).unwrap())
            .filter(|frame| frame["type"] == "server-room-list")
            .collect();
        assert_eq!(lists.last().unwrap()["rooms"].as_array().unwrap().len(), expected, "{rules:?}");
    };
    check(&[], 0);
    check(&["stale-roster"], 1);
}

/// Client 1 creates room r; then clients 2 to `last` join it, each heard by those that `heard_by` says.
fn joins(rule: &str, last: u32) -> Vec<(u32, Vec<u32>)> {
    let mut stage = Stage::new(RoomModel::Relay, &[rule]);
    for client in 3..=last {
        stage.service.connected(stage.start, ClientId(client));
        stage.frame(700, client, &json!({"type": "subscribe", "channel": "chat"}).to_string());
    }
    stage.frame(710, 1, &json!({"type": "room-created", "channel": "chat", "data": {"id": "r"}}).to_string());
    let ready = |client: u32| {
        json!({"type": "ready", "channel": "chat", "data": {"roomId": "r", "userId": format!("u{client}")}}).to_string()
    };
    (1..=last).for_each(|client| stage.frame(720, client, &ready(client)));
    let mut heard = vec![];
    for client in 1..=last {
        stage.heard.clear();
        stage.service.frame(stage.start + Duration::from_millis(800), ClientId(client), &ready(client));
        let mut by = vec![];
        while let Some(delivery) = stage.service.poll() {
            let is_own_room = delivery.text.contains("\"r\"");
            by.extend(stage.service.recipients(&delivery.to).filter(|_| is_own_room).map(|client| client.0));
        }
        by.sort_unstable();
        heard.push((client, by));
    }
    heard
}

#[test]
fn processes_that_share_nothing_and_instances_of_a_room_keep_their_clients_apart() {
    assert_eq!(joins("partition 2", 4), [(1, vec![3]), (2, vec![4]), (3, vec![1]), (4, vec![2])]);
    assert_eq!(joins("split 2", 4), [(1, vec![2]), (2, vec![1]), (3, vec![4]), (4, vec![3])]);
    assert_eq!(joins("split 3", 3), [(1, vec![2, 3]), (2, vec![1, 3]), (3, vec![1, 2])]);
}

#[test]
fn a_silent_client_is_closed_and_one_that_speaks_is_not() {
    let mut stage = Stage::new(RoomModel::Relay, &["idle-close 6s"]);
    stage.say(3_000, "hello");
    stage.at(6_100);
    assert_eq!(stage.service.poll_disconnect(), Some(ClientId(2)));
    assert_eq!(stage.service.poll_disconnect(), None);
    stage.at(9_000);
    assert_eq!(stage.service.poll_disconnect(), Some(ClientId(1)));
}

#[test]
fn a_misrouted_word_goes_to_another_peer_of_its_room() {
    let mut stage = Stage::new(RoomModel::Relay, &["misroute type=offer"]);
    for (client, room) in [(3, "r"), (4, "other")] {
        stage.service.connected(stage.start, ClientId(client));
        let join = json!({"type": "join", "data": {"roomId": room, "userId": format!("u{client}")}});
        stage.frame(700, client, &join.to_string());
    }
    let offer = |to: &str| {
        json!({"type": "offer", "channel": "chat", "data": {"roomId": "r", "fromUserId": "u1", "toUserId": to}})
            .to_string()
    };
    let mut delivered = |to: &str| {
        stage.service.frame(stage.start + Duration::from_secs(1), ClientId(1), &offer(to));
        let deliveries = std::iter::from_fn(|| stage.service.poll());
        deliveries.filter_map(|delivery| mutate::addressee(&delivery.text)).last().unwrap()
    };
    assert_eq!(delivered("u2"), "u3");
    assert_eq!(delivered("u3"), "u3", "there is no other");
}
