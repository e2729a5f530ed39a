//! A TCP port of 127.0.0.1 on which every connection is refused.

use std::net::SocketAddr;
use tokio::net::TcpSocket;

/// Bound and never listened on: nothing else can take it while it lives.
pub struct ClosedPort {
    pub address: SocketAddr,
    _bound: TcpSocket,
}

impl ClosedPort {
    /// # Panics
    /// No port is free.
    #[must_use]
    pub fn bind() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        Self { address: socket.local_addr().expect("an address"), _bound: socket }
    }
}
