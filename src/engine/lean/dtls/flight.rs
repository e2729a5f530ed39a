//! Messages that are sent together, and again until an answer comes (RFC 6347 §4.2.4).

use super::assembly::HEADER_BYTES;
use super::record::{self, SEALED_BYTES, Secrets, kind, write_header};
use crate::engine::lean::drive::Packets;

/// The longest datagram of a flight, in bytes: any path of WebRTC carries it unfragmented.
pub(super) const DATAGRAM_BYTES_MAX: usize = 1_200;

const FRAGMENT_BYTES_MAX: usize = DATAGRAM_BYTES_MAX - SEALED_BYTES - HEADER_BYTES;

/// The next sequence numbers of both epochs, and the secrets that seal records of epoch 1.
pub(super) struct Numbers<'a> {
    pub plain: &'a mut u64,
    pub sealed: &'a mut u64,
    pub secrets: Option<&'a Secrets>,
}

impl Numbers<'_> {
    fn record(&mut self, bytes: &mut Vec<u8>, piece: &FlightPiece<'_>) {
        match self.secrets.filter(|_| piece.is_sealed) {
            Some(secrets) => {
                let content = [piece.header(), piece.body].concat();
                secrets.seal(bytes, piece.kind, *self.sealed, &content);
                *self.sealed += 1;
            }
            None => {
                let header = piece.header();
                write_header(bytes, piece.kind, 0, *self.plain, header.len() + piece.body.len());
                bytes.extend_from_slice(header);
                bytes.extend_from_slice(piece.body);
                *self.plain += 1;
            }
        }
    }
}

/// The content of one record.
struct FlightPiece<'a> {
    kind: u8,
    is_sealed: bool,
    /// The header of a handshake message's fragment.
    header: Option<[u8; HEADER_BYTES]>,
    body: &'a [u8],
}

impl FlightPiece<'_> {
    fn header(&self) -> &[u8] {
        self.header.as_ref().map_or(&[], <[u8; HEADER_BYTES]>::as_slice)
    }

    fn bytes(&self) -> usize {
        let overhead = if self.is_sealed { SEALED_BYTES } else { record::HEADER_BYTES };
        overhead + self.header().len() + self.body.len()
    }
}

/// Handshake messages and ChangeCipherSpec, stored back to back.
#[derive(Debug, Default)]
pub(super) struct Flight {
    bytes: Vec<u8>,
    /// Content type, true for epoch 1, and the end in `bytes`.
    items: Vec<(u8, bool, usize)>,
}

impl Flight {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// True if the flight changes to epoch 1: an alert after it is of that epoch.
    pub(super) fn seals(&self) -> bool {
        self.items.iter().any(|(_, is_sealed, _)| *is_sealed)
    }

    /// Appends a handshake message; `fill` appends its body. Returns the whole message for the transcript.
    pub(super) fn message(
        &mut self,
        message: u8,
        sequence: u16,
        is_sealed: bool,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> &[u8] {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[message, 0, 0, 0]);
        self.bytes.extend_from_slice(&sequence.to_be_bytes());
        self.bytes.extend_from_slice(&[0; 6]);
        fill(&mut self.bytes);
        let length = three_bytes(self.bytes.len() - start - HEADER_BYTES);
        self.bytes[start + 1..start + 4].copy_from_slice(&length);
        self.bytes[start + 9..start + 12].copy_from_slice(&length);
        self.items.push((kind::HANDSHAKE, is_sealed, self.bytes.len()));
        &self.bytes[start..]
    }

    pub(super) fn change_cipher_spec(&mut self) {
        self.bytes.push(1);
        self.items.push((kind::CHANGE_CIPHER_SPEC, false, self.bytes.len()));
    }

    /// Appends the flight's records with new sequence numbers, in as few datagrams as hold them.
    pub(super) fn emit(&self, mut numbers: Numbers<'_>, out: &mut Packets) {
        let mut pieces = self.pieces().peekable();
        while pieces.peek().is_some() {
            out.write(|bytes| {
                let start = bytes.len();
                let fits =
                    |piece: &FlightPiece<'_>, used: usize| used == 0 || used + piece.bytes() <= DATAGRAM_BYTES_MAX;
                while let Some(piece) = pieces.next_if(|piece| fits(piece, bytes.len() - start)) {
                    numbers.record(bytes, &piece);
                }
            });
        }
    }

    fn pieces(&self) -> impl Iterator<Item = FlightPiece<'_>> {
        let mut start = 0;
        self.items.iter().flat_map(move |(kind, is_sealed, end)| {
            let item = &self.bytes[start..*end];
            start = *end;
            let (header, body) = if *kind == kind::HANDSHAKE { item.split_at(HEADER_BYTES) } else { (&[][..], item) };
            let offsets = (0..body.len().max(1)).step_by(FRAGMENT_BYTES_MAX);
            offsets.map(move |offset| {
                let body = &body[offset..body.len().min(offset + FRAGMENT_BYTES_MAX)];
                let header = <[u8; HEADER_BYTES]>::try_from(header).ok().map(|mut header| {
                    header[6..9].copy_from_slice(&three_bytes(offset));
                    header[9..12].copy_from_slice(&three_bytes(body.len()));
                    header
                });
                FlightPiece { kind: *kind, is_sealed: *is_sealed, header, body }
            })
        })
    }
}

fn three_bytes(length: usize) -> [u8; 3] {
    [(length >> 16) as u8, (length >> 8) as u8, length as u8]
}

#[cfg(test)]
mod tests {
    use super::super::assembly::{Assembly, Fragment};
    use super::*;

    #[test]
    fn a_long_message_goes_out_in_fragments_that_make_it_whole_again() {
        let mut flight = Flight::default();
        let whole = flight.message(11, 0, false, |body| body.extend((0..5_000).map(|byte| byte as u8))).to_vec();
        flight.change_cipher_spec();
        let mut out = Packets::default();
        let (mut plain, mut sealed) = (5, 0);
        flight.emit(Numbers { plain: &mut plain, sealed: &mut sealed, secrets: None }, &mut out);
        assert_eq!((out.len(), plain), (5, 11), "five fragments, and the last datagram holds the other record, too");
        let mut assembly = Assembly::default();
        for (_, datagram) in out.iter() {
            assert!(datagram.len() <= DATAGRAM_BYTES_MAX);
            let mut datagram = datagram.to_vec();
            let mut rest = datagram.as_mut_slice();
            while let Some(record) = record::split(&mut rest) {
                if record.kind == kind::HANDSHAKE {
                    let fragment = Fragment::split(&mut &*record.body).unwrap();
                    assert_eq!(assembly.take(&fragment), Ok(None));
                }
            }
        }
        assert_eq!(assembly.pop(), Some(whole));
    }
}
