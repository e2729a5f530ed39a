//! Encodes the server's WebSocket frames (RFC 6455 §5.2): unmasked, unfragmented, once for all recipients.

use bytes::{BufMut, Bytes, BytesMut};

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;

/// Close codes that this server sends (RFC 6455 §7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseCode {
    GoingAway = 1001,
    Protocol = 1002,
    Unsupported = 1003,
    NotUtf8 = 1007,
    TooBig = 1009,
}

pub(crate) fn text(text: &str) -> Bytes {
    frame(TEXT, text.as_bytes())
}

pub(crate) fn close(code: CloseCode) -> Bytes {
    frame(CLOSE, &(code as u16).to_be_bytes())
}

fn frame(head: u8, payload: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(payload.len() + 10);
    bytes.put_u8(head);
    match payload.len() {
        length @ 0..=125 => bytes.put_u8(length as u8),
        length @ 126..=0xFFFF => {
            bytes.put_u8(126);
            bytes.put_u16(length as u16);
        }
        length => {
            bytes.put_u8(127);
            bytes.put_u64(length as u64);
        }
    }
    bytes.extend_from_slice(payload);
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_takes_one_three_or_nine_bytes() {
        let check = |length: usize, head: &[u8]| {
            let frame = text(&"x".repeat(length));
            assert_eq!(&frame[..head.len()], head);
            assert_eq!(frame.len(), head.len() + length);
        };
        check(0, &[0x81, 0]);
        check(125, &[0x81, 125]);
        check(126, &[0x81, 126, 0, 126]);
        check(65_535, &[0x81, 126, 0xFF, 0xFF]);
        check(65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_close_frame_carries_its_code() {
        assert_eq!(&close(CloseCode::TooBig)[..], [0x88, 2, 0x03, 0xF1]);
    }
}
