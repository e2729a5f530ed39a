//! Tunnels through an HTTP proxy with `CONNECT` (RFC 9110 §9.3.6).

use super::Proxy;
use crate::signaling::io_failure;
use crate::signaling::stream::Stream;
use crate::vocabulary::{Failure, Phase, Reason};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Longest response head of a proxy, in bytes.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Asks the proxy at the other end of `stream` for a tunnel to `host`.
///
/// # Errors
/// The proxy refused, or its answer is no HTTP.
pub(in crate::signaling) async fn open_tunnel(
    mut stream: Stream,
    proxy: &Proxy,
    host: &str,
    port: u16,
    user_agent: &str,
) -> Result<Stream, Failure> {
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: {user_agent}\r\n");
    if let Some(authorization) = &proxy.authorization {
        request.push_str(&format!("Proxy-Authorization: {}\r\n", authorization.reveal()));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| proxy_failure(io_failure(&error)))?;
    stream.flush().await.map_err(|error| proxy_failure(io_failure(&error)))?;
    let head = read_head(&mut stream).await?;
    match status(&head) {
        Some(200..=299) => Ok(stream),
        Some(407) => Err(connect_failure(
            Reason::Rejected,
            "proxy: HTTP 407; credentials go into its URL, http://USER:PASSWORD@HOST:PORT",
        )),
        Some(status) => Err(connect_failure(Reason::Rejected, format!("proxy: HTTP {status}"))),
        None => Err(connect_failure(Reason::Protocol, "proxy: not HTTP")),
    }
}

/// Marks a failure as the proxy's, not the target's.
pub(in crate::signaling) fn proxy_failure(failure: Failure) -> Failure {
    Failure { detail: format!("proxy: {}", failure.detail).into(), ..failure }
}

/// Reads up to the empty line, one byte at a time: the bytes after it belong to the tunnel.
async fn read_head(stream: &mut Stream) -> Result<Vec<u8>, Failure> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_BYTES_MAX {
            return Err(connect_failure(Reason::Protocol, "proxy: an answer without end"));
        }
        head.push(stream.read_u8().await.map_err(|error| proxy_failure(io_failure(&error)))?);
    }
    Ok(head)
}

fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|&byte| byte == b'\r').next()?;
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let digits = rest.get(2..5).filter(|_| rest.get(1) == Some(&b' '))?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn connect_failure(reason: Reason, detail: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::new(Phase::Connect, reason, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_from_the_first_line() {
        let check = |head: &str, expected: Option<u16>| assert_eq!(status(head.as_bytes()), expected, "{head}");
        check("HTTP/1.1 200 Connection established\r\n\r\n", Some(200));
        check("HTTP/1.0 403 Forbidden\r\nA: b\r\n\r\n", Some(403));
        check("HTTP/1.1 407\r\n\r\n", Some(407));
        check("HTTP/2 200\r\n\r\n", None);
        check("SSH-2.0-x\r\n\r\n", None);
        check("HTTP/1.1 2x0 \r\n\r\n", None);
        check("\r\n\r\n", None);
    }
}
