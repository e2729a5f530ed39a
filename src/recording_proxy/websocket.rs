//! Reads the messages of one direction of a WebSocket from a copy of its bytes (RFC 6455 §5.2).

use crate::recording::FramePayload;

/// Longest message that is kept, in bytes; a longer one passes unseen.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Opcodes of data frames.
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;

/// The bytes of one direction, and the message that is under way.
#[derive(Debug, Default)]
pub(super) struct MessageReader {
    buffer: Vec<u8>,
    message: Vec<u8>,
    opcode: u8,
    /// Bytes of a frame that is too long to be kept.
    skipped: u64,
    is_cut: bool,
}

struct FrameHeader {
    is_last: bool,
    opcode: u8,
    mask: Option<[u8; 4]>,
    bytes: usize,
    length: u64,
}

impl MessageReader {
    /// Takes the next bytes, and returns the messages that they complete.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<FramePayload> {
        let mut bytes = bytes;
        let mut messages = vec![];
        if self.skipped > 0 {
            let skipped = self.skipped.min(bytes.len() as u64);
            self.skipped -= skipped;
            bytes = &bytes[skipped as usize..];
        }
        self.buffer.extend_from_slice(bytes);
        while let Some(header) = header(&self.buffer) {
            if header.length > MESSAGE_BYTES_MAX as u64 {
                let held = (self.buffer.len() - header.bytes) as u64;
                self.skipped = header.length.saturating_sub(held);
                let rest = header.bytes + header.length.min(held) as usize;
                self.buffer.drain(..rest);
                self.is_cut = true;
                self.finish(&header, vec![], &mut messages);
                continue;
            }
            let end = header.bytes + header.length as usize;
            if self.buffer.len() < end {
                break;
            }
            let mut payload = self.buffer[header.bytes..end].to_vec();
            if let Some(mask) = header.mask {
                payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
            }
            self.buffer.drain(..end);
            self.finish(&header, payload, &mut messages);
        }
        messages
    }

    fn finish(&mut self, header: &FrameHeader, payload: Vec<u8>, messages: &mut Vec<FramePayload>) {
        match header.opcode {
            CONTINUATION => {}
            TEXT | BINARY => self.opcode = header.opcode,
            // Control frames come between the fragments of a message.
            _ => return,
        }
        self.is_cut |= self.message.len() + payload.len() > MESSAGE_BYTES_MAX;
        if !self.is_cut {
            self.message.extend_from_slice(&payload);
        }
        if !header.is_last {
            return;
        }
        let message = std::mem::take(&mut self.message);
        if std::mem::take(&mut self.is_cut) {
            return;
        }
        messages.push(match (self.opcode, String::from_utf8(message)) {
            (TEXT, Ok(text)) => FramePayload::Text(text),
            (_, Ok(text)) => FramePayload::Binary(text.into_bytes()),
            (_, Err(error)) => FramePayload::Binary(error.into_bytes()),
        });
    }
}

/// The header at the start of `bytes`; `None` if it is not whole.
fn header(bytes: &[u8]) -> Option<FrameHeader> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (length, at) = match second & 0x7f {
        126 => (u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?).into(), 4),
        127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10),
        length => (length.into(), 2),
    };
    let is_masked = second & 0x80 != 0;
    let mask = if is_masked { Some(*bytes.get(at..)?.first_chunk()?) } else { None };
    let bytes = at + if is_masked { 4 } else { 0 };
    Some(FrameHeader { is_last: first & 0x80 != 0, opcode: first & 0x0f, mask, bytes, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "Hello" as RFC 6455 §5.7 shows it: whole, masked, in two fragments with a ping between; then 256 binary bytes.
    #[test]
    fn the_examples_of_the_rfc_are_read_in_any_parts() {
        let mut bytes = vec![0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
        bytes.extend([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
        bytes.extend([0x01, 0x03, 0x48, 0x65, 0x6c, 0x89, 0x02, 0x48, 0x65, 0x80, 0x02, 0x6c, 0x6f]);
        bytes.extend([0x82, 0x7e, 0x01, 0x00].into_iter().chain([7; 256]));
        let hello = || FramePayload::Text("Hello".to_owned());
        let expected = vec![hello(), hello(), hello(), FramePayload::Binary(vec![7; 256])];
        for size in [1, 2, 3, 7, bytes.len()] {
            let mut reader = MessageReader::default();
            let read: Vec<_> = bytes.chunks(size).flat_map(|part| reader.feed(part)).collect();
            assert_eq!(read, expected, "{size} bytes at once");
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_skipped_and_the_next_is_read() {
        let length = MESSAGE_BYTES_MAX as u64 + 1;
        let mut reader = MessageReader::default();
        let mut head = vec![0x82, 0x7f];
        head.extend(length.to_be_bytes());
        assert_eq!(reader.feed(&head), []);
        let mut left = length as usize;
        while left > 0 {
            let part = left.min(1 << 20);
            assert_eq!(reader.feed(&vec![0; part]), []);
            left -= part;
        }
        assert_eq!(reader.feed(&[0x81, 0x01, 0x61]), [FramePayload::Text("a".to_owned())]);
    }
}
