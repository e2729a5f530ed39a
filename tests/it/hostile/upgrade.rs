//! Answers to the upgrade that are none, or ask for what nobody offered.

use super::in_the_middle::Offence;
use super::{Case, check};
use crate::common::websocket::accept;

fn switching(key: &str, more: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n{more}\r\n",
        accept(key)
    )
}

fn case(name: &'static str, expected: &'static str, answer: fn(&str) -> String) -> Case {
    Case { name, offence: Offence::Upgrade(answer), expected: Some(expected) }
}

#[test]
fn an_upgrade_that_is_none_fails_the_one_peer_with_its_reason() {
    check(
        "upgrade",
        vec![
            case("200 in place of 101", "rejected HTTP 200", |_| "HTTP/1.1 200 OK\r\n\r\n".to_owned()),
            case("302", "rejected HTTP 302", |_| {
                "HTTP/1.1 302 Found\r\nLocation: ws://203.0.113.5/\r\n\r\n".to_owned()
            }),
            case("429", "rejected HTTP 429", |_| "HTTP/1.1 429 Slow Down\r\n\r\n".to_owned()),
            case("another key's accept", "protocol", |_| switching("x", "")),
            case("an extension that was not asked for", "protocol an extension that was not asked for", |key| {
                switching(key, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
            }),
            case("a subprotocol that was not asked for", "protocol", |key| {
                switching(key, "Sec-WebSocket-Protocol: mqtt\r\n")
            }),
            case("10 MB of headers", "protocol", |key| switching(key, &"X-Long: xxxxxxxxxxxxxxx\r\n".repeat(400_000))),
            case("not HTTP", "protocol", |_| "\0".repeat(1_000)),
            case("silence", "timed_out", |_| String::new()),
        ],
    );
}
