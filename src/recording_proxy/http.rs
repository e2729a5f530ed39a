//! HTTP/1.1 heads and bodies, as far as a proxy reads them (RFC 9112).

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest head of a request or response, in bytes.
const HEAD_BYTES_MAX: usize = 64 << 10;
const READ_BYTES: usize = 16 << 10;

/// A start line and its headers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Head {
    /// `GET /path HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub start: String,
    pub headers: Vec<(String, String)>,
}

impl Head {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.split("\r\n");
        let start = lines.next().filter(|start| start.contains("HTTP/1."))?.to_owned();
        let pair =
            |line: &str| line.split_once(':').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        let headers = lines.filter(|line| !line.is_empty()).map(pair).collect::<Option<_>>()?;
        Some(Self { start, headers })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        crate::recording::header(&self.headers, name)
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
    }

    /// Replaces a header, or adds it.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// The words of the start line, at most three.
    pub(super) fn words(&self) -> [&str; 3] {
        let mut words = self.start.splitn(3, ' ');
        std::array::from_fn(|_| words.next().unwrap_or_default())
    }

    pub(super) fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    pub(super) fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"))
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        // Each char was one byte (`read_head`).
        format!("{}\r\n{headers}\r\n", self.start).chars().map(|letter| letter as u8).collect()
    }
}

/// Reads a head into `buffer`, and leaves there what follows it; `None` at the end of the stream.
///
/// # Errors
/// The stream's own, a head over 64 KiB, or something that is not HTTP/1.
pub(super) async fn read_head(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> io::Result<Option<Head>> {
    let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why);
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = buffer.split_off(end + 4);
            // Latin-1, so that any byte of a header survives (RFC 9110 §5.5).
            let text: String = std::mem::replace(buffer, rest)[..end].iter().map(|byte| char::from(*byte)).collect();
            return Head::parse(&text).map(Some).ok_or_else(|| invalid("not HTTP/1.1"));
        }
        if buffer.len() > HEAD_BYTES_MAX {
            return Err(invalid("a head over 64 KiB"));
        }
        let mut chunk = vec![0; READ_BYTES];
        let count = stream.read(&mut chunk).await?;
        buffer.extend_from_slice(&chunk[..count]);
        if count == 0 {
            return if buffer.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    }
}

/// The content of a chunked body (RFC 9112 §7.1), as far as it goes.
pub(super) fn dechunked(mut body: &[u8]) -> Vec<u8> {
    let mut content = vec![];
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&body[..end]).ok().and_then(|line| line.split(';').next());
        let size = size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok()).unwrap_or(0);
        let rest = &body[end + 2..];
        if size == 0 {
            break;
        }
        content.extend_from_slice(&rest[..size.min(rest.len())]);
        body = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_written_as_it_was_read() {
        let text = "GET /a?b HTTP/1.1\r\nHost: h\r\nX: \u{e9} y:z\r\n\r\n";
        let head = Head::parse(text.trim_end()).unwrap();
        assert_eq!((head.words(), head.header("host")), (["GET", "/a?b", "HTTP/1.1"], Some("h")));
        assert_eq!(head.bytes(), text.chars().map(|letter| letter as u8).collect::<Vec<_>>());
        assert_eq!(Head::parse("hello"), None);
        assert_eq!(Head::parse("GET / HTTP/1.1\r\nno header"), None);
    }

    #[test]
    fn chunks_are_joined_and_a_cut_one_ends_them() {
        assert_eq!(dechunked(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"), b"abcde");
        assert_eq!(dechunked(b"ffff\r\nabc"), b"abc");
        assert_eq!(dechunked(b"x"), b"");
    }

    #[tokio::test]
    async fn a_head_in_parts_is_waited_for_and_what_follows_is_kept() {
        let mut stream = tokio_test_stream(&[b"HTTP/1.1 200 ", b"OK\r\nA: b\r\n", b"\r\nrest"]);
        let mut buffer = vec![];
        let head = read_head(&mut stream, &mut buffer).await.unwrap().unwrap();
        assert_eq!((head.start.as_str(), buffer.as_slice()), ("HTTP/1.1 200 OK", b"rest".as_slice()));
        assert!(read_head(&mut stream, &mut buffer).await.is_err(), "the stream ends within a head");
        assert_eq!(read_head(&mut &b""[..], &mut vec![]).await.unwrap(), None);
    }

    fn tokio_test_stream(parts: &[&'static [u8]]) -> impl AsyncRead + Unpin + use<> {
        let mut chain: Box<dyn AsyncRead + Unpin> = Box::new(&b""[..]);
        for part in parts.iter().rev() {
            chain = Box::new((*part).chain(chain));
        }
        chain
    }
}
