//! Server-sent events with HTTP POST: frames come as events of one request, and go out as requests of their own.

mod parser;
mod post;
mod shared;

use super::{Frame, SignalingConnection};
use crate::signaling::dial::http::{driven, failed, message};
use crate::signaling::dial::{Endpoint, open_secured};
use crate::signaling::limits::Waiting;
use crate::vocabulary::{Failure, Phase, Reason};
use http_body_util::Full;
use hyper::Response;
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::{Connection, handshake};
use hyper::header::CONTENT_TYPE;
use hyper_util::rt::TokioIo;
use parser::EventParser;
use post::{PostSocket, Posting};
use shared::SharedStream;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

/// Parts of the stream without an event that are read before other peers of the worker have their turn.
const PARTS_BATCH: usize = 512;

/// An open stream of events, and the POSTs beside it.
pub(in crate::signaling) struct EventStream {
    endpoint: Rc<Endpoint>,
    stream: SharedStream,
    connection: Connection<TokioIo<SharedStream>, Full<Bytes>>,
    /// The connection is closed; its last bytes may not be read yet.
    ended: bool,
    body: Incoming,
    parser: EventParser,
    frames: VecDeque<Frame>,
    /// The stream's failure, which is told after the frames before it.
    failed: Option<Failure>,
    outbox: VecDeque<String>,
    waiting: Waiting,
    posting: Option<Posting>,
    kept: Option<PostSocket>,
    dial_waited: Duration,
}

impl EventStream {
    /// Requests the stream; open once its head has come.
    ///
    /// # Errors
    /// The failure of the attempt, in phase `connect`.
    pub(in crate::signaling) async fn open(endpoint: &Endpoint) -> Result<Self, Failure> {
        let stream = SharedStream::new(open_secured(endpoint).await?);
        let headers: Vec<_> = [("Accept", "text/event-stream"), ("Cache-Control", "no-cache")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .chain(endpoint.headers.iter().cloned())
            .collect();
        let request = message(endpoint, &endpoint.url, "GET", &headers, None)?;
        let (mut sender, mut connection) = handshake(TokioIo::new(stream.clone())).await.map_err(failed)?;
        let (response, ended) = driven(&mut connection, sender.send_request(request)).await;
        let body = body_of(response.map_err(failed)?)?;
        endpoint.route.log.tell(|| "HTTP 200, a stream of events".to_owned());
        let limits = endpoint.route.limits.clone();
        Ok(Self {
            parser: EventParser::new(limits.message_bytes_max),
            waiting: Waiting::new(limits),
            endpoint: Rc::new(endpoint.clone()),
            dial_waited: stream.take_waited(),
            stream,
            connection,
            ended,
            body,
            frames: VecDeque::new(),
            failed: None,
            outbox: VecDeque::new(),
            posting: None,
            kept: None,
        })
    }

    /// Drives the POST that is on its way, if any; ready once there is none.
    fn poll_posting(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        if let Some(posting) = &mut self.posting {
            let kept = ready!(posting.done.as_mut().poll(context));
            self.posting = None;
            self.kept = Some(kept?);
        }
        Poll::Ready(Ok(()))
    }
}

/// The stream's body, if the answer is one.
fn body_of(response: Response<Incoming>) -> Result<Incoming, Failure> {
    let refused = |reason, detail: String| Err(Failure::new(Phase::Connect, reason, detail));
    if response.status() != 200 {
        return refused(Reason::Rejected, format!("HTTP {}", response.status().as_u16()));
    }
    let kind = response.headers().get(CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap_or_default());
    if kind.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("text/event-stream")) {
        return refused(Reason::Protocol, "the answer is no text/event-stream".to_owned());
    }
    Ok(response.into_body())
}

impl SignalingConnection for EventStream {
    fn push(&mut self, text: String) -> Result<(), Failure> {
        self.waiting.admit(text.len(), "the server stopped answering POSTs")?;
        self.outbox.push_back(text);
        Ok(())
    }

    fn is_waiting(&self) -> bool {
        self.unsent() > 0
    }

    fn unsent(&self) -> usize {
        self.outbox.len() + usize::from(self.posting.as_ref().is_some_and(|posting| !posting.is_sent.get()))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        loop {
            if self.poll_posting(context)?.is_pending() {
                break;
            }
            let Some(frame) = self.outbox.pop_front() else { break };
            self.posting = Some(Posting::start(self.endpoint.clone(), frame, self.kept.take()));
        }
        if self.unsent() > 0 {
            return Poll::Pending;
        }
        self.waiting.clear();
        Poll::Ready(Ok(()))
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Frame, Failure>> {
        for _ in 0..PARTS_BATCH {
            if let Some(frame) = self.frames.pop_front() {
                return Poll::Ready(Ok(frame));
            }
            if let Some(failure) = self.failed.take() {
                return Poll::Ready(Err(failure));
            }
            // The next one is sent by `poll_flush`.
            let _ = self.poll_posting(context)?;
            self.ended = self.ended || Pin::new(&mut self.connection).poll(context).is_ready();
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(part))) => {
                    let Ok(part) = part.into_data() else { continue };
                    self.failed = self.parser.take(&part, &mut self.frames).err();
                }
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Err(Failure { phase: Phase::Join, ..failed(error) }));
                }
                Poll::Pending if !self.ended => return Poll::Pending,
                Poll::Ready(None) | Poll::Pending => {
                    return Poll::Ready(Err(Failure::new(Phase::Join, Reason::Closed, "end of the event stream")));
                }
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn stamp(&self) -> Option<SystemTime> {
        self.stream.stamp()
    }

    fn dial_waited(&self) -> Duration {
        self.dial_waited
    }

    /// Waits for the answer to the last POST, which the server may drop with its connection.
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.poll_posting(context).map(|_| ())
    }
}

#[cfg(test)]
mod tests;
