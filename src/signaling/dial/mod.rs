//! Opens a connection from a URL: resolve, check the target policy, connect, proxy, TLS; upgrade, or request a stream.

mod endpoint;
pub(super) mod http;
mod open;

pub use endpoint::{Endpoint, HttpSteps, OwnRequest};
pub use http::{HttpReply, get, post};
pub use open::open;
pub(super) use open::open_secured;

use super::connections::{EventStream, LoggedConnection, SignalingConnection, WebSocketConnection, config, failure};
use super::connector::Connector;
use super::dial_log::DialLog;
use crate::dialect::Wire;
use crate::vocabulary::{Failure, Phase, Reason};
use open::open_stream;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::http::header::{SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL};

/// Time limit for a TLS server's answer to a ClientHello. Far below any handshake timeout: the peer that waits has
/// failed already, and must fail with its own reason rather than time out.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);

/// Opens a connection. Tries every address of the host in order; if all fail, the failure lists each address.
///
/// # Errors
/// The failure of the attempt, in phase `connect`.
pub async fn dial(endpoint: &Endpoint) -> Result<Box<dyn SignalingConnection>, Failure> {
    match &endpoint.before {
        Some(steps) => dial_url(&http::run(steps, endpoint).await?).await,
        None => dial_url(endpoint).await,
    }
}

/// As `dial`, and tells the log of it.
pub(super) async fn dial_first(endpoint: &Endpoint, log: DialLog) -> Result<Box<dyn SignalingConnection>, Failure> {
    log.tell(|| format!("dials {}", endpoint.in_words()));
    let route = Connector { log: log.clone(), ..Connector::clone(&endpoint.route) };
    match dial(&Endpoint { route: Arc::new(route), ..endpoint.clone() }).await {
        Ok(connection) => Ok(Box::new(LoggedConnection::new(connection, log))),
        Err(failure) => {
            log.tell(|| format!("failed: {failure}"));
            Err(failure)
        }
    }
}

async fn dial_url(endpoint: &Endpoint) -> Result<Box<dyn SignalingConnection>, Failure> {
    if endpoint.wire == Wire::EventStream {
        return Ok(Box::new(EventStream::open(endpoint).await?));
    }
    let request = endpoint.request()?;
    let stream = open_secured(endpoint).await?;
    let Connector { tls_sniff, limits, log, .. } = &*endpoint.route;
    let asked = request.headers().contains_key(SEC_WEBSOCKET_EXTENSIONS);
    let is_secure = endpoint.url.scheme() == "wss";
    match client_async_with_config(request, stream, Some(config(limits.message_bytes_max))).await {
        Ok((_, response)) if !asked && response.headers().contains_key(SEC_WEBSOCKET_EXTENSIONS) => {
            // RFC 6455 §4.1: the client fails the connection.
            Err(Failure::new(Phase::Connect, Reason::Protocol, "an extension that was not asked for"))
        }
        Ok((stream, response)) => {
            log.tell(|| {
                let subprotocol = response.headers().get(SEC_WEBSOCKET_PROTOCOL).and_then(|name| name.to_str().ok());
                format!("HTTP {}, subprotocol {}", response.status().as_u16(), subprotocol.unwrap_or("none"))
            });
            if !is_secure {
                tls_sniff.mark_plain();
            }
            Ok(Box::new(WebSocketConnection::open(stream, limits.clone(), endpoint.wire.clone()).await?))
        }
        Err(error) if is_secure => Err(failure(error)),
        Err(error) => Err(tls_sniff.explain(failure(error), answers_in_tls(endpoint)).await),
    }
}

/// True if the server answers a ClientHello in TLS.
async fn answers_in_tls(endpoint: &Endpoint) -> bool {
    let Some((host, port)) = endpoint.destination() else { return false };
    endpoint.route.log.tell(|| "asks if the server speaks TLS".to_owned());
    let answered = async {
        let stream = open_stream(&endpoint.route, &endpoint.user_agent, host, port).await.ok()?;
        Some(endpoint.route.tls.answers(endpoint.url.host_str()?, stream).await)
    };
    timeout(ANSWER_TIMEOUT, answered).await.ok().flatten().unwrap_or(false)
}
