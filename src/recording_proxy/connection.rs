//! One client's connection: its request goes to the server, then a body comes back, or a WebSocket's bytes go both ways.

use super::http::{Head, dechunked, read_head};
use super::journal::Journal;
use super::websocket::MessageReader;
use crate::recording::{RecordedRequest, RecordedResponse};
use crate::signaling::{Endpoint, open};
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Time limit for a client's request, and for the connection to the server.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of a body that are kept; the rest is passed on.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Longest body of a request, in bytes.
const REQUEST_BYTES_MAX: u64 = 16 << 20;
const READ_BYTES: usize = 16 << 10;

/// The server behind the proxy.
pub(super) struct Upstream {
    endpoint: Endpoint,
    /// `127.0.0.1:9000`, as the Host header says it.
    authority: String,
    is_secure: bool,
    /// The proxy's own address, which clients take for the server's.
    own: String,
}

impl Upstream {
    pub(super) fn new(endpoint: Endpoint, own: SocketAddr) -> Self {
        let authority = endpoint.url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let is_secure = endpoint.url.scheme() == "wss";
        Self { endpoint, authority, is_secure, own: own.to_string() }
    }

    /// `ws://server` or `https://server`.
    fn origin(&self, is_websocket: bool) -> String {
        let scheme = match (is_websocket, self.is_secure) {
            (true, true) => "wss",
            (true, false) => "ws",
            (false, true) => "https",
            (false, false) => "http",
        };
        format!("{scheme}://{}", self.authority)
    }

    /// `ws://server/path` or `https://server/path`.
    fn url(&self, is_websocket: bool, path: &str) -> String {
        self.origin(is_websocket) + path
    }

    /// Changes a request so that the server takes it for its own client's.
    fn address(&self, head: &mut Head, is_websocket: bool) {
        head.set("Host", &self.authority);
        let origin = self.origin(false);
        for name in ["Origin", "Referer"] {
            let own =
                head.header(name).and_then(|value| value.strip_prefix("http://")).and_then(|rest| self.after_own(rest));
            if let Some(rest) = own.map(str::to_owned) {
                head.set(name, &format!("{origin}{rest}"));
            }
        }
        // Compressed frames and bodies would not be readable.
        head.remove("Sec-WebSocket-Extensions");
        head.set("Accept-Encoding", "identity");
        if !is_websocket {
            head.set("Connection", "close");
        }
    }

    /// Changes a response so that the client stays with the proxy: redirects and cookies of the server's name.
    fn readdress(&self, head: &mut Head) {
        let origin = self.origin(false);
        for (name, value) in &mut head.headers {
            if name.eq_ignore_ascii_case("location") {
                let own = value.strip_prefix(origin.as_str());
                *value = own.map_or_else(
                    || value.clone(),
                    |rest| if rest.is_empty() { "/".to_owned() } else { rest.to_owned() },
                );
            }
            if name.eq_ignore_ascii_case("set-cookie") {
                let is_kept = |part: &&str| {
                    let part = part.trim().to_ascii_lowercase();
                    !part.starts_with("domain=") && part != "secure" && part != "samesite=none"
                };
                *value = value.split(';').filter(is_kept).collect::<Vec<_>>().join(";");
            }
        }
    }

    /// The rest of an URL without scheme after the proxy's own address, by whichever name of loopback.
    fn after_own<'a>(&self, url: &'a str) -> Option<&'a str> {
        let port = self.own.rsplit(':').next().unwrap_or_default();
        let rest = url.strip_prefix(&self.own).or_else(|| url.strip_prefix("localhost:")?.strip_prefix(port))?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }
}

/// Serves one connection from accept to close; a failure of either side ends it.
pub(super) async fn serve(mut client: TcpStream, upstream: Rc<Upstream>, journal: Rc<RefCell<Journal>>) {
    // Frames are small, and each waits for the other side.
    let _ = client.set_nodelay(true);
    let mut buffer = vec![];
    let Ok(Ok(Some(head))) = timeout(HEAD_TIMEOUT, read_head(&mut client, &mut buffer)).await else { return };
    let _ended = forward(&mut client, buffer, head, &upstream, &journal).await;
}

async fn forward(
    client: &mut TcpStream,
    buffer: Vec<u8>,
    mut head: Head,
    upstream: &Upstream,
    journal: &RefCell<Journal>,
) -> io::Result<()> {
    let is_websocket = head.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    let [method, path, _] = head.words();
    let (method, url) = (method.to_owned(), upstream.url(is_websocket, path));
    let length = head.content_length().unwrap_or(0);
    if head.is_chunked() || length > REQUEST_BYTES_MAX {
        return refuse(
            client,
            "411 Length Required",
            "meshload record forwards bodies of a known length, at most 16 MiB",
        )
        .await;
    }
    let mut body = buffer;
    if !is_websocket {
        let missing = length.saturating_sub(body.len() as u64);
        timeout(HEAD_TIMEOUT, (&mut *client).take(missing).read_to_end(&mut body)).await??;
    }
    upstream.address(&mut head, is_websocket);
    let kept = body[..body.len().min(BODY_BYTES_MAX).min(length as usize)].to_vec();
    let request = RecordedRequest { method, url, headers: head.headers.clone(), body: kept };
    let exchange = journal.borrow_mut().begin(request, is_websocket);
    let opened = match timeout(HEAD_TIMEOUT, open(&upstream.endpoint)).await {
        Ok(opened) => opened.map_err(|failure| failure.to_string()),
        Err(_) => Err("no answer in 10 s".to_owned()),
    };
    let mut server = match opened {
        Ok(server) => server,
        Err(why) => {
            let why = format!("meshload record can't reach the server: {why}");
            let unreached = RecordedResponse { status: 502, status_text: why.clone(), ..RecordedResponse::default() };
            journal.borrow_mut().respond(exchange, unreached);
            return refuse(client, "502 Bad Gateway", &why).await;
        }
    };
    server.write_all(&head.bytes()).await?;
    // Frames that came with the request are passed on, and recorded, once the server has agreed to them.
    let early = if is_websocket {
        body
    } else {
        server.write_all(&body).await?;
        vec![]
    };
    server.flush().await?;
    let mut buffer = vec![];
    let mut answer = read_answer(&mut server, &mut buffer).await?;
    let kept = answer.headers.clone();
    upstream.readdress(&mut answer);
    let [_, status, status_text] = answer.words();
    let mut response = RecordedResponse {
        status: status.parse().unwrap_or_default(),
        status_text: status_text.to_owned(),
        headers: kept,
        body: vec![],
    };
    if is_websocket && response.status == 101 {
        client.write_all(&answer.bytes()).await?;
        journal.borrow_mut().respond(exchange, response);
        // A client may speak before it has the server's answer; a server's first frame may ride with it.
        let tunnelled = tunnel(client, server, [early, buffer], exchange, journal).await;
        journal.borrow_mut().closed(exchange);
        return tunnelled;
    }
    answer.set("Connection", "close");
    client.write_all(&answer.bytes()).await?;
    let passed = pass_body(client, &mut server, buffer, answer.content_length(), &mut response.body).await;
    if answer.is_chunked() {
        response.body = dechunked(&response.body);
    }
    journal.borrow_mut().respond(exchange, response);
    passed
}

/// The server's final head: interim answers are dropped (RFC 9110 §15.2).
async fn read_answer(server: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> io::Result<Head> {
    loop {
        let head = read_head(server, buffer).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if head.words()[1] == "101" || !head.words()[1].starts_with('1') {
            return Ok(head);
        }
    }
}

/// Passes a response's body on, to its length or the end of the stream, and keeps its first MiB.
async fn pass_body(
    client: &mut TcpStream,
    server: &mut (impl AsyncRead + Unpin),
    mut bytes: Vec<u8>,
    length: Option<u64>,
    kept: &mut Vec<u8>,
) -> io::Result<()> {
    let mut left = length.unwrap_or(u64::MAX);
    loop {
        bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= bytes.len() as u64;
        kept.extend_from_slice(&bytes[..bytes.len().min(BODY_BYTES_MAX - kept.len())]);
        client.write_all(&bytes).await?;
        if left == 0 {
            break;
        }
        bytes.resize(READ_BYTES, 0);
        let count = server.read(&mut bytes).await?;
        bytes.truncate(count);
        if count == 0 {
            break;
        }
    }
    client.shutdown().await
}

/// Copies bytes both ways until both sides have ended, and keeps the messages in them. `early`: bytes that were read
/// behind the heads, the client's first.
async fn tunnel(
    client: &mut TcpStream,
    server: impl AsyncRead + AsyncWrite + Unpin,
    early: [Vec<u8>; 2],
    exchange: Option<usize>,
    journal: &RefCell<Journal>,
) -> io::Result<()> {
    let [from_client, from_server] = early;
    let (client_reader, client_writer) = client.split();
    let (server_reader, server_writer) = tokio::io::split(server);
    let keep = |sent: bool| {
        let mut reader = MessageReader::default();
        move |bytes: &[u8]| {
            for payload in reader.feed(bytes) {
                journal.borrow_mut().frame(exchange, sent, payload);
            }
        }
    };
    let up = copy(client_reader, server_writer, from_client, keep(true));
    let down = copy(server_reader, client_writer, from_server, keep(false));
    tokio::try_join!(up, down).map(|_| ())
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    early: Vec<u8>,
    mut keep: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut bytes = early;
    loop {
        keep(&bytes);
        to.write_all(&bytes).await?;
        to.flush().await?;
        bytes.resize(READ_BYTES, 0);
        let count = from.read(&mut bytes).await?;
        bytes.truncate(count);
        if count == 0 {
            return to.shutdown().await;
        }
    }
}

async fn refuse(client: &mut TcpStream, status: &str, why: &str) -> io::Result<()> {
    let length = why.len() + 1;
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{why}\n"
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Wire;
    use std::sync::Arc;

    fn upstream(to: &str) -> Upstream {
        let endpoint = Endpoint {
            url: to.parse().unwrap(),
            headers: vec![],
            subprotocol: None,
            origin: None,
            user_agent: String::new(),
            route: Arc::default(),
            wire: Wire::Text,
            before: None,
        };
        Upstream::new(endpoint, "127.0.0.1:4000".parse().unwrap())
    }

    fn head(headers: &[(&str, &str)]) -> Head {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Head { start: "GET / HTTP/1.1".to_owned(), headers }
    }

    #[test]
    fn a_request_names_the_server_and_what_is_not_the_proxys_stays() {
        let upstream = upstream("wss://signal.example.org/rooms");
        let check = |origin: &str, expected: &str| {
            let mut head = head(&[("Host", "127.0.0.1:4000"), ("Origin", origin), ("Sec-WebSocket-Extensions", "x")]);
            upstream.address(&mut head, true);
            assert_eq!((head.header("host"), head.header("origin")), (Some("signal.example.org"), Some(expected)));
            assert_eq!(head.header("sec-websocket-extensions"), None);
        };
        check("http://127.0.0.1:4000", "https://signal.example.org");
        check("http://localhost:4000", "https://signal.example.org");
        check("http://127.0.0.1:40001", "http://127.0.0.1:40001");
        check("http://localhost:5173", "http://localhost:5173");
        assert_eq!(upstream.url(false, "/login"), "https://signal.example.org/login");
    }

    #[test]
    fn redirects_and_cookies_of_the_server_stay_with_the_proxy() {
        let upstream = upstream("ws://10.0.0.5:9000/");
        let mut head = head(&[
            ("Location", "http://10.0.0.5:9000/room"),
            ("Set-Cookie", "sid=1; Path=/; Domain=example.org; Secure; HttpOnly"),
        ]);
        upstream.readdress(&mut head);
        assert_eq!(
            (head.header("location"), head.header("set-cookie")),
            (Some("/room"), Some("sid=1; Path=/; HttpOnly"))
        );
    }
}
