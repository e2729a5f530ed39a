//! Servers of event streams that offend: each costs the one connection, by its own name and within the bounds.

use super::*;
use crate::dialect::Wire;
use crate::signaling::{Connector, Limits};
use std::future::poll_fn;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n";

/// A server that gives the first request `stream`, and each other one `answer`; then it closes that connection.
async fn endpoint(stream: String, answer: &'static str) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/events/all", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        let mut first = Some(stream);
        while let Ok((mut socket, _)) = listener.accept().await {
            let said = first.take();
            let is_stream = said.is_some();
            let said = said.unwrap_or_else(|| answer.to_owned());
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let length = socket.read(&mut request).await.unwrap();
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                let expected = if is_stream { "GET /events/all HTTP/1.1" } else { "POST /events/peer%2F2 HTTP/1.1" };
                assert!(request.starts_with(expected) && request.contains("x-own: 1"), "{request}");
                socket.write_all(said.as_bytes()).await.ok();
                if is_stream && said.ends_with("\n\n") {
                    // Held open until the client goes.
                    socket.read_to_end(&mut vec![]).await.ok();
                }
            });
        }
    });
    Endpoint {
        url,
        headers: vec![("x-own".to_owned(), "1".to_owned())],
        subprotocol: None,
        origin: None,
        user_agent: "test".to_owned(),
        route: Arc::new(Connector { limits: Limits::new(1024), ..Connector::default() }),
        wire: Wire::EventStream,
        before: None,
    }
}

/// The frames of a stream until it fails, and the failure.
async fn play(stream: String) -> (Vec<String>, Failure) {
    let mut frames = vec![];
    let mut connection = match EventStream::open(&endpoint(stream, "").await).await {
        Ok(connection) => connection,
        Err(failure) => return (frames, failure),
    };
    loop {
        match poll_fn(|context| connection.poll_frame(context)).await {
            Ok(frame) => frames.push(frame.as_str().to_owned()),
            Err(failure) => return (frames, failure),
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_no_stream_is_told_by_its_name() {
    let check = async |answer: &str, reason: Reason, words: &str| {
        let (frames, failure) = play(answer.to_owned()).await;
        assert_eq!((failure.phase, failure.reason), (Phase::Connect, reason), "{answer}: {failure}");
        assert!(frames.is_empty() && failure.detail.contains(words), "{answer}: {failure}");
    };
    check("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Reason::Rejected, "HTTP 404").await;
    check("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", Reason::Rejected, "HTTP 302").await;
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi";
    check(page, Reason::Protocol, "no text/event-stream").await;
    check("SSH-2.0-server\r\n", Reason::Protocol, "HTTP").await;
    check(&format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(1 << 20)), Reason::Protocol, "HTTP").await;
}

#[tokio::test]
async fn a_stream_that_ends_or_never_ends_a_line_fails_after_what_came_before() {
    let (frames, failure) = play(format!("{HEAD}data: one\n\n:\n\ndata: two\n\ndata: cut")).await;
    assert_eq!((frames, failure.reason), (vec!["one".to_owned(), "two".to_owned()], Reason::Closed));
    let (frames, failure) = play(format!("{HEAD}data: one\n\ndata: {}", "x".repeat(1 << 20))).await;
    assert_eq!((frames.len(), &*failure.detail), (1, "an event over 1 KiB"));
}

#[tokio::test]
async fn a_post_goes_to_its_url_and_a_refused_one_ends_the_peer() {
    let posted = async |answer: &'static str, frame: &str| {
        let mut connection = EventStream::open(&endpoint(format!("{HEAD}:\n\n"), answer).await).await.unwrap();
        connection.push(frame.to_owned()).unwrap();
        assert_eq!((connection.is_waiting(), connection.unsent()), (true, 1));
        poll_fn(|context| connection.poll_flush(context)).await?;
        assert_eq!((connection.is_waiting(), connection.unsent()), (false, 0));
        poll_fn(|context| connection.poll_posting(context)).await
    };
    let frame = "peer%2F2\n{\"a\":1}";
    let accepted = "HTTP/1.1 204 No Content\r\n\r\n";
    assert!(posted(accepted, frame).await.is_ok());
    let refused = posted("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", frame).await.unwrap_err();
    assert_eq!(
        (refused.phase, refused.reason, &*refused.detail),
        (Phase::Join, Reason::Rejected, "HTTP 403 to a POST")
    );
    assert_eq!(posted("", frame).await.unwrap_err().detail, "no answer to a POST");
    let elsewhere = posted(accepted, "http://127.0.0.1:1/x\n{}").await.unwrap_err();
    assert!(elsewhere.detail.contains("another server"), "{elsewhere}");
}
