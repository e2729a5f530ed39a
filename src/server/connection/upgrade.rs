//! The HTTP request before the WebSocket: `/ws/` upgrades, `/` is the page, any other path gets a line of text.

use crate::server::connection::transport::ClientTransport;
use crate::server::page;
use std::io;
use std::time::Duration;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::{Request, create_response, write_response};

const HEAD_BYTES_MAX: usize = 16 << 10;
/// Time limit for a client's request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, PartialEq, Eq)]
enum UpgradeReply {
    /// The request is incomplete.
    Incomplete,
    /// Accepted; `head` is the length of the request in bytes.
    Upgrade {
        head: usize,
        response: Vec<u8>,
    },
    Page(Vec<u8>),
}

/// Answers the client's request. Returns the bytes after the request if the connection is now a WebSocket, and `None` if
/// it got a page. A client that is not `admitted` gets HTTP 429.
///
/// # Errors
/// The socket's error, or the request is incomplete at its end or after 10 s.
pub(super) async fn upgrade(stream: &ClientTransport, admitted: bool) -> io::Result<Option<Vec<u8>>> {
    tokio::time::timeout(REQUEST_TIMEOUT, async {
        let mut request = Vec::with_capacity(1 << 10);
        loop {
            match answer(&request, admitted) {
                UpgradeReply::Incomplete => {}
                UpgradeReply::Upgrade { head, response } => {
                    write_all(stream, &response).await?;
                    return Ok(Some(request.split_off(head)));
                }
                UpgradeReply::Page(response) => {
                    write_all(stream, &response).await?;
                    return Ok(None);
                }
            }
            stream.readable().await?;
            match stream.try_read(&mut request) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
    })
    .await?
}

fn answer(request: &[u8], admitted: bool) -> UpgradeReply {
    let (head, request) = match Request::try_parse(request) {
        Ok(Some(parsed)) => parsed,
        Ok(None) if request.len() < HEAD_BYTES_MAX => return UpgradeReply::Incomplete,
        Ok(None) => return line("431 Request Header Fields Too Large", "The request's head is too long.\n"),
        Err(_) => return line("400 Bad Request", "This is not HTTP.\n"),
    };
    match request.uri().path() {
        "/ws/" if !admitted => return line("429 Too Many Requests", "Too many connections of this address.\n"),
        "/ws/" if request.headers().contains_key("upgrade") => {}
        "/" => return UpgradeReply::Page(page::response()),
        _ => return line("404 Not Found", "Nothing here: the WebSocket is at /ws/\n"),
    }
    let mut response = vec![];
    match create_response(&request).and_then(|upgrade| write_response(&mut response, &upgrade)) {
        Ok(()) => UpgradeReply::Upgrade { head, response },
        Err(error) => line("400 Bad Request", &format!("{error}\n")),
    }
}

fn line(status: &str, text: &str) -> UpgradeReply {
    let length = text.len();
    UpgradeReply::Page(
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{text}"
        )
        .into_bytes(),
    )
}

async fn write_all(stream: &ClientTransport, mut bytes: &[u8]) -> io::Result<()> {
    loop {
        let tried = if bytes.is_empty() { stream.try_flush().map(|()| 0) } else { stream.try_write(bytes) };
        match tried {
            Ok(_) if bytes.is_empty() => return Ok(()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPGRADE: &str = "Host: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                           Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    fn status(request: &str) -> String {
        match answer(request.as_bytes(), true) {
            UpgradeReply::Incomplete => "more".into(),
            UpgradeReply::Upgrade { response, .. } | UpgradeReply::Page(response) => {
                String::from_utf8(response).unwrap().split(' ').nth(1).unwrap().into()
            }
        }
    }

    #[test]
    fn only_an_upgrade_of_the_one_path_is_a_websocket() {
        let check = |request: String, expected: &str| assert_eq!(status(&request), expected, "{request}");
        check(format!("GET /ws/ HTTP/1.1\r\n{UPGRADE}"), "101");
        check(format!("GET /ws/?token=1 HTTP/1.1\r\n{UPGRADE}"), "101");
        for path in ["/ws", "/ws/x", "//ws/", "/other"] {
            check(format!("GET {path} HTTP/1.1\r\n{UPGRADE}"), "404");
        }
        check("GET /ws/ HTTP/1.1\r\nHost: h\r\n\r\n".into(), "404");
        check("GET / HTTP/1.1\r\nHost: h\r\n\r\n".into(), "200");
        check(format!("POST /ws/ HTTP/1.1\r\n{UPGRADE}"), "400");
        check(format!("GET /ws/ HTTP/1.1\r\n{}", UPGRADE.replace("13", "12")), "400");
        check("\u{1}\r\n\r\n".into(), "400");
        check(format!("GET /ws/ HTTP/1.1\r\nX: {}", "x".repeat(HEAD_BYTES_MAX)), "431");
    }

    #[test]
    fn a_request_in_parts_is_waited_for_and_what_follows_it_is_kept() {
        let request = format!("GET /ws/ HTTP/1.1\r\n{UPGRADE}");
        for end in 0..request.len() {
            assert_eq!(answer(&request.as_bytes()[..end], true), UpgradeReply::Incomplete, "{end} bytes");
        }
        let UpgradeReply::Upgrade { head, .. } = answer(format!("{request}rest").as_bytes(), true) else {
            panic!("no upgrade");
        };
        assert_eq!(head, request.len());
    }
}
