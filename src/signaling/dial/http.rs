//! HTTP requests: those of a peer before its connection, over the same route as the connection itself, and single ones.

use super::endpoint::{Endpoint, HttpSteps};
use super::open::open_stream;
use crate::dialect::{Connect, HttpAnswer, HttpRequest};
use crate::signaling::connector::Connector;
use crate::signaling::stream::Stream;
use crate::signaling::{io_failure, userinfo::basic};
use crate::vocabulary::{Failure, Phase, Reason};
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::io::Read;
use std::time::Instant;
use url::Url;

/// The longest body of an answer, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Makes the requests that are left, and the endpoint of the connection out of their answers.
pub(super) async fn run(steps: &HttpSteps, endpoint: &Endpoint) -> Result<Endpoint, Failure> {
    let began = Instant::now();
    let mut is_first = true;
    loop {
        let request = steps.preparation.borrow_mut().request(&steps.base);
        let Some(request) = request else { break };
        is_first = false;
        let late = |_| Failure::new(Phase::Connect, Reason::TimedOut, format!("no answer to {}", request.method));
        let answer = tokio::time::timeout(request.timeout, send(endpoint, &request)).await.map_err(late)??;
        endpoint.route.log.tell(|| format!("HTTP {} to the {} before it", answer.status, request.method));
        steps.preparation.borrow_mut().answer(&steps.base, &answer)?;
    }
    // A redial asks for nothing anew.
    steps.took.set((!is_first).then(|| began.elapsed()));
    let connect = steps.preparation.borrow_mut().connect(&steps.base);
    let Connect { url, headers, subprotocol, wire } = steps.own.over(connect);
    let url = Url::parse(&url).map_err(|error| unfit(format!("the dialect's URL: {error}")))?;
    Ok(Endpoint { url, headers, subprotocol, wire, before: None, ..endpoint.clone() })
}

/// Sends one request on a connection of its own; follows no redirect.
async fn send(endpoint: &Endpoint, request: &HttpRequest) -> Result<HttpAnswer, Failure> {
    let url = Url::parse(&request.url).map_err(|error| unfit(format!("the URL of [[before]]: {error}")))?;
    let host = url.host_str().ok_or_else(|| unfit("the URL of [[before]] names no host".to_owned()))?;
    let port = url.port_or_known_default().unwrap_or(80);
    // The target itself is dialled where the connection will be.
    let is_target = (url.host_str(), url.port_or_known_default())
        == (endpoint.url.host_str(), endpoint.url.port_or_known_default());
    let (to, at) = match &endpoint.route.connect_to {
        Some((host, port)) if is_target => (host.as_str(), *port),
        _ => (host, port),
    };
    let mut stream = open_stream(&endpoint.route, &endpoint.user_agent, to, at).await?;
    if url.scheme() == "https" {
        stream = endpoint.route.secure(host, stream).await?;
    }
    let mut request = message(endpoint, &url, request.method, &request.headers, request.body.as_deref())?;
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    exchange(stream, request, async |response| {
        let (head, body) = response.into_parts();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
        let body = body.map_err(|error| unfit(format!("the answer to [[before]]: {error}")))?.to_bytes();
        Ok(HttpAnswer { status: head.status.as_u16(), headers, body: String::from_utf8_lossy(&body).into_owned() })
    })
    .await
}

/// The answer to a single request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpReply {
    pub status: u16,
    /// Decoded, if it came as gzip, and cut after the most bytes that were wanted.
    pub body: Vec<u8>,
}

/// Gets `url` on a connection of its own; follows no redirect. Bytes that came before a connection broke still count.
///
/// # Errors
/// The failure of the connection or of the request, in phase `connect`.
pub async fn get(
    route: &Connector,
    url: &Url,
    headers: &[(String, String)],
    bytes_max: usize,
) -> Result<HttpReply, Failure> {
    single(route, "GET", url, headers, vec![], bytes_max).await
}

/// Posts `body` to `url`, as `get` gets.
///
/// # Errors
/// As for `get`.
pub async fn post(
    route: &Connector,
    url: &Url,
    headers: &[(String, String)],
    body: Vec<u8>,
    bytes_max: usize,
) -> Result<HttpReply, Failure> {
    single(route, "POST", url, headers, body, bytes_max).await
}

async fn single(
    route: &Connector,
    method: &str,
    url: &Url,
    headers: &[(String, String)],
    body: Vec<u8>,
    bytes_max: usize,
) -> Result<HttpReply, Failure> {
    let user_agent = concat!("meshload/", env!("CARGO_PKG_VERSION"));
    let host = url.host_str().ok_or_else(|| unfit("the URL names no host".to_owned()))?;
    let mut stream = open_stream(route, user_agent, host, url.port_or_known_default().unwrap_or(80)).await?;
    if url.scheme() == "https" {
        stream = route.secure(host, stream).await?;
    }
    let mut message = head(method, url).header("user-agent", user_agent).header("accept-encoding", "gzip");
    message = message.header("connection", "close");
    if let Some(basic) =
        basic(url).filter(|_| !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")))
    {
        message = message.header("authorization", basic);
    }
    for (name, value) in headers {
        message = message.header(name, value);
    }
    let message = message.body(Full::new(Bytes::from(body))).map_err(|error| unfit(format!("the request: {error}")))?;
    exchange(stream, message, async |response| {
        let (head, mut incoming) = response.into_parts();
        let mut body = vec![];
        while let Some(Ok(frame)) = incoming.frame().await {
            body.extend_from_slice(frame.data_ref().map_or(&[][..], |data| &data[..]));
            if body.len() >= bytes_max {
                break;
            }
        }
        if head.headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
            let mut plain = vec![];
            // A member that ends too soon has given what it had.
            let _ = MultiGzDecoder::new(&body[..]).take(bytes_max as u64).read_to_end(&mut plain);
            body = plain;
        }
        body.truncate(bytes_max);
        Ok(HttpReply { status: head.status.as_u16(), body })
    })
    .await
}

/// Sends the request, and reads the answer with `read` while the connection is driven.
async fn exchange<T>(
    stream: Stream,
    message: Request<Full<Bytes>>,
    read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (mut sender, mut connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    driven(&mut connection, async { read(sender.send_request(message).await.map_err(failed)?).await }).await.0
}

/// The outcome of an exchange while its connection is driven, and true if the connection has ended.
pub(in crate::signaling) async fn driven<T>(
    connection: &mut (impl Future + Unpin),
    exchange: impl Future<Output = T>,
) -> (T, bool) {
    tokio::pin!(exchange);
    tokio::select! {
        outcome = &mut exchange => (outcome, false),
        // The answer may be complete although the server has closed.
        _ = connection => (exchange.await, true),
    }
}

/// The request line and the host of a request.
fn head(method: &str, url: &Url) -> hyper::http::request::Builder {
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    Request::builder().method(method).uri(path).header("host", host)
}

/// A request with what is usual beside its own headers.
pub(in crate::signaling) fn message(
    endpoint: &Endpoint,
    url: &Url,
    method: &str,
    headers: &[(String, String)],
    body: Option<&str>,
) -> Result<Request<Full<Bytes>>, Failure> {
    let mut message = head(method, url);
    let has = |name: &str| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    let is_json = |body: &str| body.starts_with(['{', '[']);
    let kind = |body| if is_json(body) { "application/json" } else { "text/plain; charset=utf-8" };
    let usual = [
        ("user-agent", Some(endpoint.user_agent.clone())),
        ("authorization", basic(url)),
        ("content-type", body.map(|body| kind(body).to_owned())),
        ("origin", endpoint.origin.clone()),
        ("traceparent", endpoint.header("traceparent").map(str::to_owned)),
    ];
    for (name, value) in usual {
        if let Some(value) = value.filter(|_| !has(name)) {
            message = message.header(name, value);
        }
    }
    for (name, value) in headers {
        message = message.header(name, value);
    }
    message
        .body(Full::new(Bytes::from(body.unwrap_or_default().to_owned())))
        .map_err(|error| unfit(format!("an HTTP request: {error}")))
}

pub(in crate::signaling) fn failed(error: hyper::Error) -> Failure {
    match std::error::Error::source(&error).and_then(|source| source.downcast_ref::<std::io::Error>()) {
        Some(error) => io_failure(error),
        None => unfit(format!("HTTP: {error}")),
    }
}

pub(in crate::signaling) fn unfit(why: String) -> Failure {
    Failure::new(Phase::Connect, Reason::Protocol, why)
}
