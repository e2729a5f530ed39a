//! The reference signaling server of docs/spec/protocol.md: a relay or a room registry, with optional faults.

mod connection;
mod counters;
pub mod faults;
mod hub;
mod page;
pub mod rooms;
pub mod service;

pub use crate::server::connection::tls::ServerTls;
pub use crate::server::counters::{Counters, Snapshot};
pub use crate::server::rooms::{RoomModel, Routing};

use crate::server::connection::Admission;
use crate::server::faults::{FaultAction, FaultRule};
use crate::server::hub::Hub;
use crate::server::rooms::SignalingRooms;
use crate::server::service::Service;
use crate::vocabulary::Seed;
use jiff::Timestamp;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Backlog of the listening socket: connections of a join storm wait here until they are accepted.
const BACKLOG: u32 = 4_096;
/// Inputs that may wait for the hub; with a full inbox the readers wait, and TCP slows the clients down.
const INBOX: usize = 4_096;
/// Pause after a failed accept: out of descriptors, the next one would fail at once.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Settings of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address to bind; port 0 picks a free one.
    pub listen: SocketAddr,
    pub kind: RoomModel,
    pub routing: Routing,
    /// A registry sends at most one list in this time; zero sends one after each change.
    pub list_interval: Duration,
    /// Faults to inject, and the seed of their random draws.
    pub faults: Vec<FaultRule>,
    pub seed: Seed,
    /// Serves `wss` if set.
    pub tls: Option<ServerTls>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            kind: RoomModel::default(),
            routing: Routing::default(),
            list_interval: Duration::from_millis(100),
            faults: vec![],
            seed: Seed(1),
            tls: None,
        }
    }
}

/// A bound server; clients wait in the socket's backlog until it runs.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    config: Config,
    counters: Arc<Counters>,
}

impl Server {
    /// Binds the address of `config`.
    ///
    /// # Errors
    /// The address is taken, or is not this machine's.
    pub async fn bind(config: Config) -> io::Result<Self> {
        let socket = match config.listen {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(config.listen)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, config, counters: Arc::default() })
    }

    /// Bound address, with the port that was picked for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// URL of the WebSocket.
    pub fn url(&self) -> String {
        let scheme = if self.config.tls.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}/ws/", self.address)
    }

    pub fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Serves until `stop`, then closes each client with 1001 and returns. Works on any tokio runtime; every task that it
    /// spawns ends before it returns.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Config { kind, routing, list_interval, faults, seed, tls, .. } = self.config;
        let now = Instant::now();
        let rooms = SignalingRooms::new(kind, routing, list_interval, now, Timestamp::now());
        let limit = faults.iter().find_map(|rule| match rule.action {
            FaultAction::LimitByAddress(connections) => Some(connections as usize),
            _ => None,
        });
        let service = Service::new(rooms, faults, seed, now);
        let (inputs, inbox) = mpsc::channel(INBOX);
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(self.listener, tls, limit, inputs.clone()));
        Hub::new(service, inputs, self.counters).run(inbox, stop).await;
    }
}

/// Accepts connections until dropped, which also ends their tasks. Past `limit` open ones of an address, further ones get
/// HTTP 429.
async fn accept(listener: TcpListener, tls: Option<ServerTls>, limit: Option<usize>, inputs: mpsc::Sender<hub::Input>) {
    let mut connections = JoinSet::new();
    // Each open connection holds a clone of its address's token.
    let mut tokens: HashMap<IpAddr, Arc<()>> = HashMap::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    let admission = match limit {
                        None => Admission::Unlimited,
                        Some(limit) => {
                            let token = tokens.entry(from.ip()).or_default();
                            // The map holds one itself.
                            let is_free = Arc::strong_count(token) - 1 < limit;
                            if is_free { Admission::Counted { _token: token.clone() } } else { Admission::Refused }
                        }
                    };
                    connections.spawn(connection::serve(stream, tls.clone(), admission, inputs.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
