//! Candidate gathering of a run: the local addresses to bind, and the STUN and TURN servers to ask.

use crate::engine::candidate_policy::local_address_for;
use crate::engine::peer_addresses::candidate_address;
use crate::profile::{IceTransportPolicy, Login};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use webrtc::peer_connection::RTCIceServer;

/// Local addresses and servers; server names are resolved before this is made.
#[derive(Clone, Debug)]
pub struct Gathering {
    servers: Vec<(SocketAddr, Option<Login>)>,
    pub(super) relay_only: bool,
    /// Addresses that each connection binds, each time on a new port.
    pub(super) local: Vec<SocketAddr>,
}

impl Gathering {
    /// Binds the local addresses with a route to the servers, or loopback without servers.
    ///
    /// # Errors
    /// This machine has no route to a server.
    pub fn new(servers: Vec<(SocketAddr, Option<Login>)>, policy: IceTransportPolicy) -> io::Result<Self> {
        let mut local = vec![];
        for (server, _) in &servers {
            let own = SocketAddr::new(local_address_for(server.ip())?, 0);
            if !local.contains(&own) {
                local.push(own);
            }
        }
        if local.is_empty() {
            local.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0));
        }
        Ok(Self { servers, relay_only: policy == IceTransportPolicy::Relay, local })
    }

    /// Addresses of the servers, the only ones besides peers' that datagrams may go to.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.servers.iter().map(|(address, _)| *address)
    }

    /// The address of a local candidate, if a peer of this run can own it. A STUN or TURN server is not trusted: a mapped
    /// address must have the port of our own socket, and a relayed one be the server's own, above the well-known ports.
    pub(super) fn own_address(&self, candidate: &str) -> Option<SocketAddr> {
        let address = candidate_address(candidate)?;
        let words: Vec<&str> = candidate.split_ascii_whitespace().collect();
        let after = |key: &str| words.iter().skip_while(|word| **word != key).nth(1).copied();
        let own = match after("typ")? {
            "relay" => address.port() >= 1_024 && self.relays(address.ip()),
            "host" => self.binds(address.ip()),
            _ => self.binds(address.ip()) && after("rport")?.parse() == Ok(address.port()),
        };
        own.then_some(address)
    }

    fn binds(&self, ip: IpAddr) -> bool {
        self.local.iter().any(|local| local.ip() == ip)
    }

    fn relays(&self, ip: IpAddr) -> bool {
        self.servers.iter().any(|(server, login)| login.is_some() && server.ip() == ip)
    }

    pub(super) fn servers(&self) -> Vec<RTCIceServer> {
        let server = |(address, login): &(SocketAddr, Option<Login>)| match login {
            Some(Login { username, credential }) => RTCIceServer {
                urls: vec![format!("turn:{address}")],
                username: username.reveal().to_owned(),
                credential: credential.reveal().to_owned(),
            },
            None => RTCIceServer { urls: vec![format!("stun:{address}")], ..RTCIceServer::default() },
        };
        self.servers.iter().map(server).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Secret;

    #[test]
    fn sockets_are_bound_where_the_servers_can_be_reached_from_and_on_loopback_otherwise() {
        let check = |servers: &[&str], expected: &[&str]| {
            let asked = servers.iter().map(|server| (server.parse().unwrap(), None)).collect();
            let local = Gathering::new(asked, IceTransportPolicy::All).unwrap().local;
            assert_eq!(local, expected.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>());
        };
        check(&[], &["127.0.0.1:0"]);
        check(&["127.0.0.1:3478", "127.0.0.1:3479"], &["127.0.0.1:0"]);
    }

    #[test]
    fn a_server_is_not_believed_that_our_address_is_somebody_elses() {
        let login = Login { username: Secret::new("a"), credential: Secret::new("b") };
        let (stun, turn) = ("127.0.0.2:3478".parse().unwrap(), "127.0.0.3:3478".parse().unwrap());
        let gathering = Gathering::new(vec![(stun, None), (turn, Some(login))], IceTransportPolicy::All).unwrap();
        let check = |candidate: &str, expected: Option<&str>| {
            let address = gathering.own_address(&format!("candidate:1 1 udp 1 {candidate}"));
            assert_eq!(address, expected.map(|text| text.parse().unwrap()), "{candidate}");
        };
        check("127.0.0.1 5000 typ host", Some("127.0.0.1:5000"));
        check("127.0.0.2 5000 typ host", None);
        check("127.0.0.1 5000 typ srflx raddr 127.0.0.1 rport 5000", Some("127.0.0.1:5000"));
        check("127.0.0.1 25 typ srflx raddr 127.0.0.1 rport 5000", None);
        check("127.0.0.1 25 typ srflx", None);
        check("127.0.0.1 25 typ prflx raddr 127.0.0.1 rport 5000", None);
        for foreign in ["127.0.0.2", "127.0.0.3", "169.254.169.254", "10.0.0.1"] {
            check(&format!("{foreign} 5000 typ srflx raddr 127.0.0.1 rport 5000"), None);
        }
        check("127.0.0.3 1024 typ relay raddr 127.0.0.1 rport 5000", Some("127.0.0.3:1024"));
        check("127.0.0.3 1023 typ relay raddr 127.0.0.1 rport 5000", None);
        check("127.0.0.2 5000 typ relay raddr 127.0.0.1 rport 5000", None);
    }
}
