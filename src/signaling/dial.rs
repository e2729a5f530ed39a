//! Opens a WebSocket from a URL: resolve, check the target policy, connect, proxy, TLS, upgrade.

use super::connector::{Connector, Refused};
use super::proxy::tunnel::{open_tunnel, proxy_failure};
use super::stream::{StampedStream, Stream};
use super::target_policy::{TargetPolicy, resolve};
use super::userinfo::basic;
use super::{Connection, config, failure, io_failure};
use crate::vocabulary::{Failure, Phase, Reason};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_EXTENSIONS;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use url::Url;

/// Time limit for a TLS server's answer to a ClientHello. Far below any handshake timeout: the peer that waits has
/// failed already, and must fail with its own reason rather than time out.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);

const EINPROGRESS: i32 = 115;

/// Address, headers and connection settings of one peer's connection.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `ws:` or `wss:`.
    pub url: Url,
    pub headers: Vec<(String, String)>,
    pub subprotocol: Option<String>,
    pub origin: Option<String>,
    /// `meshload/VERSION (run ID)`.
    pub user_agent: String,
    pub route: Arc<Connector>,
}

impl Endpoint {
    /// Reason why the target or its proxy may not be loaded; `None` if both may.
    pub async fn refused(&self) -> Option<Refused> {
        let (host, port) = self.destination()?;
        self.route.refused(host, port).await
    }

    /// Host and port to dial; the scheme's default port if the URL names none.
    pub(super) fn destination(&self) -> Option<(&str, u16)> {
        match &self.route.connect_to {
            Some((host, port)) => Some((host, *port)),
            None => Some((self.url.host_str()?, self.url.port_or_known_default()?)),
        }
    }

    /// The addresses to dial; none if a proxy dials them, or the name has none.
    pub async fn addresses(&self) -> Vec<SocketAddr> {
        match self.destination() {
            Some((host, port)) if self.route.proxy.is_none() => resolve(host, port).await.unwrap_or_default(),
            _ => vec![],
        }
    }

    fn request(&self) -> Result<Request, Failure> {
        let mut request = self.url.as_str().into_client_request().map_err(failure)?;
        let mut headers = self.headers.clone();
        headers.push(("User-Agent".to_owned(), self.user_agent.clone()));
        headers.extend(self.subprotocol.iter().map(|name| ("Sec-WebSocket-Protocol".to_owned(), name.clone())));
        headers.extend(self.origin.iter().map(|origin| ("Origin".to_owned(), origin.clone())));
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            headers.extend(basic(&self.url).map(|basic| ("Authorization".to_owned(), basic)));
        }
        for (name, value) in headers {
            let unfit = || Failure::new(Phase::Connect, Reason::Protocol, format!("header {name} can't be sent"));
            let value = HeaderValue::from_str(&value).map_err(|_| unfit())?;
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
            request.headers_mut().append(name, value);
        }
        Ok(request)
    }
}

/// Opens a connection. Tries every address of the host in order; if all fail, the failure lists each address.
///
/// # Errors
/// The failure of the attempt, in phase `connect`.
pub async fn dial(endpoint: &Endpoint) -> Result<Connection, Failure> {
    let request = endpoint.request()?;
    let stream = open_secured(endpoint).await?;
    let Connector { tls_sniff, limits, .. } = &*endpoint.route;
    let asked = request.headers().contains_key(SEC_WEBSOCKET_EXTENSIONS);
    let is_secure = endpoint.url.scheme() == "wss";
    match client_async_with_config(request, stream, Some(config(limits.message_bytes_max))).await {
        Ok((_, response)) if !asked && response.headers().contains_key(SEC_WEBSOCKET_EXTENSIONS) => {
            // RFC 6455 §4.1: the client fails the connection.
            Err(Failure::new(Phase::Connect, Reason::Protocol, "an extension that was not asked for"))
        }
        Ok((stream, _)) => {
            if !is_secure {
                tls_sniff.mark_plain();
            }
            Ok(Connection::new(stream, limits.clone()))
        }
        Err(error) if is_secure => Err(failure(error)),
        Err(error) => Err(tls_sniff.explain(failure(error), answers_in_tls(endpoint)).await),
    }
}

/// Opens the byte stream under an HTTP request or a WebSocket; for `wss` it is secured.
///
/// # Errors
/// The failure of the attempt, in phase `connect`.
pub async fn open(endpoint: &Endpoint) -> Result<impl AsyncRead + AsyncWrite + Unpin + use<>, Failure> {
    open_secured(endpoint).await
}

async fn open_secured(endpoint: &Endpoint) -> Result<Stream, Failure> {
    let nowhere = || Failure::new(Phase::Connect, Reason::Dns, "the URL names no host");
    let (host, port) = endpoint.destination().ok_or_else(nowhere)?;
    let stream = open_stream(endpoint, host, port).await?;
    match endpoint.url.scheme() {
        "wss" => endpoint.route.tls.secure(endpoint.url.host_str().ok_or_else(nowhere)?, stream).await,
        _ => Ok(stream),
    }
}

async fn open_stream(endpoint: &Endpoint, host: &str, port: u16) -> Result<Stream, Failure> {
    let Connector { target_policy, proxy, tls, .. } = &*endpoint.route;
    let Some(proxy) = proxy else { return Ok(Stream::Plain(connect(host, port, target_policy).await?)) };
    if !target_policy.is_allowed_host(host) {
        // The proxy resolves the name itself, so a host that is not allowed by name must be private here too.
        let addresses = resolve(host, port).await?;
        if let Some(public) = addresses.iter().find(|address| !target_policy.allows(host, address.ip())) {
            return Err(not_allowed(*public));
        }
    }
    let stream = connect(&proxy.host, proxy.port, target_policy).await.map_err(proxy_failure)?;
    let mut stream = Stream::Plain(stream);
    if proxy.secure {
        stream = tls.secure(&proxy.host, stream).await.map_err(proxy_failure)?;
    }
    open_tunnel(stream, proxy, host, port, &endpoint.user_agent).await
}

async fn connect(host: &str, port: u16, target_policy: &TargetPolicy) -> Result<StampedStream, Failure> {
    let mut failures = vec![];
    for address in resolve(host, port).await? {
        if !target_policy.allows(host, address.ip()) {
            failures.push((address, not_allowed(address)));
            continue;
        }
        match connect_to(address).await {
            Ok(stream) => {
                // Signaling frames are small, and the other peer waits for each.
                stream.set_nodelay(true).map_err(|error| io_failure(&error))?;
                return Ok(StampedStream::new(stream));
            }
            Err(error) => failures.push((address, io_failure(&error))),
        }
    }
    Err(combined_failure(failures))
}

/// Connects without a wait for the reactor where the connection stands at once, as on loopback: a busy worker would
/// come back late, and no stamp tells when a handshake of TCP was complete.
async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let connected = socket.connect(&address.into());
    let stream = TcpStream::from_std(socket.into())?;
    match connected {
        Ok(()) => return Ok(stream),
        Err(error) if error.raw_os_error() == Some(EINPROGRESS) => {}
        Err(error) => return Err(error),
    }
    stream.writable().await?;
    match stream.take_error()? {
        Some(error) => Err(error),
        None => Ok(stream),
    }
}

fn not_allowed(address: SocketAddr) -> Failure {
    Failure::new(Phase::Connect, Reason::Refused, format!("{} is not an allowed target", address.ip()))
}

/// Joins the failures of a name's addresses: the last one's reason, and every detail.
fn combined_failure(mut failures: Vec<(SocketAddr, Failure)>) -> Failure {
    match failures.len() {
        0 => Failure::new(Phase::Connect, Reason::Dns, "the name has no address"),
        1 => failures.remove(0).1,
        _ => {
            let each: Vec<_> =
                failures.iter().map(|(address, failure)| format!("{}: {}", address.ip(), failure.detail)).collect();
            Failure { detail: each.join(", ").into(), ..failures.remove(failures.len() - 1).1 }
        }
    }
}

/// True if the server answers a ClientHello in TLS.
async fn answers_in_tls(endpoint: &Endpoint) -> bool {
    let Some((host, port)) = endpoint.destination() else { return false };
    let answered = async {
        let stream = open_stream(endpoint, host, port).await.ok()?;
        Some(endpoint.route.tls.answers(endpoint.url.host_str()?, stream).await)
    };
    timeout(ANSWER_TIMEOUT, answered).await.ok().flatten().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, headers: &[(&str, &str)]) -> Endpoint {
        Endpoint {
            url: Url::parse(url).unwrap(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            subprotocol: None,
            origin: None,
            user_agent: "meshload/0 (run m1)".to_owned(),
            route: Arc::default(),
        }
    }

    #[test]
    fn what_a_url_says_of_its_user_is_a_header_unless_there_is_one() {
        let check = |url: &str, headers: &[(&str, &str)], expected: Option<&str>| {
            let request = endpoint(url, headers).request().unwrap();
            let header = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(header.as_deref(), expected, "{url}");
        };
        check("ws://127.0.0.1/", &[], None);
        check("ws://user:pw@127.0.0.1/", &[], Some("Basic dXNlcjpwdw=="));
        check("ws://user:pw@127.0.0.1/", &[("authorization", "Bearer x")], Some("Bearer x"));
    }

    #[test]
    fn each_address_of_a_name_says_why_it_did_not_answer() {
        let failed = |address: &str, detail: &'static str| {
            (address.parse().unwrap(), Failure::new(Phase::Connect, Reason::Refused, detail))
        };
        let one = combined_failure(vec![failed("127.0.0.1:9", "ECONNREFUSED")]);
        assert_eq!(one.detail, "ECONNREFUSED");
        let two = combined_failure(vec![failed("[::1]:9", "ENETUNREACH"), failed("127.0.0.1:9", "ECONNREFUSED")]);
        assert_eq!((two.reason, &*two.detail), (Reason::Refused, "::1: ENETUNREACH, 127.0.0.1: ECONNREFUSED"));
        assert_eq!(combined_failure(vec![]).reason, Reason::Dns);
    }
}
