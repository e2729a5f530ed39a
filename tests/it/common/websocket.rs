//! WebSocket by hand, for servers that break its rules: the request, and one frame at a time (RFC 6455 §4.1 and §5.2).

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The value of Sec-WebSocket-Accept for a request.
pub fn accept(key: &str) -> String {
    derive_accept_key(key.as_bytes())
}

/// The Sec-WebSocket-Key of a request.
pub fn key(request: &str) -> Option<&str> {
    let headers = request.lines().filter_map(|line| line.split_once(": "));
    let mut keys = headers.filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    keys.next().map(|(_, value)| value)
}

/// A request's or an answer's head, up to the empty line.
pub fn read_head(stream: &mut TcpStream) -> std::io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    String::from_utf8(head).map_err(|_| ErrorKind::InvalidData.into())
}

/// One unmasked, final frame.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    frame_of(0x80 | opcode, payload)
}

/// One unmasked frame whose first byte is `first`.
pub fn frame_of(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u16::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.push(length as u8),
        Ok(length) => frame.extend([126].into_iter().chain(length.to_be_bytes())),
        Err(_) => frame.extend([127].into_iter().chain((payload.len() as u64).to_be_bytes())),
    }
    frame.extend(payload);
    frame
}

/// A whole frame as it came, and its payload without the mask (RFC 6455 §5.2).
pub fn read_frame(stream: &mut TcpStream) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
    let mut raw = vec![0; 2];
    stream.read_exact(&mut raw)?;
    let mut more = |raw: &mut Vec<u8>, bytes: usize| {
        let start = raw.len();
        raw.resize(start + bytes, 0);
        stream.read_exact(&mut raw[start..]).map(|()| start)
    };
    let masked = raw[1] & 0x80 != 0;
    let length = match raw[1] & 0x7F {
        126 => {
            let start = more(&mut raw, 2)?;
            usize::from(u16::from_be_bytes([raw[start], raw[start + 1]]))
        }
        127 => {
            let start = more(&mut raw, 8)?;
            raw[start..].iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
        }
        short => usize::from(short),
    };
    let mask_start = more(&mut raw, if masked { 4 } else { 0 })?;
    let mask = raw[mask_start..].to_vec();
    let start = more(&mut raw, length)?;
    let mut payload = raw[start..].to_vec();
    if masked {
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    }
    Ok((raw, payload))
}
