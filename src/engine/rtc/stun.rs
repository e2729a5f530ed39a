//! As much of STUN as tells which edge a binding request is for.

const BINDING_REQUEST: u16 = 0x0001;
const USERNAME: u16 = 0x0006;
const HEADER_BYTES: usize = 20;

/// A datagram is STUN by its first byte (RFC 7983 §7).
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| *first < 4)
}

/// The receiver's ufrag in a binding request's USERNAME: `<receiver's>:<sender's>` (RFC 8445 §7.2.2).
/// `None`: a response, an indication, or garbage.
pub fn receiver_ufrag(datagram: &[u8]) -> Option<&str> {
    if message_type(datagram)? != BINDING_REQUEST {
        return None;
    }
    std::str::from_utf8(attribute(datagram, USERNAME)?).ok()?.split(':').next()
}

/// Method and class of a message that is long enough to be one (RFC 8489 §5).
pub fn message_type(datagram: &[u8]) -> Option<u16> {
    if datagram.len() < HEADER_BYTES { None } else { word(datagram, 0) }
}

/// The value of the first attribute of that type; `None` also if one before it is cut off.
pub fn attribute(datagram: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut at = HEADER_BYTES;
    while at + 4 <= datagram.len() {
        let (kind, length) = (word(datagram, at)?, usize::from(word(datagram, at + 2)?));
        let value = datagram.get(at + 4..at + 4 + length)?;
        if kind == wanted {
            return Some(value);
        }
        // Attributes are padded to four bytes (RFC 8489 §14).
        at += 4 + length.next_multiple_of(4);
    }
    None
}

fn word(datagram: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*datagram.get(at)?, *datagram.get(at + 1)?]))
}

/// A message with these attributes and no transaction of its own.
#[cfg(test)]
pub fn message(kind: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(attributes: &[(u16, &[u8])]) -> Vec<u8> {
        message(BINDING_REQUEST, attributes)
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
