//! As much of STUN as tells which edge a binding request is for.

const BINDING_REQUEST: u16 = 0x0001;
const USERNAME: u16 = 0x0006;
const HEADER_BYTES: usize = 20;

/// Whether a datagram is STUN at all (RFC 7983 §7).
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| *first < 4)
}

/// The receiver's ufrag in a binding request's USERNAME: `<receiver's>:<sender's>` (RFC 8445 §7.2.2).
/// `None`: a response, an indication, or garbage.
pub fn receiver_ufrag(datagram: &[u8]) -> Option<&str> {
    let word = |at: usize| Some(u16::from_be_bytes([*datagram.get(at)?, *datagram.get(at + 1)?]));
    if datagram.len() < HEADER_BYTES || word(0)? != BINDING_REQUEST {
        return None;
    }
    let mut at = HEADER_BYTES;
    while at + 4 <= datagram.len() {
        let (kind, length) = (word(at)?, usize::from(word(at + 2)?));
        let value = datagram.get(at + 4..at + 4 + length)?;
        if kind == USERNAME {
            return std::str::from_utf8(value).ok()?.split(':').next();
        }
        // Attributes are padded to four bytes (RFC 8489 §14).
        at += 4 + length.next_multiple_of(4);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut datagram = vec![0, 1, 0, 0];
        datagram.extend_from_slice(&[0; 16]);
        for (kind, value) in attributes {
            datagram.extend_from_slice(&kind.to_be_bytes());
            datagram.extend_from_slice(&(value.len() as u16).to_be_bytes());
            datagram.extend_from_slice(value);
            datagram.resize(datagram.len().next_multiple_of(4), 0);
        }
        datagram
    }

    #[test]
    fn the_receivers_ufrag_comes_first_in_the_username() {
        assert_eq!(receiver_ufrag(&request(&[(USERNAME, b"0003abcd:0001efgh")])), Some("0003abcd"));
        assert_eq!(receiver_ufrag(&request(&[(0x24, &[0; 5]), (USERNAME, b"me:you")])), Some("me"));
        assert_eq!(receiver_ufrag(&request(&[(0x24, &[0; 4])])), None);
        let mut response = request(&[(USERNAME, b"me:you")]);
        response[0] = 1;
        assert_eq!(receiver_ufrag(&response), None);
    }

    proptest! {
        #[test]
        fn no_datagram_makes_it_panic(datagram in proptest::collection::vec(any::<u8>(), 0..200)) {
            receiver_ufrag(&datagram);
        }
    }
}
