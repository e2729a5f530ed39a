//! From a URL to an open WebSocket: resolve, admit, connect, TLS, upgrade.

use super::reach::{Reach, resolve};
use super::{Connection, config, failure, io_failure};
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::phase::Phase;
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async_tls_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use url::Url;

/// Where and how to connect.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `ws:` or `wss:`.
    pub url: Url,
    pub headers: Vec<(String, String)>,
    pub subprotocol: Option<String>,
    pub origin: Option<String>,
    /// `meshload/VERSION (run ID)`.
    pub user_agent: String,
    pub reach: Reach,
}

impl Endpoint {
    /// Host and port of the URL; the scheme's own port if it names none.
    pub fn host_and_port(&self) -> Option<(&str, u16)> {
        Some((self.url.host_str()?, self.url.port_or_known_default()?))
    }

    /// The first of its addresses that is out of reach: off this machine and off private networks, and not allowed
    /// by name. A name that can't be resolved has none; it fails as every connect does.
    pub async fn far_address(&self) -> Option<IpAddr> {
        let (host, port) = self.host_and_port()?;
        let addresses = resolve(host, port).await.ok()?;
        addresses.iter().map(SocketAddr::ip).find(|address| !self.reach.admits(host, *address))
    }

    fn request(&self) -> Result<Request, Failure> {
        let mut request = self.url.as_str().into_client_request().map_err(failure)?;
        let mut headers = self.headers.clone();
        headers.push(("User-Agent".to_owned(), self.user_agent.clone()));
        headers.extend(self.subprotocol.iter().map(|name| ("Sec-WebSocket-Protocol".to_owned(), name.clone())));
        headers.extend(self.origin.iter().map(|origin| ("Origin".to_owned(), origin.clone())));
        for (name, value) in headers {
            let unfit = || Failure::new(Phase::Connect, Reason::Protocol, format!("header {name} can't be sent"));
            let value = HeaderValue::from_str(&value).map_err(|_| unfit())?;
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
            request.headers_mut().append(name, value);
        }
        Ok(request)
    }
}

/// Opens a connection: every address of the host is tried, in order, and the last one's failure is told.
///
/// # Errors
/// The failure of the attempt, in phase `connect`.
pub async fn dial(endpoint: &Endpoint) -> Result<Connection, Failure> {
    let Some((host, port)) = endpoint.host_and_port() else {
        return Err(Failure::new(Phase::Connect, Reason::Dns, "the URL names no host"));
    };
    let request = endpoint.request()?;
    let stream = connect(host, port, &endpoint.reach).await?;
    let (stream, _response) =
        client_async_tls_with_config(request, stream, Some(config()), None).await.map_err(failure)?;
    Ok(Connection::new(stream))
}

async fn connect(host: &str, port: u16, reach: &Reach) -> Result<TcpStream, Failure> {
    let mut last = Failure::new(Phase::Connect, Reason::Dns, "the name has no address");
    for address in resolve(host, port).await? {
        if !reach.admits(host, address.ip()) {
            last = Failure::new(Phase::Connect, Reason::Refused, format!("{} is not an allowed target", address.ip()));
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Signaling frames are small and each one is waited for.
                stream.set_nodelay(true).map_err(|error| io_failure(&error))?;
                return Ok(stream);
            }
            Err(error) => last = io_failure(&error),
        }
    }
    Err(last)
}
