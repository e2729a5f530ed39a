//! The scrape endpoint: the run's metrics as Prometheus reads them, at `/metrics`.

use super::MetricsFeed;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Open connections; further ones wait in the socket's backlog.
const CONNECTIONS_MAX: usize = 16;
/// The most time for the head of a request, and between two of a connection.
const HEAD_MAX: Duration = Duration::from_secs(30);
/// Pause after a failed accept: out of descriptors, the next one would fail at once.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// The header in which Prometheus says how long it waits for an answer, in seconds, such as `10`; later ones are dropped
/// (<https://prometheus.io/docs/instrumenting/writing_exporters/#deployment>).
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";
/// The wait of a scraper that does not say how long it waits.
const UNTOLD_TIMEOUT: Duration = Duration::from_secs(60);

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The scrapes so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scrapes {
    pub count: u64,
    at: Option<Instant>,
    /// The time between the last two.
    pub interval: Option<Duration>,
    /// The figures of a run that has ended are with a scraper.
    pub has_last: bool,
}

/// Serves until it is dropped.
pub(super) async fn serve(listener: std::net::TcpListener, feed: MetricsFeed, scrapes: watch::Sender<Scrapes>) {
    // Fails only outside of a runtime.
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn_local(connection(stream, feed.clone(), scrapes.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, feed: MetricsFeed, scrapes: watch::Sender<Scrapes>) {
    let last_wanted_until = Rc::new(Cell::new(None));
    let service = service_fn(|request: Request<Incoming>| {
        let (feed, scrapes, until) = (feed.clone(), scrapes.clone(), last_wanted_until.clone());
        async move { Ok::<_, Infallible>(answer(&request, &feed, &scrapes, &until).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    let served =
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX).serve_connection(TokioIo::new(stream), service);
    // The last figures go out on a connection that closes after them, so that they are on their way once it is over.
    if served.await.is_ok() && last_wanted_until.get().is_some_and(|until| Instant::now() < until) {
        scrapes.send_modify(|scrapes| scrapes.has_last = true);
    }
}

async fn answer(
    request: &Request<Incoming>,
    feed: &MetricsFeed,
    scrapes: &watch::Sender<Scrapes>,
    last_wanted_until: &Cell<Option<Instant>>,
) -> Response<Full<Bytes>> {
    let text = |status: StatusCode, text: &'static str| {
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    };
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/metrics" => {}
        "/" => return text(StatusCode::OK, "meshload: the metrics of the run are at /metrics\n"),
        _ => return text(StatusCode::NOT_FOUND, "the metrics of the run are at /metrics\n"),
    }
    let wanted_until = Instant::now() + scrape_timeout(request.headers());
    let latest = feed.fresh().await;
    let body = latest.as_ref().map_or_else(|| "# EOF\n".to_owned(), |snapshot| snapshot.text());
    let mut response = Response::new(Full::from(body));
    let wants = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let kind = if wants.contains("application/openmetrics-text") { OPENMETRICS } else { TEXT };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if request.method() == Method::GET {
        let now = Instant::now();
        scrapes.send_modify(|scrapes| {
            scrapes.count += 1;
            scrapes.interval = scrapes.at.map(|at| now.saturating_duration_since(at));
            scrapes.at = Some(now);
        });
        if latest.is_some_and(|snapshot| snapshot.has_ended) {
            last_wanted_until.set(Some(wanted_until));
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
    response
}

fn scrape_timeout(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(SCRAPE_TIMEOUT).and_then(|value| value.to_str().ok()?.parse().ok());
    let told = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    told.unwrap_or(UNTOLD_TIMEOUT).min(UNTOLD_TIMEOUT)
}
