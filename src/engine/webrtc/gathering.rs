//! Where the connections of a run get their candidates: which sockets they bind, and whom they ask.

use crate::profile::{IceTransportPolicy, Login};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use webrtc::peer_connection::RTCIceServer;

/// The servers by their addresses; no name is resolved later than here.
#[derive(Clone, Debug)]
pub struct Gathering {
    asked: Vec<(SocketAddr, Option<Login>)>,
    pub(super) relay_only: bool,
    /// What each connection binds, each time on a port of its own.
    pub(super) local: Vec<SocketAddr>,
}

impl Gathering {
    /// Loopback, unless a server is elsewhere: then the addresses from which the servers can be reached.
    ///
    /// # Errors
    /// There is no way to a server.
    pub fn new(asked: Vec<(SocketAddr, Option<Login>)>, policy: IceTransportPolicy) -> io::Result<Self> {
        let mut local = vec![];
        for (server, _) in &asked {
            let own = SocketAddr::new(way_to(*server)?, 0);
            if !local.contains(&own) {
                local.push(own);
            }
        }
        if local.is_empty() {
            local.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0));
        }
        Ok(Self { asked, relay_only: policy == IceTransportPolicy::Relay, local })
    }

    /// The servers' addresses: besides those of peers, the only ones that datagrams may go to.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.asked.iter().map(|(address, _)| *address)
    }

    /// Whether a peer of ours can have a candidate there: on an address that is bound, or on a server that relays.
    pub(super) fn may_own(&self, address: IpAddr) -> bool {
        let relays = |(server, login): &(SocketAddr, Option<Login>)| login.is_some() && server.ip() == address;
        self.local.iter().any(|local| local.ip() == address) || self.asked.iter().any(relays)
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
        self.asked.iter().map(server).collect()
    }
}

/// The address of ours that datagrams to `server` would come from. A UDP socket that is connected sends none.
fn way_to(server: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    Ok(socket.local_addr()?.ip())
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
