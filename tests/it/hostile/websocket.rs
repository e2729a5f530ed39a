//! Offences against RFC 6455 on an open connection.

use super::in_the_middle::{BINARY, CLOSE, Offence, PING, TEXT};
use super::{Case, check, in_turn, play, play_with};
use crate::common::websocket::frame;

/// The header of a frame that claims `length` bytes.
fn claims(length: u64) -> Vec<u8> {
    [&[0x80 | TEXT, 127][..], &length.to_be_bytes()].concat()
}

/// `count` fragments of 4 KiB, of a message without end.
fn fragments(count: usize) -> Vec<u8> {
    let fragment = |opcode: u8| [&[opcode, 126][..], &4_096_u16.to_be_bytes(), &[b'x'; 4_096]].concat();
    [fragment(TEXT), fragment(0).repeat(count)].concat()
}

fn reserved_bit(bit: u8) -> Vec<u8> {
    let mut bytes = frame(TEXT, b"{}");
    bytes[0] |= bit;
    bytes
}

fn masked() -> Vec<u8> {
    vec![0x80 | TEXT, 0x80 | 2, 0, 0, 0, 0, b'{', b'}']
}

fn close(code: u16) -> Vec<u8> {
    frame(CLOSE, &code.to_be_bytes())
}

fn case(name: &'static str, expected: &'static str, bytes: Vec<u8>) -> Case {
    Case { name, offence: Offence::Say { bytes: bytes.into(), times: 1 }, expected: Some(expected) }
}

#[test]
fn what_is_against_the_protocol_ends_the_one_connection_with_its_reason() {
    let long = "protocol a message over 256 KiB";
    check(
        "WebSocket",
        vec![
            case("a header that claims 2^63-1 bytes", long, claims(i64::MAX as u64)),
            case("a header that claims 1 B over 256 KiB", long, claims(256 * 1024 + 1)),
            case("fragments without end", long, fragments(10_000)),
            case("RSV1: permessage-deflate", "protocol", reserved_bit(0x40)),
            case("RSV2", "protocol", reserved_bit(0x20)),
            case("a reserved data opcode", "protocol", frame(0x3, b"x")),
            case("a reserved control opcode", "protocol", frame(0xB, b"")),
            case("a masked frame", "protocol", masked()),
            case("a continuation of nothing", "protocol", frame(0, b"x")),
            case("a fragmented ping", "protocol", vec![PING, 0]),
            case("a ping of 126 bytes", "protocol", frame(PING, &[0; 126])),
            case("invalid UTF-8", "protocol invalid UTF-8", frame(TEXT, b"\xC3\x28")),
            case("a binary frame", "protocol a binary frame", frame(BINARY, b"x")),
            case("half a character", "protocol invalid UTF-8", frame(TEXT, b"\xF0\x9F\x92")),
        ],
    );
}

#[test]
fn a_message_is_as_long_as_the_profile_accepts() {
    let long = frame(TEXT, format!("{{\"type\":\"client_count\",\"x\":\"{}\"}}", "x".repeat(300 * 1024)).as_bytes());
    let offence = || Offence::Say { bytes: long.clone().into(), times: 1 };
    let failures = |more: &[&str]| play_with(offence(), more).0.failures().join(", ");
    assert!(failures(&[]).contains("protocol a message over 256 KiB"));
    let accepted = failures(&["--set", "target.message_max=1MiB"]);
    assert!(accepted.contains("timed_out") && !accepted.contains("protocol"), "{accepted}");
}

#[test]
fn a_close_is_told_by_its_code() {
    let forbidden = "protocol a close code that may not be sent";
    check(
        "close",
        vec![
            case("close 1000", "closed close 1000", close(1_000)),
            case("close 1001", "closed close 1001", close(1_001)),
            case("close 1002", "rejected close 1002", close(1_002)),
            case("close 1013", "rejected close 1013", close(1_013)),
            case("close 4001", "rejected close 4001", close(4_001)),
            case("close 0", forbidden, close(0)),
            case("close 999", forbidden, close(999)),
            case("close 1005", forbidden, close(1_005)),
            case("close 1006", forbidden, close(1_006)),
            case("close 1015", forbidden, close(1_015)),
            case("close 2999", forbidden, close(2_999)),
            case("a close of one byte", "protocol", frame(CLOSE, b"x")),
            case("a close with a reason in invalid UTF-8", "protocol", frame(CLOSE, b"\x03\xE8\xFF")),
        ],
    );
}

#[test]
fn a_close_is_echoed_and_an_offence_is_answered_with_its_code() {
    let cases = [
        (close(1_000), 1_000),
        (close(4_001), 4_001),
        (close(1_005), 1_002),
        (reserved_bit(0x40), 1_002),
        (masked(), 1_002),
        (frame(BINARY, b"x"), 1_003),
        (frame(TEXT, b"\xC3\x28"), 1_007),
        (claims(i64::MAX as u64), 1_009),
    ];
    in_turn(cases, |(bytes, code)| {
        let (played, middle) = play(Offence::Say { bytes: bytes.clone().into(), times: 1 });
        assert_eq!(middle.close_codes().first(), Some(&code), "{bytes:x?}\n{}", played.stderr);
    });
}

#[test]
fn a_flood_costs_a_bounded_amount() {
    let flood = |name: &'static str, bytes: Vec<u8>, times: usize| Case {
        name,
        offence: Offence::Say { bytes: bytes.into(), times },
        expected: Some("timed_out"),
    };
    let pings = frame(PING, &[0; 125]).repeat(1_000);
    check(
        "flood",
        vec![
            flood("300,000 empty pings", frame(PING, b"").repeat(1_000), 300),
            flood("100,000 pings of 125 bytes", pings.clone(), 100),
            flood("200,000 frames for nobody", frame(TEXT, b"{\"type\":\"client_count\"}").repeat(1_000), 200),
            flood("50,000 frames that are no JSON", frame(TEXT, b"{{").repeat(1_000), 50),
            Case {
                name: "256 MiB of pings, pongs unread",
                offence: Offence::SayUnread { bytes: pings.into(), times: 2_048 },
                expected: Some("timed_out"),
            },
        ],
    );
}
