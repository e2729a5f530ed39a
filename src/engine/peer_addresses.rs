//! The addresses that a run may send datagrams to: those of its own peers and of its STUN and TURN servers.

use crate::vocabulary::Candidate;
use rustc_hash::FxHashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Addresses of the peers of one worker, shared by its engines: rooms never split, so a peer's neighbours are all among
/// them.
#[derive(Clone, Debug, Default)]
pub struct PeerAddresses(Arc<Mutex<FxHashSet<SocketAddr>>>);

impl PeerAddresses {
    pub fn join(&self, address: SocketAddr) {
        self.addresses().insert(address);
    }

    pub fn leave(&self, address: SocketAddr) {
        self.addresses().remove(&address);
    }

    pub fn has(&self, address: SocketAddr) -> bool {
        self.addresses().contains(&address)
    }

    fn addresses(&self) -> MutexGuard<'_, FxHashSet<SocketAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Parses the address of a UDP candidate (RFC 8839 §5.1); `None` for another transport, a name, or no candidate.
pub(super) fn candidate_address(candidate: &str) -> Option<SocketAddr> {
    let line = candidate.strip_prefix("candidate:").unwrap_or(candidate);
    let mut words = line.split_ascii_whitespace();
    let (_foundation, _component, transport) = (words.next()?, words.next()?, words.next()?);
    let (_priority, address, port) = (words.next()?, words.next()?, words.next()?);
    if !transport.eq_ignore_ascii_case("udp") {
        return None;
    }
    Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?))
}

/// A candidate as signaling carries it, of a description whose only section is the DataChannel's.
pub(super) fn candidate_of_channel(candidate: String, ufrag: &str) -> Candidate {
    Candidate { candidate, mid: Some("0".to_owned()), line: Some(0), ufrag: Some(ufrag.to_owned()) }
}

/// Removes the candidates that `admit` refuses from a description.
pub(super) fn without_foreigners(sdp: &str, admit: impl Fn(SocketAddr) -> bool) -> String {
    sdp.split_inclusive('\n')
        .filter(|line| match line.trim_end().strip_prefix("a=candidate:") {
            Some(candidate) => candidate_address(candidate).is_some_and(&admit),
            None => true,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidates_address_is_read_and_names_and_tcp_are_not() {
        let check = |candidate: &str, expected: Option<&str>| {
            assert_eq!(candidate_address(candidate), expected.map(|text| text.parse().unwrap()), "{candidate}");
        };
        check("candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host", Some("127.0.0.1:5000"));
        check("1 1 UDP 2130706431 169.254.169.254 80 typ host", Some("169.254.169.254:80"));
        check("candidate:1 1 udp 2130706431 61b445d2.local 61163 typ host", None);
        check("candidate:1 1 tcp 2130706431 127.0.0.1 9 typ host", None);
        check("candidate:1 1 udp 2130706431 127.0.0.1 70000 typ host", None);
        check("", None);
    }

    #[test]
    fn foreign_candidates_are_cut_out_of_a_description() {
        let sdp = "v=0\r\na=candidate:1 1 udp 1 10.0.0.1 25 typ host\r\na=candidate:2 1 udp 1 127.0.0.1 7 typ host\r\na=mid:0\r\n";
        let own: SocketAddr = "127.0.0.1:7".parse().unwrap();
        let kept = without_foreigners(sdp, |address| address == own);
        assert_eq!(kept, "v=0\r\na=candidate:2 1 udp 1 127.0.0.1 7 typ host\r\na=mid:0\r\n");
    }
}
