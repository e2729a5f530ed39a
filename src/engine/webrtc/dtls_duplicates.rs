//! Detection of retransmitted DTLS handshake flights by their message numbers, a workaround for rtc-dtls 0.21.1.
//!
//! `DTLSConn::wait` (rtc-dtls 0.21.1) cancels its retransmission timer on any handshake message, retransmitted ones
//! included. Both ends' timers are 1 s. After a lost flight the repeat of the previous flight arrives just before the
//! timer that would resend the lost one, and the handshake stalls until it fails. Dropping the repeat is safe: each end
//! retransmits on its own. This file can go when `wait` keeps its timer on a duplicate.

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// Lengths in bytes of the headers of a record and of a handshake message (RFC 6347 §4.1, §4.2.2).
const RECORD_BYTES: usize = 13;
const MESSAGE_BYTES: usize = 12;

/// Maximum number of remembered fragments; an unencrypted handshake has fewer.
const SEEN_MAX: usize = 64;

/// Received handshake fragments of the other end, by message number and fragment offset.
#[derive(Debug, Default)]
pub(super) struct DtlsDuplicates(Vec<(u16, u32)>);

impl DtlsDuplicates {
    /// True if a datagram holds only unencrypted handshake messages that were received before; records its messages.
    /// A first ClientHello is never a duplicate: the HelloVerifyRequest is resent only in answer to it.
    pub(super) fn is_duplicate(&mut self, datagram: &[u8]) -> bool {
        let mut is_repeat = !datagram.is_empty();
        let mut rest = datagram;
        while let Some((header, after)) = rest.split_at_checked(RECORD_BYTES) {
            let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
            let Some((body, next)) = after.split_at_checked(length) else { return false };
            let is_unencrypted = header[0] == HANDSHAKE && header[3..5] == [0, 0];
            is_repeat &= is_unencrypted && self.all_known(body);
            rest = next;
        }
        is_repeat && rest.is_empty()
    }

    fn all_known(&mut self, mut body: &[u8]) -> bool {
        let mut known = true;
        while let Some((header, after)) = body.split_at_checked(MESSAGE_BYTES) {
            let number = u16::from_be_bytes([header[4], header[5]]);
            let (offset, length) = (three_bytes(&header[6..9]), three_bytes(&header[9..12]));
            let Some((_, next)) = after.split_at_checked(length as usize) else { return false };
            let message = (number, offset);
            let is_first_hello = header[0] == CLIENT_HELLO && number == 0;
            if !self.0.contains(&message) {
                known = false;
                if self.0.len() < SEEN_MAX {
                    self.0.push(message);
                }
            }
            known &= !is_first_hello;
            body = next;
        }
        known && body.is_empty()
    }
}

fn three_bytes(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        let mut record = vec![kind, 254, 253, 0, epoch, 0, 0, 0, 0, 0, 9, 0, body.len() as u8];
        record.extend_from_slice(body);
        record
    }

    fn message(kind: u8, number: u8, offset: u8, body: &[u8]) -> Vec<u8> {
        let length = body.len() as u8;
        let mut message = vec![kind, 0, 0, 200, 0, number, 0, 0, offset, 0, 0, length];
        message.extend_from_slice(body);
        message
    }

    #[test]
    fn what_came_before_is_a_repeat_and_what_is_new_or_secret_is_not() {
        let mut duplicates = DtlsDuplicates::default();
        let hello = record(22, 0, &message(2, 1, 0, b"hello"));
        let fragments = record(22, 0, &[message(11, 2, 0, b"cert"), message(11, 2, 4, b"ificate")].concat());
        let flight = [hello.clone(), fragments].concat();
        assert!(!duplicates.is_duplicate(&flight));
        assert!(duplicates.is_duplicate(&flight));
        assert!(duplicates.is_duplicate(&hello), "a part of it");
        assert!(!duplicates.is_duplicate(&[hello.clone(), record(22, 0, &message(11, 2, 11, b"rest"))].concat()));
        assert!(!duplicates.is_duplicate(&[hello.clone(), record(22, 1, b"sealed")].concat()));
        assert!(!duplicates.is_duplicate(&[hello, record(20, 0, &[1])].concat()));
    }

    #[test]
    fn a_first_hello_may_be_asked_again() {
        let mut duplicates = DtlsDuplicates::default();
        let (first, second) = (record(22, 0, &message(1, 0, 0, b"a")), record(22, 0, &message(1, 1, 0, b"b")));
        assert_eq!(
            [&first, &first, &second, &second].map(|hello| duplicates.is_duplicate(hello)),
            [false, false, false, true]
        );
    }

    #[test]
    fn garbage_is_no_repeat() {
        let mut duplicates = DtlsDuplicates::default();
        let whole = record(22, 0, &message(2, 1, 0, b"hello"));
        assert!(!duplicates.is_duplicate(&whole));
        for length in 0..whole.len() {
            assert!(!duplicates.is_duplicate(&whole[..length]), "{length} bytes of it");
        }
    }
}
