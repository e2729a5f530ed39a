//! The reference signaling server: a relay or a registry, as protocol.md tells it.

mod audience;
mod client_id;
mod connection;
mod envelope;
pub mod faults;
mod groups;
mod hub;
mod link;
mod mangle;
mod outbox;
mod pace;
mod page;
mod registry;
mod replies;
pub mod rooms;
pub mod service;
mod tallies;
mod tls;
mod transport;
mod upgrade;
mod wire;

pub use crate::server::rooms::{Kind, Routing};
pub use crate::server::tallies::{Snapshot, Tallies};
pub use crate::server::tls::Tls;

use crate::server::faults::Rule;
use crate::server::hub::Hub;
use crate::server::rooms::Rooms;
use crate::server::service::Service;
use crate::vocabulary::seed::Seed;
use jiff::Timestamp;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Connections that the kernel holds until they are accepted: a join storm arrives all at once.
const BACKLOG: u32 = 4_096;
/// Inputs on their way to the hub. Beyond it, readers wait, and TCP makes the clients wait.
const INBOX: usize = 4_096;
/// Out of descriptors, accepting would fail again at once.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

#[derive(Clone, Debug)]
pub struct Config {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    pub kind: Kind,
    pub routing: Routing,
    /// A registry sends at most one list in this time; zero sends one after each change.
    pub list_interval: Duration,
    /// What goes wrong on purpose, and the seed of what is drawn for it.
    pub faults: Vec<Rule>,
    pub seed: Seed,
    /// What makes it a `wss` server.
    pub tls: Option<Tls>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            kind: Kind::default(),
            routing: Routing::default(),
            list_interval: Duration::from_millis(100),
            faults: vec![],
            seed: Seed(1),
            tls: None,
        }
    }
}

/// A server that listens already; clients wait in the kernel until it runs.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    config: Config,
    tallies: Arc<Tallies>,
}

impl Server {
    /// Errors: the address is taken, or is not this machine's.
    pub async fn bind(config: Config) -> io::Result<Self> {
        let socket = match config.listen {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(config.listen)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, config, tallies: Arc::default() })
    }

    /// Where it really listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of its WebSocket.
    pub fn url(&self) -> String {
        let scheme = if self.config.tls.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}/ws/", self.address)
    }

    pub fn tallies(&self) -> Arc<Tallies> {
        self.tallies.clone()
    }

    /// Serves until `stop`, then closes each client with 1001 and returns. Runs on any tokio runtime; all its
    /// tasks end with it.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Config { kind, routing, list_interval, faults, seed, tls, .. } = self.config;
        let now = Instant::now();
        let rooms = Rooms::new(kind, routing, list_interval, now, Timestamp::now());
        let service = Service::new(rooms, faults, seed, now);
        let (inputs, inbox) = mpsc::channel(INBOX);
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(self.listener, tls, inputs.clone()));
        Hub::new(service, inputs, self.tallies).run(inbox, stop).await;
    }
}

/// Accepts for as long as it is polled; its connections end with it.
async fn accept(listener: TcpListener, tls: Option<Tls>, inputs: mpsc::Sender<hub::Input>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection::serve(stream, tls.clone(), inputs.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
