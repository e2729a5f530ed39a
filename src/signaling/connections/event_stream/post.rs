//! Frames as HTTP POSTs, one after the other, on a connection that is kept while the server keeps it.

use crate::signaling::dial::http::{driven, failed, message, unfit};
use crate::signaling::dial::{Endpoint, open_secured};
use crate::signaling::stream::Stream;
use crate::vocabulary::{Failure, Phase, Reason};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use url::Url;

/// The longest body of an answer, in bytes. It is read and dropped.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A connection for POSTs that waits for its next.
pub(super) struct PostSocket {
    sender: SendRequest<Full<Bytes>>,
    connection: Connection<TokioIo<Stream>, Full<Bytes>>,
    /// The server has closed it.
    ended: bool,
}

/// A POST on its way; it ends with the connection, once the server has answered.
pub(super) struct Posting {
    pub done: Pin<Box<dyn Future<Output = Result<PostSocket, Failure>>>>,
    /// The request has been handed to the socket.
    pub is_sent: Rc<Cell<bool>>,
}

impl Posting {
    /// Posts a frame: a line with its URL, and the body.
    pub(super) fn start(endpoint: Rc<Endpoint>, frame: String, kept: Option<PostSocket>) -> Self {
        let is_sent = Rc::new(Cell::new(false));
        let sent = is_sent.clone();
        let done = Box::pin(async move {
            let posted = post(&endpoint, &frame, kept, &sent).await;
            posted.map_err(|failure| Failure { phase: Phase::Join, ..failure })
        });
        Self { done, is_sent }
    }
}

async fn post(
    endpoint: &Endpoint,
    frame: &str,
    kept: Option<PostSocket>,
    is_sent: &Cell<bool>,
) -> Result<PostSocket, Failure> {
    let (to, body) = frame.split_once('\n').unwrap_or(("", frame));
    let url = endpoint.url.join(to).map_err(|error| unfit(format!("the URL of a POST: {error}")))?;
    if url.origin() != endpoint.url.origin() {
        return Err(unfit("a POST to another server than the event stream's is not spoken".to_owned()));
    }
    if let Some(mut socket) = kept
        && is_open(&mut socket).await
        && let Some(posted) = exchange(endpoint, &url, body, socket, is_sent).await?
    {
        return Ok(posted);
    }
    // The server had closed the connection before it read the request (RFC 9112 §9.3.1).
    let socket = open_socket(endpoint).await?;
    let closed = || Failure::new(Phase::Join, Reason::Closed, "no answer to a POST");
    exchange(endpoint, &url, body, socket, is_sent).await?.ok_or_else(closed)
}

/// Opens a connection for HTTP requests.
async fn open_socket(endpoint: &Endpoint) -> Result<PostSocket, Failure> {
    let stream = open_secured(endpoint).await?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(failed)?;
    Ok(PostSocket { sender, connection, ended: false })
}

/// Looks once whether the server has closed the connection.
async fn is_open(socket: &mut PostSocket) -> bool {
    !socket.ended
        && poll_fn(|context| Poll::Ready(Pin::new(&mut socket.connection).poll(context).is_pending())).await
        && !socket.sender.is_closed()
}

/// Sends a request and reads its answer; `None` if the connection closed without one.
async fn exchange(
    endpoint: &Endpoint,
    url: &Url,
    body: &str,
    mut socket: PostSocket,
    is_sent: &Cell<bool>,
) -> Result<Option<PostSocket>, Failure> {
    let request = message(endpoint, url, "POST", &endpoint.headers, Some(body))?;
    let is_answered = answered(&mut socket, request, is_sent).await?;
    Ok(is_answered.then_some(socket))
}

/// Sends a request and reads its answer, which is an error unless its status is 2xx; false without an answer.
async fn answered(
    PostSocket { sender, connection, ended }: &mut PostSocket,
    request: hyper::Request<Full<Bytes>>,
    is_sent: &Cell<bool>,
) -> Result<bool, Failure> {
    let exchange = async {
        let response = match sender.send_request(request).await {
            Err(error) if error.is_canceled() || error.is_incomplete_message() || error.is_closed() => {
                return Ok(false);
            }
            response => response.map_err(failed)?,
        };
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        body.map_err(|error| unfit(format!("the answer to a POST: {error}")))?;
        match head.status.is_success() {
            true => Ok(true),
            false => {
                let detail = format!("HTTP {} to a POST", head.status.as_u16());
                Err(Failure::new(Phase::Join, Reason::Rejected, detail))
            }
        }
    };
    is_sent.set(true);
    let (is_answered, has_ended) = driven(connection, exchange).await;
    *ended |= has_ended;
    is_answered
}
