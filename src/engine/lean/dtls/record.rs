//! The record layer: headers, protection by AES-GCM, and the replay window (RFC 6347 §4.1, RFC 5288).

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

pub(super) const HEADER_BYTES: usize = 13;

/// The explicit part of the nonce, and the tag; in bytes (RFC 5288 §3).
const NONCE_BYTES: usize = 8;
const TAG_BYTES: usize = 16;

/// The bytes that a protected record has besides its content.
pub(super) const SEALED_BYTES: usize = HEADER_BYTES + NONCE_BYTES + TAG_BYTES;

/// DTLS 1.2, and 1.0, which a first ClientHello's record may carry.
pub(super) const VERSION: [u8; 2] = [254, 253];
const VERSION_1_0: [u8; 2] = [254, 255];

/// Content types (RFC 5246 §6.2.1).
pub(super) mod kind {
    pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(crate) const ALERT: u8 = 21;
    pub(crate) const HANDSHAKE: u8 = 22;
    pub(crate) const APPLICATION_DATA: u8 = 23;
}

/// One record as received.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub kind: u8,
    pub epoch: u16,
    /// The sequence number; it has 48 bits.
    pub sequence: u64,
    pub body: &'a mut [u8],
}

/// Splits the first record off a datagram. `None`: none is left, or its header is invalid; the rest is discarded
/// silently (RFC 6347 §4.1.2.7).
pub(super) fn split<'a>(datagram: &mut &'a mut [u8]) -> Option<Record<'a>> {
    let (header, rest) = std::mem::take(datagram).split_at_mut_checked(HEADER_BYTES)?;
    let version = [header[1], header[2]];
    let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
    let (body, rest) = rest.split_at_mut_checked(length)?;
    *datagram = rest;
    let [kind, _, _, e0, e1, s0, s1, s2, s3, s4, s5, ..] = *header else { return None };
    let record = Record {
        kind,
        epoch: u16::from_be_bytes([e0, e1]),
        sequence: u64::from_be_bytes([0, 0, s0, s1, s2, s3, s4, s5]),
        body,
    };
    (version == VERSION || version == VERSION_1_0 && record.epoch == 0).then_some(record)
}

/// Appends the header of a record with `length` bytes of content.
pub(super) fn write_header(bytes: &mut Vec<u8>, kind: u8, epoch: u16, sequence: u64, length: usize) {
    bytes.push(kind);
    bytes.extend_from_slice(&VERSION);
    bytes.extend_from_slice(&numbered(epoch, sequence));
    bytes.extend_from_slice(&(length as u16).to_be_bytes());
}

/// Epoch and sequence number as one number: it is unique under a key, and serves as the nonce, too (RFC 5288 §3).
fn numbered(epoch: u16, sequence: u64) -> [u8; 8] {
    (u64::from(epoch) << 48 | sequence).to_be_bytes()
}

/// The secrets of one direction. The cipher is set up for each record in 0.1 µs: a kept one would take 544 bytes.
#[derive(Default)]
pub(super) struct Secrets {
    pub key: Zeroizing<[u8; 16]>,
    pub salt: Zeroizing<[u8; 4]>,
}

impl Secrets {
    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_128_GCM, &*self.key).ok().map(LessSafeKey::new)
    }

    fn nonce(&self, explicit: &[u8]) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&*self.salt);
        nonce[4..].copy_from_slice(explicit);
        Nonce::assume_unique_for_key(nonce)
    }

    /// Appends a protected record of epoch 1.
    pub(super) fn seal(&self, bytes: &mut Vec<u8>, kind: u8, sequence: u64, content: &[u8]) {
        let Some(cipher) = self.cipher() else { return };
        let number = numbered(1, sequence);
        write_header(bytes, kind, 1, sequence, NONCE_BYTES + content.len() + TAG_BYTES);
        bytes.extend_from_slice(&number);
        let start = bytes.len();
        bytes.extend_from_slice(content);
        let aad = associated(number, kind, content.len());
        let tag = cipher.seal_in_place_separate_tag(self.nonce(&number), aad, &mut bytes[start..]);
        match tag {
            Ok(tag) => bytes.extend_from_slice(tag.as_ref()),
            // The cipher refuses only contents far longer than any datagram.
            Err(_) => bytes.truncate(start - NONCE_BYTES - HEADER_BYTES),
        }
    }

    /// Decrypts a record of epoch 1 in place. `None`: it is not from the other end.
    pub(super) fn open<'a>(&self, record: Record<'a>) -> Option<&'a mut [u8]> {
        let (explicit, sealed) = record.body.split_at_mut_checked(NONCE_BYTES)?;
        let length = sealed.len().checked_sub(TAG_BYTES)?;
        let aad = associated(numbered(record.epoch, record.sequence), record.kind, length);
        self.cipher()?.open_in_place(self.nonce(explicit), aad, sealed).ok()
    }
}

/// The additional authenticated data (RFC 5246 §6.2.3.3).
fn associated(number: [u8; 8], kind: u8, length: usize) -> Aad<[u8; 13]> {
    let mut data = [0; 13];
    data[..8].copy_from_slice(&number);
    data[8] = kind;
    data[9..11].copy_from_slice(&VERSION);
    data[11..].copy_from_slice(&(length as u16).to_be_bytes());
    Aad::from(data)
}

/// The replay window: the received ones of the last 64 sequence numbers (RFC 6347 §4.1.2.6).
#[derive(Debug, Default)]
pub(super) struct ReplayWindow {
    /// One more than the highest received number.
    next: u64,
    /// Bit n: the number `next` - 1 - n has been received.
    seen: u64,
}

impl ReplayWindow {
    pub(super) fn is_fresh(&self, sequence: u64) -> bool {
        sequence >= self.next || self.next - 1 - sequence < 64 && self.seen >> (self.next - 1 - sequence) & 1 == 0
    }

    /// Marks the number of an authentic record as received.
    pub(super) fn note(&mut self, sequence: u64) {
        if sequence >= self.next {
            let ahead = sequence - self.next + 1;
            self.seen = if ahead < 64 { self.seen << ahead | 1 } else { 1 };
            self.next = sequence + 1;
        } else if self.next - 1 - sequence < 64 {
            self.seen |= 1 << (self.next - 1 - sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_record_opens_and_one_that_was_touched_does_not() {
        let secrets = Secrets { key: [3; 16].into(), salt: [4; 4].into() };
        let mut bytes = Vec::new();
        secrets.seal(&mut bytes, kind::APPLICATION_DATA, 9, b"content");
        assert_eq!(bytes.len(), SEALED_BYTES + 7);
        let open = |mut bytes: Vec<u8>| {
            let mut datagram = bytes.as_mut_slice();
            split(&mut datagram).and_then(|record| secrets.open(record)).map(|content| content.to_vec())
        };
        assert_eq!(open(bytes.clone()).unwrap(), b"content");
        for at in 0..bytes.len() {
            let mut touched = bytes.clone();
            touched[at] ^= 1;
            assert_eq!(open(touched), None, "byte {at}");
            assert_eq!(open(bytes[..at].to_vec()), None, "{at} bytes of it");
        }
    }

    #[test]
    fn a_number_is_fresh_once_and_not_when_it_is_too_old() {
        let mut window = ReplayWindow::default();
        for sequence in [0, 5, 3, 70, 69] {
            assert!(window.is_fresh(sequence), "{sequence}");
            window.note(sequence);
            assert!(!window.is_fresh(sequence), "{sequence}");
        }
        assert!(window.is_fresh(7), "64 back: the last that counts");
        assert!(!window.is_fresh(6) && !window.is_fresh(4));
        window.note(1_000);
        assert!(!window.is_fresh(70) && window.is_fresh(999));
    }
}
