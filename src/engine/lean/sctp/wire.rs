//! SCTP packets as bytes: the common header, chunks and parameters (RFC 9260 §3).

/// The common header, in bytes.
pub(super) const HEADER_BYTES: usize = 12;

/// A DATA chunk's header, in bytes.
pub(super) const DATA_HEADER_BYTES: usize = 16;

/// A SACK without gaps, in bytes.
pub(super) const SACK_BYTES: usize = 16;

/// Chunk types (RFC 9260 §3.2, RFC 3758 §3.2, RFC 6525 §3.1).
pub(super) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const INIT: u8 = 1;
    pub(crate) const INIT_ACK: u8 = 2;
    pub(crate) const SACK: u8 = 3;
    pub(crate) const HEARTBEAT: u8 = 4;
    pub(crate) const HEARTBEAT_ACK: u8 = 5;
    pub(crate) const ABORT: u8 = 6;
    pub(crate) const SHUTDOWN: u8 = 7;
    pub(crate) const SHUTDOWN_ACK: u8 = 8;
    pub(crate) const COOKIE_ECHO: u8 = 10;
    pub(crate) const COOKIE_ACK: u8 = 11;
    pub(crate) const SHUTDOWN_COMPLETE: u8 = 14;
    pub(crate) const RE_CONFIG: u8 = 130;
    pub(crate) const FORWARD_TSN: u8 = 192;
}

/// Flags of a DATA chunk (RFC 9260 §3.3.1).
pub(super) mod flag {
    pub(crate) const ENDS: u8 = 1;
    pub(crate) const BEGINS: u8 = 2;
    pub(crate) const UNORDERED: u8 = 4;
    pub(crate) const AT_ONCE: u8 = 8;
    pub(crate) const WHOLE: u8 = BEGINS | ENDS;
}

/// A packet with a valid header and, if it carries one, a valid checksum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub ports: (u16, u16),
    pub tag: u32,
    pub chunks: Chunks<'a>,
}

impl<'a> Packet<'a> {
    /// Reads a packet. `None`: it is too short, or its CRC32c is wrong. With `zero_allowed` a checksum of zero is right: DTLS
    /// already protects the packet (RFC 9653 §5.3).
    pub(super) fn read(bytes: &'a [u8], zero_allowed: bool) -> Option<Self> {
        let (header, chunks) = bytes.split_at_checked(HEADER_BYTES)?;
        let checksum = u32::from_le_bytes(array(header, 8)?);
        if (checksum != 0 || !zero_allowed) && checksum != checksum_of(header, chunks) {
            return None;
        }
        let tag = u32_at(header, 4)?;
        Some(Self { ports: (u16_at(header, 0)?, u16_at(header, 2)?), tag, chunks: Chunks(chunks) })
    }
}

/// The CRC32c of a packet, computed as if its checksum field were zero.
fn checksum_of(header: &[u8], chunks: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&header[..8]);
    let crc = crc32c::crc32c_append(crc, &[0; 4]);
    crc32c::crc32c_append(crc, chunks)
}

/// One chunk, without its padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    pub kind: u8,
    pub flags: u8,
    pub body: &'a [u8],
}

/// The chunks of a packet, up to the first with a wrong length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let (header, body, rest) = split(self.0)?;
        self.0 = rest;
        Some(Chunk { kind: header[0], flags: header[1], body })
    }
}

/// Parameters of INIT and RE-CONFIG (RFC 9260 §3.2.1), up to the first with a wrong length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters<'a>(pub &'a [u8]);

impl<'a> Iterator for Parameters<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let (header, body, rest) = split(self.0)?;
        self.0 = rest;
        Some((u16_at(header, 0)?, body))
    }
}

/// Splits off the first chunk or parameter: its header, its value, and the bytes after its padding. The last one's padding
/// may be missing.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let length = usize::from(u16_at(bytes, 2)?);
    let body = bytes.get(4..length)?;
    Some((&bytes[..4], body, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// DATA (RFC 9260 §3.3.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Data<'a> {
    pub flags: u8,
    pub tsn: u32,
    pub stream: u16,
    pub ssn: u16,
    pub ppid: u32,
    pub payload: &'a [u8],
}

impl<'a> Data<'a> {
    /// Reads a DATA chunk. `None`: it is shorter than its header, or has no payload (RFC 9260 §6.2 forbids that).
    pub(super) fn read(chunk: Chunk<'a>) -> Option<Self> {
        let (header, payload) = chunk.body.split_at_checked(DATA_HEADER_BYTES - 4)?;
        Some(Self {
            flags: chunk.flags,
            tsn: u32_at(header, 0)?,
            stream: u16_at(header, 4)?,
            ssn: u16_at(header, 6)?,
            ppid: u32_at(header, 8)?,
            payload,
        })
        .filter(|data| !data.payload.is_empty())
    }

    pub(super) fn is_whole(&self) -> bool {
        self.flags & flag::WHOLE == flag::WHOLE
    }

    pub(super) fn is_unordered(&self) -> bool {
        self.flags & flag::UNORDERED != 0
    }
}

/// SACK (RFC 9260 §3.3.4).
#[derive(Clone, Copy, Debug)]
pub(super) struct Sack<'a> {
    pub tsn: u32,
    pub window: u32,
    gaps: &'a [u8],
}

impl<'a> Sack<'a> {
    /// A SACK that reports no gaps.
    pub(super) fn cumulative(tsn: u32, window: u32) -> Self {
        Self { tsn, window, gaps: &[] }
    }

    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let count = usize::from(u16_at(body, 8)?);
        Some(Self { tsn: u32_at(body, 0)?, window: u32_at(body, 4)?, gaps: body.get(12..12 + 4 * count)? })
    }

    /// First and last TSN of each block, as distances from `tsn`.
    pub(super) fn gaps(&self) -> impl Iterator<Item = (u16, u16)> + use<'a> {
        self.gaps
            .chunks_exact(4)
            .map(|gap| (u16::from_be_bytes([gap[0], gap[1]]), u16::from_be_bytes([gap[2], gap[3]])))
    }
}

/// A packet being written at the end of a buffer.
pub(super) struct PacketWriter<'a> {
    bytes: &'a mut Vec<u8>,
    start: usize,
    bytes_max: usize,
}

impl<'a> PacketWriter<'a> {
    /// Begins a packet of at most `bytes_max` bytes with its header; the checksum stays zero until `end`.
    pub(super) fn new(bytes: &'a mut Vec<u8>, ports: (u16, u16), tag: u32, bytes_max: usize) -> Self {
        let start = bytes.len();
        bytes.extend_from_slice(&ports.0.to_be_bytes());
        bytes.extend_from_slice(&ports.1.to_be_bytes());
        bytes.extend_from_slice(&tag.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        Self { bytes, start, bytes_max }
    }

    /// Room left in the packet, in bytes.
    pub(super) fn room(&self) -> usize {
        self.bytes_max.saturating_sub(self.bytes.len() - self.start)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.len() - self.start == HEADER_BYTES
    }

    /// Appends one chunk; `write` appends its body.
    pub(super) fn chunk(&mut self, kind: u8, flags: u8, write: impl FnOnce(&mut Vec<u8>)) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[kind, flags, 0, 0]);
        write(self.bytes);
        finish(self.bytes, at);
    }

    /// Removes the packet from the buffer.
    pub(super) fn take_back(self) {
        self.bytes.truncate(self.start);
    }

    /// Ends the packet; without `with_checksum` its checksum stays zero (RFC 9653 §5.2).
    pub(super) fn end(self, with_checksum: bool) {
        if with_checksum {
            let (header, chunks) = self.bytes[self.start..].split_at(HEADER_BYTES);
            let checksum = checksum_of(header, chunks).to_le_bytes();
            self.bytes[self.start + 8..self.start + HEADER_BYTES].copy_from_slice(&checksum);
        }
    }
}

/// Appends one parameter; `write` appends its value.
pub(super) fn parameter(bytes: &mut Vec<u8>, kind: u16, write: impl FnOnce(&mut Vec<u8>)) {
    let at = bytes.len();
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&[0; 2]);
    write(bytes);
    finish(bytes, at);
}

/// Fills in the length of the chunk or parameter that began at `at`, and pads it.
fn finish(bytes: &mut Vec<u8>, at: usize) {
    let length = bytes.len() - at;
    // A packet is far shorter than 65,536 bytes.
    bytes[at + 2..at + 4].copy_from_slice(&(length as u16).to_be_bytes());
    bytes.resize(at + length.next_multiple_of(4), 0);
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_read_as_it_was_written_and_a_bit_that_flips_is_seen() {
        let mut bytes = vec![9; 3];
        let mut writer = PacketWriter::new(&mut bytes, (5000, 5001), 0xdead_beef, 1188);
        writer.chunk(kind::HEARTBEAT, 0, |body| body.extend_from_slice(b"hello"));
        writer.chunk(kind::COOKIE_ACK, 3, |_| {});
        writer.end(true);
        let packet = Packet::read(&bytes[3..], false).expect("a packet");
        assert_eq!((packet.ports, packet.tag), ((5000, 5001), 0xdead_beef));
        let chunks: Vec<Chunk<'_>> = packet.chunks.collect();
        assert_eq!(chunks[0], Chunk { kind: kind::HEARTBEAT, flags: 0, body: b"hello" });
        assert_eq!(chunks[1], Chunk { kind: kind::COOKIE_ACK, flags: 3, body: b"" });
        for at in 3..bytes.len() {
            bytes[at] ^= 4;
            assert!(Packet::read(&bytes[3..], true).is_none(), "byte {at}");
            bytes[at] ^= 4;
        }
    }

    #[test]
    fn chunks_end_where_a_length_is_wrong() {
        let lengths = |bytes: &[u8]| Chunks(bytes).map(|chunk| chunk.body.len()).collect::<Vec<_>>();
        assert_eq!(lengths(&[0, 0, 0, 4, 0, 0, 0, 6, 1, 1]), [0, 2], "the last one's padding may be missing");
        assert_eq!(lengths(&[0, 0, 0, 4, 0, 0, 0, 7, 1, 1]), [0]);
        assert_eq!(lengths(&[0, 0, 0, 3, 0, 0, 0, 4]), [0; 0]);
        assert_eq!(lengths(&[0, 0, 255, 255]), [0; 0]);
    }
}
