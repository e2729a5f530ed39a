//! The addresses allowed in guests' candidates: this machine's own, and blocks from `--allow-candidates`.

use crate::vocabulary::Cidr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// Check of the candidates of guests, which are foreign peers and not trusted (docs/spec/faults.md 11).
#[derive(Clone, Debug)]
pub struct CandidatePolicy {
    allowed: Vec<Cidr>,
    local: IpAddr,
}

impl CandidatePolicy {
    /// Creates the policy. Peers bind to the local address with a route to the first block of `allowed`, or to loopback
    /// if it is empty.
    ///
    /// # Errors
    /// This machine has no route to the first block.
    pub fn new(allowed: Vec<Cidr>) -> io::Result<Self> {
        let local = match allowed.first() {
            Some(block) => local_address_for(block.first_host())?,
            None => Ipv4Addr::LOCALHOST.into(),
        };
        Ok(Self { allowed, local })
    }

    /// Address to bind peers' sockets to.
    pub fn local(&self) -> IpAddr {
        self.local
    }

    /// True if a guest's candidate may have this address.
    pub fn admits(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let allowed = || self.allowed.iter().any(|block| block.contains(ip));
        address.port() != 0 && !ip.is_multicast() && (ip.is_loopback() || allowed() || is_own(ip))
    }
}

/// Local address of packets to `host`, from the routing table; sends nothing.
pub(super) fn local_address_for(host: IpAddr) -> io::Result<IpAddr> {
    let any: IpAddr =
        if host.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    // Connecting a UDP socket, here to the discard port (RFC 863), only consults the routing table.
    socket.connect((host, 9))?;
    Ok(socket.local_addr()?.ip())
}

/// True for an address of this machine: a socket can bind to it. A broadcast address can be bound too, but not
/// connected to.
fn is_own(ip: IpAddr) -> bool {
    !ip.is_unspecified() && UdpSocket::bind((ip, 0)).is_ok_and(|socket| socket.connect((ip, 9)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_admitted_on_this_machine_and_in_blocks_that_were_named() {
        let check = |allowed: &[&str], address: &str, expected: bool| {
            let allowed = allowed.iter().map(|block| block.parse().unwrap()).collect();
            let policy = CandidatePolicy { allowed, local: Ipv4Addr::LOCALHOST.into() };
            assert_eq!(policy.admits(address.parse().unwrap()), expected, "{address}");
        };
        check(&[], "127.0.0.1:5000", true);
        check(&[], "[::1]:5000", true);
        check(&[], "[::ffff:127.0.0.1]:5000", true);
        check(&[], "127.0.0.1:0", false);
        for foreign in [
            "169.254.169.254:80",
            "203.0.113.5:25",
            "255.255.255.255:9",
            "0.0.0.0:9",
            "224.0.0.251:5353",
            "[fe80::9]:1",
        ] {
            check(&[], foreign, false);
        }
        check(&["203.0.113.0/24"], "203.0.113.5:25", true);
        check(&["203.0.113.0/24"], "203.0.114.5:25", false);
        check(&["0.0.0.0/0"], "224.0.0.251:5353", false);
    }

    #[test]
    fn peers_sit_where_the_first_block_is_reached_from() {
        let local = |allowed: &[&str]| {
            CandidatePolicy::new(allowed.iter().map(|block| block.parse().unwrap()).collect()).unwrap().local()
        };
        assert_eq!(local(&[]), Ipv4Addr::LOCALHOST);
        assert_eq!(local(&["127.0.0.0/8"]), Ipv4Addr::LOCALHOST);
    }
}
