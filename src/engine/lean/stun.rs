//! STUN binding requests and responses with short-term credentials (RFC 8489, RFC 8445 §7).

use ring::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use std::net::{IpAddr, SocketAddr};

pub const HEADER_BYTES: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// The CRC-32 is XORed with this value, which tells it from another protocol's CRC-32 (RFC 8489 §14.7).
const FINGERPRINT_XOR: u32 = 0x5354_554e;

/// Sizes of both attributes with their headers, in bytes.
const INTEGRITY_BYTES: usize = 24;
const FINGERPRINT_BYTES: usize = 8;

/// Method and class of a message (RFC 8489 §5).
pub mod kind {
    pub const REQUEST: u16 = 0x0001;
    pub const SUCCESS: u16 = 0x0101;
    pub const ERROR: u16 = 0x0111;
}

/// Attribute types (RFC 8489 §18.3, RFC 8445 §16.1).
pub mod attribute {
    pub(super) const USERNAME: u16 = 0x0006;
    pub(super) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub(super) const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    pub(super) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub(super) const PRIORITY: u16 = 0x0024;
    pub(super) const USE_CANDIDATE: u16 = 0x0025;
    pub(super) const FINGERPRINT: u16 = 0x8028;
    pub(super) const ICE_CONTROLLED: u16 = 0x8029;
    pub(super) const ICE_CONTROLLING: u16 = 0x802a;
}

pub const ROLE_CONFLICT: u16 = 487;
const UNKNOWN_ATTRIBUTE: u16 = 420;

pub type Transaction = [u8; 12];

/// The role that a check claims, with its tie-breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IceRole {
    pub controlling: bool,
    pub tie_breaker: u64,
}

/// The parts of a message that ICE uses. They are not authentic until `is_authentic` returns true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub kind: u16,
    pub transaction: Transaction,
    pub priority: u32,
    pub role: Option<IceRole>,
    pub nominates: bool,
    pub error: u16,
    /// A comprehension-required attribute that this stack does not know.
    pub unknown: Option<u16>,
    integrity_at: usize,
}

/// True if a datagram is STUN (RFC 7983 §7).
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| *first < 4)
}

/// The attributes of a message, each with its position, type and value; a wrong length ends them with `None`.
fn attributes(datagram: &[u8]) -> impl Iterator<Item = Option<(usize, u16, &[u8])>> {
    let mut next = HEADER_BYTES;
    std::iter::from_fn(move || {
        let at = std::mem::replace(&mut next, datagram.len());
        let mut split = || {
            let (kind, length) = (word(datagram, at)?, usize::from(word(datagram, at + 2)?));
            let value = datagram.get(at + 4..at + 4 + length)?;
            // Attributes are padded to four bytes (RFC 8489 §14).
            next = at + 4 + length.next_multiple_of(4);
            Some((at, kind, value))
        };
        (at < datagram.len()).then(&mut split)
    })
}

/// The value of the first attribute of that type; `None` also if one before it is cut off.
pub fn attribute(datagram: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut whole = attributes(datagram).map_while(|attribute| attribute);
    whole.find(|(_, kind, _)| *kind == wanted).map(|(.., value)| value)
}

/// The receiver's ufrag in a request's USERNAME, `<receiver's>:<sender's>` (RFC 8445 §7.2.2). `None`: a response, an
/// indication, or garbage. No other attribute is checked.
pub fn receiver_ufrag(datagram: &[u8]) -> Option<&str> {
    if word(datagram, 0)? != kind::REQUEST {
        return None;
    }
    let name = std::str::from_utf8(attribute(datagram, attribute::USERNAME)?).ok()?;
    name.split_once(':').map(|(receiver, _)| receiver)
}

/// The code of an ERROR-CODE attribute (RFC 8489 §14.8).
pub fn error_code(value: &[u8]) -> Option<u16> {
    Some(u16::from(value.get(2)? & 7) * 100 + u16::from(*value.get(3)?))
}

impl Message {
    /// Reads a message. `None`: a length, the cookie or the fingerprint is wrong.
    pub fn read(datagram: &[u8]) -> Option<Self> {
        let (header, rest) = datagram.split_at_checked(HEADER_BYTES)?;
        let length = usize::from(word(header, 2)?);
        if !is_stun(header) || header[4..8] != MAGIC_COOKIE || length != rest.len() || !length.is_multiple_of(4) {
            return None;
        }
        let transaction = header[8..].try_into().ok()?;
        let mut message = Self { kind: word(header, 0)?, transaction, ..Self::default() };
        for attribute in attributes(datagram) {
            let (at, kind, value) = attribute?;
            match kind {
                attribute::FINGERPRINT => {
                    let expected = (crc32fast::hash(&datagram[..at]) ^ FINGERPRINT_XOR).to_be_bytes();
                    return (value == expected && at + FINGERPRINT_BYTES == datagram.len()).then_some(message);
                }
                // MESSAGE-INTEGRITY does not cover the attributes after it (RFC 8489 §14.5).
                _ if message.integrity_at > 0 => {}
                attribute::MESSAGE_INTEGRITY if value.len() == INTEGRITY_BYTES - 4 => message.integrity_at = at,
                _ => message.note(kind, value)?,
            }
        }
        Some(message)
    }

    fn note(&mut self, kind: u16, value: &[u8]) -> Option<()> {
        let role = |controlling| Some(IceRole { controlling, tie_breaker: u64::from_be_bytes(value.try_into().ok()?) });
        match kind {
            attribute::PRIORITY => self.priority = u32::from_be_bytes(value.try_into().ok()?),
            attribute::USE_CANDIDATE => self.nominates = true,
            attribute::ICE_CONTROLLING => self.role = Some(role(true)?),
            attribute::ICE_CONTROLLED => self.role = Some(role(false)?),
            attribute::ERROR_CODE => self.error = error_code(value)?,
            attribute::USERNAME | attribute::XOR_MAPPED_ADDRESS | attribute::UNKNOWN_ATTRIBUTES => {}
            // Types below 0x8000 must not be ignored (RFC 8489 §14); responses hold none that matters.
            unknown if unknown < 0x8000 => self.unknown = Some(unknown),
            _ => {}
        }
        Some(())
    }

    /// True if MESSAGE-INTEGRITY is present and correct, compared in constant time. The header's length is set as if
    /// the message ended with it (RFC 8489 §14.5).
    pub fn is_authentic(&self, datagram: &mut [u8], password: &[u8]) -> bool {
        let end = self.integrity_at + INTEGRITY_BYTES;
        if self.integrity_at < HEADER_BYTES || end > datagram.len() {
            return false;
        }
        datagram[2..4].copy_from_slice(&((end - HEADER_BYTES) as u16).to_be_bytes());
        let (covered, integrity) = datagram[..end].split_at(self.integrity_at);
        hmac::verify(&key(password), covered, &integrity[4..]).is_ok()
    }
}

fn key(password: &[u8]) -> hmac::Key {
    hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, password)
}

/// A check (RFC 8445 §7.2.4).
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    pub transaction: Transaction,
    pub username: &'a str,
    pub priority: u32,
    pub role: IceRole,
    pub nominates: bool,
}

impl Check<'_> {
    pub fn write(&self, bytes: &mut Vec<u8>, password: &[u8]) {
        let start = begin(bytes, kind::REQUEST, self.transaction);
        put(bytes, attribute::USERNAME, self.username.as_bytes());
        put(bytes, attribute::PRIORITY, &self.priority.to_be_bytes());
        let role = if self.role.controlling { attribute::ICE_CONTROLLING } else { attribute::ICE_CONTROLLED };
        put(bytes, role, &self.role.tie_breaker.to_be_bytes());
        if self.nominates {
            put(bytes, attribute::USE_CANDIDATE, &[]);
        }
        end(bytes, start, password);
    }
}

/// Writes the response to a check that came from `mapped` (RFC 8445 §7.3.1.2).
pub fn write_success(bytes: &mut Vec<u8>, transaction: Transaction, mapped: SocketAddr, password: &[u8]) {
    let start = begin(bytes, kind::SUCCESS, transaction);
    let port = mapped.port() ^ u16::from_be_bytes([MAGIC_COOKIE[0], MAGIC_COOKIE[1]]);
    let mut value = [0; 20];
    value[2..4].copy_from_slice(&port.to_be_bytes());
    let length = match mapped.ip() {
        IpAddr::V4(ip) => {
            value[1] = 1;
            value[4..8].copy_from_slice(&ip.octets());
            8
        }
        IpAddr::V6(ip) => {
            value[1] = 2;
            value[4..20].copy_from_slice(&ip.octets());
            20
        }
    };
    // The address is XORed with the cookie and the transaction (RFC 8489 §14.2).
    let mask = bytes[start + 4..start + HEADER_BYTES].to_vec();
    value[4..length].iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    put(bytes, attribute::XOR_MAPPED_ADDRESS, &value[..length]);
    end(bytes, start, password);
}

/// Writes an error response that refuses an unknown attribute or, with `None`, the other end's role.
pub fn write_error(bytes: &mut Vec<u8>, transaction: Transaction, unknown: Option<u16>, password: &[u8]) {
    let start = begin(bytes, kind::ERROR, transaction);
    let code = if unknown.is_some() { UNKNOWN_ATTRIBUTE } else { ROLE_CONFLICT };
    put(bytes, attribute::ERROR_CODE, &[0, 0, (code / 100) as u8, (code % 100) as u8]);
    if let Some(unknown) = unknown {
        put(bytes, attribute::UNKNOWN_ATTRIBUTES, &unknown.to_be_bytes());
    }
    end(bytes, start, password);
}

fn begin(bytes: &mut Vec<u8>, kind: u16, transaction: Transaction) -> usize {
    let start = bytes.len();
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&MAGIC_COOKIE);
    bytes.extend_from_slice(&transaction);
    start
}

fn put(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&(value.len() as u16).to_be_bytes());
    bytes.extend_from_slice(value);
    bytes.extend_from_slice(&[0; 3][..value.len().next_multiple_of(4) - value.len()]);
}

/// Appends MESSAGE-INTEGRITY and FINGERPRINT, each computed with the length that includes it.
fn end(bytes: &mut Vec<u8>, start: usize, password: &[u8]) {
    set_length(bytes, start, INTEGRITY_BYTES);
    let integrity = hmac::sign(&key(password), &bytes[start..]);
    put(bytes, attribute::MESSAGE_INTEGRITY, integrity.as_ref());
    set_length(bytes, start, FINGERPRINT_BYTES);
    let fingerprint = crc32fast::hash(&bytes[start..]) ^ FINGERPRINT_XOR;
    put(bytes, attribute::FINGERPRINT, &fingerprint.to_be_bytes());
}

fn set_length(bytes: &mut [u8], start: usize, to_come: usize) {
    let length = (bytes.len() - start - HEADER_BYTES + to_come) as u16;
    bytes[start + 2..start + 4].copy_from_slice(&length.to_be_bytes());
}

pub fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 5769 §2.1, a request with FINGERPRINT; its password follows.
    const SAMPLE: &str = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff\
        80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf";

    fn sample() -> Vec<u8> {
        let hex = SAMPLE.replace(' ', "");
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn the_standards_own_sample_is_read_and_authentic() {
        let mut datagram = sample();
        let message = Message::read(&datagram).unwrap();
        assert_eq!(receiver_ufrag(&datagram), Some("evtj"));
        assert_eq!((message.priority, message.nominates, message.unknown), (0x6e00_01ff, false, None));
        assert_eq!(message.role, Some(IceRole { controlling: false, tie_breaker: 0x932f_f9b1_5126_3b36 }));
        assert!(!message.is_authentic(&mut datagram.clone(), b"another"));
        assert!(message.is_authentic(&mut datagram, b"VOkJxbRl1RmTxUk/WvJxBt"));
    }

    #[test]
    fn checks_and_responses_are_read_as_they_were_written() {
        let role = IceRole { controlling: true, tie_breaker: 7 };
        let check = Check { transaction: [5; 12], username: "me:you", priority: 9, role, nominates: true };
        let mut bytes = vec![0; 3];
        check.write(&mut bytes, b"password");
        let mut datagram = bytes.split_off(3);
        let message = Message::read(&datagram).unwrap();
        assert_eq!((message.kind, message.transaction, message.priority), (kind::REQUEST, [5; 12], 9));
        assert_eq!((message.role, message.nominates), (Some(role), true));
        assert!(message.is_authentic(&mut datagram, b"password"));
        for mapped in ["127.0.0.1:5000", "[::1]:5000"] {
            let mut datagram = Vec::new();
            write_success(&mut datagram, [6; 12], mapped.parse().unwrap(), b"password");
            let message = Message::read(&datagram).unwrap();
            assert_eq!((message.kind, message.unknown), (kind::SUCCESS, None));
            assert!(message.is_authentic(&mut datagram, b"password"));
        }
        for (unknown, code) in [(None, ROLE_CONFLICT), (Some(0x7777), UNKNOWN_ATTRIBUTE)] {
            let mut datagram = Vec::new();
            write_error(&mut datagram, [6; 12], unknown, b"password");
            assert_eq!(Message::read(&datagram).unwrap().error, code);
        }
    }

    proptest! {
        #[test]
        fn a_touched_message_is_not_authentic(at in 0_usize..100, mask in 1_u8..) {
            let mut datagram = sample();
            datagram[at] ^= mask;
            let is_authentic = Message::read(&datagram)
                .is_some_and(|message| message.is_authentic(&mut datagram, b"VOkJxbRl1RmTxUk/WvJxBt"));
            prop_assert!(!is_authentic);
        }

        #[test]
        fn no_datagram_makes_it_panic(mut datagram in proptest::collection::vec(any::<u8>(), 0..200), fits: bool) {
            if fits && datagram.len() >= HEADER_BYTES {
                let length = (datagram.len() - HEADER_BYTES) as u16;
                datagram[0] &= 3;
                datagram[2..4].copy_from_slice(&length.to_be_bytes());
                datagram[4..8].copy_from_slice(&MAGIC_COOKIE);
            }
            if let Some(message) = Message::read(&datagram) {
                let _ = receiver_ufrag(&datagram);
                let _ = message.is_authentic(&mut datagram, b"x");
            }
        }
    }
}
