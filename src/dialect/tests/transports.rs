//! MQTT and server-sent events in the language, and rooms played without a server.

use super::{Conversation, Dialect, Input, Output, PeerIdentity, Wire, builtins, names, read, shown, transcript};
use std::time::Instant;

const MQTT: &str = include_str!("../../../tests/targets/dialects/mqtt.toml");
const SIGNALHUB: &str = include_str!("../../../tests/targets/dialects/signalhub.toml");

fn problems(text: &str) -> String {
    read("x.toml", text).map_or_else(|problems| shown(&problems), |_| String::new())
}

fn conversation(text: &str) -> (Box<dyn Conversation>, Instant) {
    let now = Instant::now();
    let identity = PeerIdentity {
        id: "A".to_owned(),
        name: "A &".to_owned(),
        token: "t".to_owned(),
        epoch: (now, 0),
        ..transcript::me(0)
    };
    (read("x.toml", text).unwrap_or_else(|problems| panic!("{}", shown(&problems))).converse(identity), now)
}

fn sent(conversation: &mut dyn Conversation) -> Vec<String> {
    let outputs = std::iter::from_fn(|| conversation.poll());
    outputs.filter_map(|output| if let Output::Send { text, .. } = output { Some(text) } else { None }).collect()
}

#[test]
fn mqtt_connects_as_said_waits_for_its_subscription_and_pings() {
    let text = MQTT.replace("client = ", "password = \"{token}\"\nkeep_alive = \"10s\"\nversion = \"5\"\nclient = ");
    let (mut peer, now) = conversation(&text);
    let connect = peer.connect("ws://h/");
    let Wire::Mqtt(mqtt) = connect.wire else { panic!("{:?}", connect.wire) };
    assert_eq!((connect.subprotocol.as_deref(), mqtt.is_v5, mqtt.keep_alive_s), (Some("mqtt"), true, 10));
    assert_eq!((mqtt.client.as_str(), mqtt.user.as_deref(), mqtt.password.as_deref()), ("A", None, Some("t")));
    assert!(mqtt.will.as_ref().is_some_and(|will| will.contains("\"bye\"")), "{mqtt:?}");
    peer.handle(now, Input::Open);
    assert!(sent(&mut *peer)[0].contains("\"subscribe\":["));
    peer.handle(now, Input::Frame("{\"suback\":[1,1]}"));
    assert!(sent(&mut *peer)[0].contains("\"join\""));
    let wake = peer.wake_at().unwrap();
    assert_eq!((wake - now).as_secs(), 5);
    peer.handle(wake, Input::Wake);
    assert_eq!(sent(&mut *peer), ["{\"ping\":true}"]);
    // The answer to a later subscription is no frame that a rule misses.
    peer.handle(wake, Input::Frame("{\"suback\":[0]}"));
    assert!(std::iter::from_fn(|| peer.poll()).all(|output| !matches!(output, Output::Note(_))));
}

#[test]
fn frames_of_an_event_stream_carry_the_url_that_they_are_posted_to() {
    let (mut peer, now) =
        conversation(&SIGNALHUB.replace("hello = \"{peer}\"", "join = \"x/{my_name}\"\nhello = \"{peer}\""));
    let connect = peer.connect("wss://h:1/a/");
    assert_eq!((connect.url.as_str(), connect.wire), ("https://h:1/a/v1/room1/all,A", Wire::EventStream));
    peer.handle(now, Input::Open);
    assert_eq!(sent(&mut *peer), ["x/A%20%26\n{\"type\":\"join\",\"from\":\"A\"}"]);
    peer.handle(now, Input::Frame("{\"type\":\"join\",\"from\":\"B c\"}"));
    assert_eq!(sent(&mut *peer), ["B%20c\n{\"type\":\"hello\",\"from\":\"A\"}"]);
    peer.handle(now, Input::Say(crate::vocabulary::Say::Leave));
    assert_eq!(sent(&mut *peer), ["all\n{\"type\":\"bye\",\"from\":\"A\"}"]);
}

#[test]
fn a_transport_that_cannot_be_is_told_with_its_line() {
    let check = |text: &str, words: &str| {
        let problems = problems(text);
        assert!(problems.contains(words), "{text}: no {words} in\n{problems}");
    };
    check("transport = \"sse\"\n[say]\na = { b = 1 }", "is posted nowhere");
    check("transport = \"sse\"\ncodec = \"socketio\"", "server-sent events carry text");
    check("transport = \"mqtt\"", "is none of websocket, sse");
    check("[connect]\npost = \"x\"", "is of transport = \"sse\"");
    check("[say]\na = 1\n[post]\na = \"x\"", "is of transport = \"sse\"");
    check("[connect]\nwill = { topic = \"a\" }", "is of codec = \"mqtt\"");
    check("codec = \"mqtt\"\n[say]\na = { type = \"x\" }", "it is no packet of MQTT");
    check("codec = \"mqtt\"\n[say]\na = \"x\"", "is no table");
    check("codec = \"mqtt\"\n[say]\na = { topic = \"x\", type = 1 }", "`type` has no place beside `topic`");
    check("codec = \"mqtt\"\n[say]\na = { topic = \"x\", qos = 2 }", "2 is not spoken");
    check("codec = \"mqtt\"\n[connect]\nversion = \"4\"", "is \"3.1.1\" or \"5\"");
    check("codec = \"mqtt\"\n[connect]\nkeep_alive = \"100ms\"", "from 1s to 65535s");
    check("codec = \"mqtt\"\nframes = \"text\"", "MQTT goes in binary frames");
}

#[test]
fn a_room_without_a_server_negotiates_every_edge_in_each_built_in_dialect() {
    let own = [("mqtt", MQTT), ("signalhub", SIGNALHUB)].map(|(name, text)| (name, read(name, text).unwrap()));
    let all = names().map(|name| (name, Dialect::named(name).unwrap())).chain(own);
    for (name, dialect) in all {
        for size in [2_u16, 3] {
            let played = dialect.play(size, false, Instant::now());
            assert_eq!(
                (played.edges, played.negotiated),
                (usize::from(size * (size - 1) / 2), played.edges),
                "{name}: {played:?}"
            );
            let meets_alone =
                matches!(name, "relay" | "relay-global" | "relay-open" | "y-webrtc" | "mqtt" | "signalhub");
            assert!(!meets_alone || played.met_alone, "{name}: {played:?}");
        }
    }
}

#[test]
fn a_rule_that_takes_what_is_for_another_is_found_by_three_peers() {
    let relay = builtins().iter().find(|built_in| built_in.name == "relay").unwrap().text;
    let rule = "match = { type = \"offer\", channel = \"{room}\", data = { from = \"{from}\", to = \"{me}\"";
    assert!(relay.contains(rule));
    let dialect = read("x.toml", &relay.replace(rule, &rule.replace("{me}", "{_}"))).unwrap();
    let played = |to_all| dialect.play(3, to_all, Instant::now());
    assert_eq!(played(false).negotiated, 3, "{:?}", played(false));
    assert!(played(true).negotiated < 3 && played(true).notes[0].contains("for another peer"), "{:?}", played(true));
}
