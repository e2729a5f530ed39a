//! Opens the byte stream to a host: resolve, check the target policy, connect, tunnel through the proxy.

use super::endpoint::Endpoint;
use crate::signaling::connector::Connector;
use crate::signaling::io_failure;
use crate::signaling::proxy::tunnel::{open_tunnel, proxy_failure};
use crate::signaling::stream::{StampedStream, Stream};
use crate::signaling::target_policy::resolve;
use crate::vocabulary::{Failure, Phase, Reason};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

const EINPROGRESS: i32 = 115;

/// Opens the byte stream under an HTTP request or a WebSocket; for `wss` it is secured.
///
/// # Errors
/// The failure of the attempt, in phase `connect`.
pub async fn open(endpoint: &Endpoint) -> Result<impl AsyncRead + AsyncWrite + Unpin + use<>, Failure> {
    open_secured(endpoint).await
}

/// The stream to the URL's server, with TLS for `wss` and `https`.
pub(in crate::signaling) async fn open_secured(endpoint: &Endpoint) -> Result<Stream, Failure> {
    let nowhere = || Failure::new(Phase::Connect, Reason::Dns, "the URL names no host");
    let (host, port) = endpoint.destination().ok_or_else(nowhere)?;
    let stream = open_stream(&endpoint.route, &endpoint.user_agent, host, port).await?;
    match endpoint.url.scheme() {
        "wss" | "https" => endpoint.route.secure(endpoint.url.host_str().ok_or_else(nowhere)?, stream).await,
        _ => Ok(stream),
    }
}

pub(super) async fn open_stream(route: &Connector, user_agent: &str, host: &str, port: u16) -> Result<Stream, Failure> {
    let Connector { target_policy, proxy, log, .. } = route;
    let Some(proxy) = proxy else { return Ok(Stream::Plain(connect(host, port, route).await?)) };
    if !target_policy.is_allowed_host(host) {
        // The proxy resolves the name itself, so a host that is not allowed by name must be private here too.
        let addresses = resolve(host, port).await?;
        if let Some(public) = addresses.iter().find(|address| !target_policy.allows(host, address.ip())) {
            return Err(not_allowed(*public));
        }
    }
    log.tell(|| format!("through the proxy {}", proxy.shown()));
    let stream = connect(&proxy.host, proxy.port, route).await.map_err(proxy_failure)?;
    let mut stream = Stream::Plain(stream);
    if proxy.secure {
        stream = route.secure(&proxy.host, stream).await.map_err(proxy_failure)?;
    }
    let tunnel = open_tunnel(stream, proxy, host, port, user_agent).await?;
    log.tell(|| format!("the proxy opened a tunnel to {host}:{port}"));
    Ok(tunnel)
}

async fn connect(host: &str, port: u16, route: &Connector) -> Result<StampedStream, Failure> {
    let mut failures = vec![];
    for address in resolve(host, port).await? {
        if !route.target_policy.allows(host, address.ip()) {
            failures.push((address, not_allowed(address)));
            continue;
        }
        match connect_to(address).await {
            Ok(stream) => {
                // Signaling frames are small, and the other peer waits for each.
                stream.set_nodelay(true).map_err(|error| io_failure(&error))?;
                route.log.tell(|| format!("connected to {address}"));
                return Ok(StampedStream::new(stream));
            }
            Err(error) => {
                let failure = io_failure(&error);
                route.log.tell(|| format!("no connection to {address}: {}", failure.detail));
                failures.push((address, failure));
            }
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

#[cfg(test)]
mod tests {
    use super::*;

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
