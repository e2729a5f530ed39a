//! Descriptions and candidates that no engine should read.

use super::in_the_middle::{Offence, between};
use super::{Case, check};

/// The text with the SDP of an offer or answer replaced.
fn with_sdp(text: &str, sdp: &str) -> String {
    match between(text, "\"sdp\":\"", "\"") {
        Some(old) => text.replace(old, &sdp.replace("\r\n", "\\r\\n")),
        None => text.to_owned(),
    }
}

/// The text with lines added to its SDP.
fn with_lines(text: &str, lines: &str) -> String {
    let Some(old) = between(text, "\"sdp\":\"", "\"") else { return text.to_owned() };
    with_sdp(text, &format!("{}{lines}", old.replace("\\r\\n", "\r\n")))
}

fn case(name: &'static str, expected: &'static str, change: fn(&str) -> String) -> Case {
    Case { name, offence: Offence::Rewrite(change), expected: Some(expected) }
}

#[test]
fn a_description_that_is_none_fails_its_edge_with_the_reason() {
    let one = "protocol an SDP with other than one m=application";
    check(
        "SDP",
        vec![
            case("16,000 formats and 1,900 rtpmaps", "protocol an SDP", |text| {
                let formats: String = (0..3_000).map(|format| format!(" {format}")).collect();
                let maps: String = (0..1_900).map(|format| format!("a=rtpmap:{format} x/90000\r\n")).collect();
                with_lines(text, &format!("m=video 9 UDP/TLS/RTP/SAVPF{formats}\r\n{maps}"))
            }),
            case("over 64 KiB", "protocol an SDP over 64 KiB", |text| with_lines(text, &"a=x\r\n".repeat(14_000))),
            case("empty", "protocol no SDP", |text| with_sdp(text, "")),
            case("257 lines", "protocol an SDP over 256 lines", |text| with_lines(text, &"a=x\r\n".repeat(257))),
            case("a line over 1 KiB", "protocol an SDP with a line over 1 KiB", |text| {
                with_lines(text, &format!("a={}\r\n", "x".repeat(1_024)))
            }),
            case("two sections", one, |text| with_lines(text, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n")),
            case("audio", one, |text| with_sdp(text, "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n")),
            case("no section", one, |text| with_sdp(text, "v=0\r\n")),
            case("NUL bytes and no line ends", one, |text| with_sdp(text, "v=0\\u0000o=-\\u0000m=application 9 x")),
            case("absurd numbers", "protocol", |text| {
                with_sdp(
                    text,
                    "v=0\r\nm=application 99999999999 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:-1\r\n",
                )
            }),
        ],
    );
}

#[test]
fn a_candidate_that_is_too_long_fails_its_edge_with_the_reason() {
    let long = "protocol a candidate over 1 KiB";
    check(
        "candidates",
        vec![
            case("a candidate of 200 KB", long, |text| {
                text.replace(
                    "\"candidate\":\"candidate:",
                    &format!("\"candidate\":\"candidate:{}", "x".repeat(200_000)),
                )
            }),
            case("a mid of 200 KB", long, |text| {
                text.replace("\"sdpMid\":\"", &format!("\"sdpMid\":\"{}", "x".repeat(200_000)))
            }),
        ],
    );
}
