//! A STUN server that tells everybody their address (RFC 8489), and remembers who has asked: coturn keeps no such log.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, channel};

const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];

pub struct StunServer {
    address: SocketAddr,
    asked: Receiver<SocketAddr>,
}

impl StunServer {
    /// Its thread ends with the test's process.
    pub fn start() -> Self {
        Self::start_with(|from| from)
    }

    /// One that tells everybody that they have this address.
    pub fn lying(address: SocketAddr) -> Self {
        Self::start_with(move |_| address)
    }

    fn start_with(mapped: impl Fn(SocketAddr) -> SocketAddr + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("an address");
        let (tell, asked) = channel();
        std::thread::spawn(move || {
            let mut datagram = [0; 1_500];
            while let Ok((length, from)) = socket.recv_from(&mut datagram) {
                if let Some(answer) = answer(&datagram[..length], mapped(from)) {
                    socket.send_to(&answer, from).ok();
                    if tell.send(from).is_err() {
                        return;
                    }
                }
            }
        });
        Self { address, asked }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everybody who has asked.
    pub fn asked(&self) -> BTreeSet<SocketAddr> {
        self.asked.try_iter().collect()
    }
}

/// The binding response to a binding request, with XOR-MAPPED-ADDRESS as its one attribute.
fn answer(request: &[u8], mapped: SocketAddr) -> Option<Vec<u8>> {
    let transaction = request.get(8..20).filter(|_| request.starts_with(&[0, 1]))?;
    let IpAddr::V4(ip) = mapped.ip() else { return None };
    let mut answer = vec![0x01, 0x01, 0, 12];
    answer.extend(COOKIE);
    answer.extend(transaction);
    answer.extend([0x00, 0x20, 0, 8, 0, 1]);
    answer.extend((mapped.port() ^ 0x2112).to_be_bytes());
    answer.extend(ip.octets().iter().zip(COOKIE).map(|(octet, key)| octet ^ key));
    Some(answer)
}
