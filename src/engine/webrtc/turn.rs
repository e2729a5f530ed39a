//! Parses TURN responses for the reason of a refusal, which `webrtc` 0.21.1 does not report.

use crate::engine::lean::stun::{HEADER_BYTES, attribute, error_code, word};

const REASON_CHARS_MAX: usize = 40;

/// Class bits of the message type: both for an error response, the higher one for a success (RFC 8489 §5).
const CLASS: u16 = 0x0110;
const ERROR: u16 = 0x0110;
const SUCCESS: u16 = 0x0100;

/// Allocate and CreatePermission (RFC 8656 §17).
const METHODS: [u16; 2] = [0x0003, 0x0008];

/// Response of a TURN server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnReply {
    Granted,
    /// Code and reason, such as `401 Unauthorized`.
    Refused(String),
}

/// Parses a response to Allocate or CreatePermission; `None` for any other datagram.
pub fn parse_reply(datagram: &[u8]) -> Option<TurnReply> {
    let kind = word(datagram.get(..HEADER_BYTES)?, 0)?;
    if !METHODS.contains(&(kind & !CLASS)) {
        return None;
    }
    match kind & CLASS {
        SUCCESS => return Some(TurnReply::Granted),
        ERROR => {}
        _ => return None,
    }
    let value = attribute(datagram, attribute::ERROR_CODE)?;
    let code = error_code(value)?;
    let reason = String::from_utf8_lossy(value.get(4..)?);
    let reason: String = reason.chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect();
    Some(TurnReply::Refused(format!("{code} {}", reason.trim()).trim_end().to_owned()))
}

/// Strips the 4-byte header of a TURN ChannelData message, if there is one (RFC 8656 §12.4).
pub fn without_channel_header(datagram: &[u8]) -> &[u8] {
    match datagram.first() {
        Some(64..=79) => datagram.get(4..).unwrap_or_default(),
        _ => datagram,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attribute::ERROR_CODE;
    use proptest::prelude::*;

    /// A message with these attributes and no transaction of its own.
    fn message(kind: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut datagram = kind.to_be_bytes().to_vec();
        datagram.extend_from_slice(&[0; HEADER_BYTES - 2]);
        for (kind, value) in attributes {
            datagram.extend_from_slice(&kind.to_be_bytes());
            datagram.extend_from_slice(&(value.len() as u16).to_be_bytes());
            datagram.extend_from_slice(value);
            datagram.resize(datagram.len().next_multiple_of(4), 0);
        }
        datagram
    }

    #[test]
    fn a_refusal_is_its_code_and_its_reason() {
        let check = |datagram: Vec<u8>, expected: Option<TurnReply>| assert_eq!(parse_reply(&datagram), expected);
        let refused = |text: &str| Some(TurnReply::Refused(text.to_owned()));
        let unauthorized: &[u8] = b"\0\0\x04\x01Unauthorized";
        check(message(0x0113, &[(0x8022, b"soft"), (ERROR_CODE, unauthorized)]), refused("401 Unauthorized"));
        check(message(0x0118, &[(ERROR_CODE, b"\0\0\x04\x03")]), refused("403"));
        check(message(0x0113, &[(ERROR_CODE, b"\0\0\x04\x01a\r\n::b")]), refused("401 a::b"));
        check(message(0x0103, &[]), Some(TurnReply::Granted));
        check(message(0x0111, &[(ERROR_CODE, unauthorized)]), None);
        check(message(0x0003, &[]), None);
        check(message(0x0113, &[(ERROR_CODE, b"\0\0\x04")]), None);
    }

    proptest! {
        #[test]
        fn no_datagram_makes_it_panic(datagram in proptest::collection::vec(any::<u8>(), 0..100)) {
            parse_reply(&datagram);
            let mut refused = message(0x0113, &[]);
            refused.extend_from_slice(&datagram);
            parse_reply(&refused);
            without_channel_header(&datagram);
        }
    }
}
