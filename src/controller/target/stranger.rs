//! Looks at a target as a client of no planned peer: its first frame, and whether a dialect's join gets through.

use super::endpoint::Endpoints;
use crate::dialect::{Conversation, Dialect, Input, Output};
use crate::signaling::{SignalingConnection, dial};
use crate::vocabulary::{Failure, FrameNote, Heard, Phase, Reason, Say};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// The end of a join that one client tried.
pub struct TriedJoin {
    /// The URL that was dialled; empty if it does not parse.
    pub url: String,
    /// The time from the dial to the join.
    pub result: Result<Duration, Failure>,
    pub frames: usize,
    /// The frames and values that the dialect could not use.
    pub notes: Vec<Arc<FrameNote>>,
}

/// The frame that the target says first to a client that only connects, as `dialect` does; `None` if it says nothing.
///
/// # Errors
/// The failure of the connection, or of the runtime's start.
pub fn first_frame(endpoints: &Endpoints, dialect: &Dialect, at_most: Duration) -> Result<Option<String>, Failure> {
    let endpoint = endpoints.any(dialect).map_err(|error| connect_failure(error.to_string()))?;
    let first = async {
        let until = (Instant::now() + at_most).into();
        let mut connection =
            timeout_at(until, dial(&endpoint)).await.map_err(|_| Failure::timed_out(Phase::Connect))??;
        let frame = timeout_at(until, std::future::poll_fn(|context| connection.poll_frame(context))).await;
        Ok(frame.ok().and_then(Result::ok).map(|frame| frame.as_str().to_owned()))
    };
    block_on(first).map_err(|error| connect_failure(error.to_string()))?
}

/// Joins a room of one, and leaves it.
///
/// # Errors
/// The runtime can't start.
pub fn try_join(endpoints: &Endpoints, dialect: &Dialect, at_most: Duration) -> io::Result<TriedJoin> {
    let (endpoint, mut conversation) = endpoints.stranger(dialect);
    let mut tried =
        TriedJoin { url: String::new(), result: Err(Failure::timed_out(Phase::Join)), frames: 0, notes: vec![] };
    let endpoint = match endpoint {
        Ok(endpoint) => endpoint,
        Err(error) => {
            tried.result = Err(connect_failure(error.to_string()));
            return Ok(tried);
        }
    };
    tried.url = endpoint.url.to_string();
    block_on(async {
        let began = Instant::now();
        let until = began + at_most;
        tried.result = match timeout_at(until.into(), dial(&endpoint)).await {
            Ok(Ok(connection)) => {
                join(&mut tried, &mut *conversation, connection, until).await.map(|()| began.elapsed())
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::timed_out(Phase::Connect)),
        };
    })?;
    Ok(tried)
}

async fn join(
    tried: &mut TriedJoin,
    conversation: &mut dyn Conversation,
    mut connection: Box<dyn SignalingConnection>,
    until: Instant,
) -> Result<(), Failure> {
    conversation.handle(Instant::now(), Input::Open);
    conversation.handle(Instant::now(), Input::Turn);
    while !drain(tried, conversation, &mut *connection)? {
        flush(&mut *connection).await?;
        let wake = conversation.wake_at().map_or(until, |wake| wake.min(until));
        match timeout_at(wake.into(), std::future::poll_fn(|context| connection.poll_frame(context))).await {
            Ok(frame) => {
                tried.frames += 1;
                conversation.handle(Instant::now(), Input::Frame(frame?.as_str()));
            }
            Err(_) if Instant::now() >= until => {
                let waits = conversation.waits_for().unwrap_or_default();
                return Err(Failure::new(Phase::Join, Reason::TimedOut, waits));
            }
            Err(_) => conversation.handle(Instant::now(), Input::Wake),
        }
    }
    conversation.handle(Instant::now(), Input::Say(Say::Leave));
    drain(tried, conversation, &mut *connection)?;
    let leave = async {
        // The join is what was tried; a leave that fails changes nothing.
        let _ = flush(&mut *connection).await;
        std::future::poll_fn(|context| connection.poll_close(context)).await;
    };
    let _ = timeout_at(until.into(), leave).await;
    Ok(())
}

/// Sends what the conversation says; true once it has joined.
fn drain(
    tried: &mut TriedJoin,
    conversation: &mut dyn Conversation,
    connection: &mut dyn SignalingConnection,
) -> Result<bool, Failure> {
    let mut has_joined = false;
    while let Some(output) = conversation.poll() {
        match output {
            Output::Send { text, .. } => connection.push(text)?,
            Output::Heard(Heard::Joined) => has_joined = true,
            Output::Heard(Heard::Refused(failure)) => return Err(failure),
            Output::Note(note) => tried.notes.push(note),
            _ => {}
        }
    }
    Ok(has_joined)
}

async fn flush(connection: &mut dyn SignalingConnection) -> Result<(), Failure> {
    std::future::poll_fn(|context| connection.poll_flush(context)).await
}

fn connect_failure(detail: String) -> Failure {
    Failure::new(Phase::Connect, Reason::Protocol, detail)
}

fn block_on<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(done)
}
