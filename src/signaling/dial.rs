//! From a URL to an open WebSocket: resolve, admit, connect, proxy, TLS, upgrade.

use super::reach::{Reach, resolve};
use super::route::{Barrier, Route};
use super::stream::Stream;
use super::tunnel::{dig, of_the_proxy};
use super::userinfo::basic;
use super::{Connection, config, failure, io_failure};
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::phase::Phase;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use url::Url;

/// How long a TLS server may take to answer a greeting. Far below any timeout of a handshake: whoever waits for the
/// answer has failed already, and is to fail by what it met, not by the clock.
const ANSWER_MAX: Duration = Duration::from_millis(500);

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
    pub route: Arc<Route>,
}

impl Endpoint {
    /// Why it may not be dialled, if so; also a proxy can stand in the way.
    pub async fn barrier(&self) -> Option<Barrier> {
        let (host, port) = self.destination()?;
        self.route.barrier(host, port).await
    }

    /// Host and port that the connection goes to; the scheme's own port if the URL names none.
    fn destination(&self) -> Option<(&str, u16)> {
        match &self.route.connect_to {
            Some((host, port)) => Some((host, *port)),
            None => Some((self.url.host_str()?, self.url.port_or_known_default()?)),
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

/// Opens a connection: every address of the host is tried, in order; if none answers, each one's failure is told.
///
/// # Errors
/// The failure of the attempt, in phase `connect`.
pub async fn dial(endpoint: &Endpoint) -> Result<Connection, Failure> {
    let nowhere = || Failure::new(Phase::Connect, Reason::Dns, "the URL names no host");
    let (host, port) = endpoint.destination().ok_or_else(nowhere)?;
    let request = endpoint.request()?;
    let mut stream = reach(endpoint, host, port).await?;
    let Route { tls, tongue, .. } = &*endpoint.route;
    let is_secure = endpoint.url.scheme() == "wss";
    if is_secure {
        stream = tls.secure(endpoint.url.host_str().ok_or_else(nowhere)?, stream).await?;
    }
    match client_async_with_config(request, stream, Some(config())).await {
        Ok((stream, _response)) => {
            if !is_secure {
                tongue.is_plain();
            }
            Ok(Connection::new(stream))
        }
        Err(error) if is_secure => Err(failure(error)),
        Err(error) => Err(tongue.behind(failure(error), answers_in_tls(endpoint)).await),
    }
}

async fn reach(endpoint: &Endpoint, host: &str, port: u16) -> Result<Stream, Failure> {
    let Route { reach, proxy, tls, .. } = &*endpoint.route;
    let Some(proxy) = proxy else { return Ok(Stream::Plain(connect(host, port, reach).await?)) };
    if !reach.names(host) {
        // The proxy looks the name up itself, and whoever was not named must be near here as well.
        let addresses = resolve(host, port).await?;
        if let Some(far) = addresses.iter().find(|address| !reach.admits(host, address.ip())) {
            return Err(not_allowed(*far));
        }
    }
    let stream = connect(&proxy.host, proxy.port, reach).await.map_err(of_the_proxy)?;
    let mut stream = Stream::Plain(stream);
    if proxy.secure {
        stream = tls.secure(&proxy.host, stream).await.map_err(of_the_proxy)?;
    }
    dig(stream, proxy, host, port, &endpoint.user_agent).await
}

async fn connect(host: &str, port: u16, reach: &Reach) -> Result<TcpStream, Failure> {
    let mut failures = vec![];
    for address in resolve(host, port).await? {
        if !reach.admits(host, address.ip()) {
            failures.push((address, not_allowed(address)));
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Signaling frames are small and each one is waited for.
                stream.set_nodelay(true).map_err(|error| io_failure(&error))?;
                return Ok(stream);
            }
            Err(error) => failures.push((address, io_failure(&error))),
        }
    }
    Err(all_of(failures))
}

fn not_allowed(address: SocketAddr) -> Failure {
    Failure::new(Phase::Connect, Reason::Refused, format!("{} is not an allowed target", address.ip()))
}

/// One failure for all addresses of a name: the last one's reason, and each one's detail.
fn all_of(mut failures: Vec<(SocketAddr, Failure)>) -> Failure {
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

async fn answers_in_tls(endpoint: &Endpoint) -> bool {
    let Some((host, port)) = endpoint.destination() else { return false };
    let greeted = async {
        let stream = reach(endpoint, host, port).await.ok()?;
        Some(endpoint.route.tls.is_answered(endpoint.url.host_str()?, stream).await)
    };
    timeout(ANSWER_MAX, greeted).await.ok().flatten().unwrap_or(false)
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
        let one = all_of(vec![failed("127.0.0.1:9", "ECONNREFUSED")]);
        assert_eq!(one.detail, "ECONNREFUSED");
        let two = all_of(vec![failed("[::1]:9", "ENETUNREACH"), failed("127.0.0.1:9", "ECONNREFUSED")]);
        assert_eq!((two.reason, &*two.detail), (Reason::Refused, "::1: ENETUNREACH, 127.0.0.1: ECONNREFUSED"));
        assert_eq!(all_of(vec![]).reason, Reason::Dns);
    }
}
