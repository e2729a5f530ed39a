//! A recording proxy between clients and one server: bytes pass unchanged, HTTP and WebSocket frames are kept as HAR.

mod connection;
mod http;
mod journal;
mod websocket;

use crate::dialect::Wire;
use crate::recording::Recording;
use crate::signaling::{ClientTls, Connector, Endpoint, TargetPolicy};
use connection::{Upstream, serve};
use journal::Journal;
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

/// Pause after a failed accept: out of descriptors, the next one would fail at once.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Settings of a recording proxy.
pub struct Config {
    /// Address to bind; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The server's URL, `ws:` or `wss:`; clients' own paths and queries are asked for there.
    pub to: Url,
    pub tls: ClientTls,
    /// Frames, bodies and heads beyond so many bytes are passed on and not kept.
    pub bytes_max: usize,
    /// Keeps secrets as they were said.
    pub unmasked: bool,
}

/// A bound proxy; clients wait in the socket's backlog until it runs.
pub struct RecordingProxy {
    listener: TcpListener,
    address: SocketAddr,
    config: Config,
}

impl RecordingProxy {
    /// Binds the address of `config`.
    ///
    /// # Errors
    /// The address is taken, or is not this machine's; `InvalidInput` if the server's is the same.
    pub async fn bind(config: Config) -> io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;
        if leads_to(&config.to, address).await {
            let error = "is this proxy's own address, and each request would come back to it; name the server's";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        Ok(Self { listener, address, config })
    }

    /// URL to which clients are pointed: the server's, with the proxy's address.
    pub fn url(&self) -> String {
        let path = &self.config.to[url::Position::BeforePath..];
        format!("ws://{}{path}", self.address)
    }

    /// Serves until `stop`, with one line of what passes to each call of `print`; returns what was kept. To be run within
    /// a `LocalSet`.
    pub async fn run(self, stop: impl Future<Output = ()>, print: impl FnMut(&str) + 'static) -> Recording {
        let Config { to, tls, bytes_max, unmasked, .. } = self.config;
        let journal = Rc::new(RefCell::new(Journal::new(bytes_max, unmasked, Box::new(print))));
        // The clients are what loads the server here, so any target is theirs to choose.
        let allowed_hosts = to.host_str().map(str::to_owned).into_iter().collect();
        let target_policy = TargetPolicy { allowed_hosts, ..TargetPolicy::default() };
        let endpoint = Endpoint {
            url: to,
            headers: vec![],
            subprotocol: None,
            origin: None,
            user_agent: concat!("meshload/", env!("CARGO_PKG_VERSION")).to_owned(),
            route: Arc::new(Connector { target_policy, tls, ..Connector::default() }),
            wire: Wire::Text,
            before: None,
        };
        let upstream = Rc::new(Upstream::new(endpoint, self.address));
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn_local(serve(stream, upstream.clone(), journal.clone()));
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
        // Connections that are still open end here, and drop what they share.
        connections.shutdown().await;
        journal.borrow_mut().take()
    }
}

/// A connection to `url` would reach the listener at `own`.
async fn leads_to(url: &Url, own: SocketAddr) -> bool {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return false };
    let Ok(mut addresses) = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await else { return false };
    addresses.any(|to| {
        to.port() == own.port() && (to.ip() == own.ip() || own.ip().is_unspecified() && to.ip().is_loopback())
    })
}
