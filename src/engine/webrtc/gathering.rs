//! Candidate gathering of a run: the local addresses to bind, and the STUN and TURN servers to ask.

use crate::engine::candidate_policy::local_address_for;
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

    /// True if a peer of this run can have a candidate there: a bound address, or a TURN server's.
    pub(super) fn may_own(&self, address: IpAddr) -> bool {
        let relays = |(server, login): &(SocketAddr, Option<Login>)| login.is_some() && server.ip() == address;
        self.local.iter().any(|local| local.ip() == address) || self.servers.iter().any(relays)
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
        let check = |address: &str, expected: bool| {
            assert_eq!(gathering.may_own(address.parse().unwrap()), expected, "{address}");
        };
        check("127.0.0.1", true);
        check("127.0.0.3", true);
        check("127.0.0.2", false);
        check("169.254.169.254", false);
        check("10.0.0.1", false);
    }
}
