//! `meshload record` between a client and a server: what passes, what is kept, and what is masked.

use crate::common::websocket::{accept, frame, key, read_frame, read_head};
use meshload::recording::{self, FramePayload, Recording};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use support::closed_port::ClosedPort;
use support::recording::RecordingProcess;
use tokio_tungstenite::tungstenite::{Message, client, client::IntoClientRequest};

const SECRET: &str = "s3cretvalue";

/// A server that logs in over HTTP, answers in chunks, and echoes over WebSocket.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let own = address.clone();
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(answer(stream, &own))));
    address
}

fn answer(mut stream: TcpStream, own: &str) -> std::io::Result<()> {
    let head = read_head(&mut stream)?;
    let lower = head.to_ascii_lowercase();
    assert!(lower.contains(&format!("host: {own}\r\n")) && !lower.contains("sec-websocket-extensions"), "{head}");
    if let Some(key) = key(&head) {
        assert!(lower.contains(&format!("origin: http://{own}\r\n")), "{head}");
        let accept = accept(key);
        let upgrade = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        // The first frame rides with the answer.
        stream.write_all(&[upgrade.as_bytes(), &frame(1, b"{\"type\":\"welcome\"}")].concat())?;
        loop {
            let (raw, payload) = read_frame(&mut stream)?;
            stream.write_all(&frame(raw[0] & 0xf, &payload))?;
            if raw[0] & 0xf == 8 {
                return Ok(());
            }
        }
    }
    let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let told = format!("{{\"token\":\"{SECRET}\"}}");
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nLocation: http://{own}/home\r\n\
         Set-Cookie: sid=abcdef012345; Domain=example.org; Secure\r\n\r\n{:x}\r\n{told}\r\n0\r\n\r\n",
        told.len()
    );
    stream.write_all(answer.as_bytes())
}

/// Sends a request by hand, and returns the whole answer.
fn ask(proxy: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(proxy).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Logs in, dials with the token, says a text and some bytes, hears both again, and closes.
fn talk(proxy: &str) -> String {
    let body = format!("user=me&password={SECRET}");
    let length = body.len();
    let login = ask(proxy, &format!("POST /login HTTP/1.1\r\nHost: {proxy}\r\nContent-Length: {length}\r\n\r\n{body}"));
    let mut request = format!("ws://{proxy}/ws/?token={SECRET}&v=1").into_client_request().unwrap();
    request.headers_mut().insert("Origin", format!("http://{proxy}").parse().unwrap());
    request.headers_mut().insert("Cookie", "sid=abcdef012345".parse().unwrap());
    let (mut socket, _) = client(request, TcpStream::connect(proxy).unwrap()).unwrap();
    assert_eq!(socket.read().unwrap(), Message::text("{\"type\":\"welcome\"}"));
    for message in
        [Message::text(format!("{{\"type\":\"join\",\"auth\":\"{SECRET}\"}}")), Message::binary(vec![0, 255, 7])]
    {
        socket.send(message.clone()).unwrap();
        assert_eq!(socket.read().unwrap(), message);
    }
    socket.close(None).unwrap();
    while socket.read().is_ok() {}
    login
}

fn kept(file: &std::path::Path) -> (Recording, String) {
    let text = fs::read_to_string(file).unwrap();
    (recording::read(&text).unwrap(), text)
}

#[test]
fn http_and_frames_pass_unchanged_and_are_kept_without_their_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("talk.har");
    let server = server();
    let mut process = RecordingProcess::start(&format!("http://{server}/ws/"), &file);
    let proxy = process.url.strip_prefix("ws://").unwrap().strip_suffix("/ws/").unwrap().to_owned();
    let login = talk(&proxy);
    for expected in ["\r\nConnection: close\r\n", "\r\nLocation: /home\r\n", "sid=abcdef012345\r\n", SECRET] {
        assert!(login.contains(expected), "{expected:?} is not in {login}");
    }
    // The proxy may see the close later than the client.
    process.await_line("  A  closed");
    let (shown, told) = process.interrupt();
    assert!(told.contains("1 WebSocket connection, 5 frames: "), "{told}");
    let (recording, text) = kept(&file);
    for secret in [SECRET, "abcdef012345"] {
        assert!(!text.contains(secret) && !shown.contains(secret), "{secret} is in {text}\n{shown}");
    }
    let [login, talk] = recording.exchanges.as_slice() else { panic!("{recording:#?}") };
    assert_eq!((login.request.method.as_str(), login.response.status), ("POST", 200));
    assert_eq!(login.request.body, b"user=me&password=masked-1");
    assert_eq!(String::from_utf8_lossy(&login.response.body), "{\"token\":\"masked-1\"}");
    assert_eq!(talk.request.url, format!("ws://{server}/ws/?token=masked-1&v=1"));
    let frames = talk.frames.as_ref().unwrap();
    let join = || FramePayload::Text("{\"type\":\"join\",\"auth\":\"masked-1\"}".to_owned());
    let expected = [
        (false, FramePayload::Text("{\"type\":\"welcome\"}".to_owned())),
        (true, join()),
        (false, join()),
        (true, FramePayload::Binary(vec![0, 255, 7])),
        (false, FramePayload::Binary(vec![0, 255, 7])),
    ];
    assert!(frames.iter().map(|frame| (frame.sent, frame.payload.clone())).eq(expected), "{frames:#?}");
    assert!(shown.contains("  A  << {\"type\":\"welcome\"}"), "{shown}");
}

/// A client need not wait for the server's answer before it speaks (RFC 6455 §4.1 forbids it, and some do).
#[test]
fn a_frame_that_comes_with_the_request_is_passed_on_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("talk.har");
    let process = RecordingProcess::start(&format!("ws://{}/ws/", server()), &file);
    let proxy = process.url.strip_prefix("ws://").unwrap().strip_suffix("/ws/").unwrap().to_owned();
    let mut stream = TcpStream::connect(&proxy).unwrap();
    let head = format!(
        "GET /ws/ HTTP/1.1\r\nHost: {proxy}\r\nOrigin: http://{proxy}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    // Masked with zeros, so that the payload stands as it is; then a close.
    let frames = [&[0x81, 0x85, 0, 0, 0, 0][..], b"early", &[0x88, 0x80, 0, 0, 0, 0]].concat();
    stream.write_all(&[head.as_bytes(), &frames].concat()).unwrap();
    let mut answer = vec![];
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.windows(5).any(|window| window == b"early"), "{answer:?}");
    process.interrupt();
    let (recording, _) = kept(&file);
    let frames = recording.exchanges[0].frames.as_ref().unwrap();
    let early = |sent: bool| (sent, FramePayload::Text("early".to_owned()));
    let said: Vec<_> = frames.iter().map(|frame| (frame.sent, frame.payload.clone())).collect();
    assert!(said.contains(&early(true)) && said.contains(&early(false)), "{frames:#?}");
}

#[test]
fn a_server_that_is_not_there_is_told_to_the_client_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("talk.har");
    let gone = ClosedPort::bind();
    let process = RecordingProcess::start(&format!("ws://{}/", gone.address), &file);
    let proxy = process.url.strip_prefix("ws://").unwrap().trim_end_matches('/').to_owned();
    let answer = ask(&proxy, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n") && answer.contains("ECONNREFUSED"), "{answer}");
    let refused = ask(&proxy, "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(refused.starts_with("HTTP/1.1 411 "), "{refused}");
    let (_, told) = process.interrupt();
    assert!(told.contains("nobody came"), "{told}");
    assert_eq!(kept(&file).0.exchanges[0].response.status, 502);
}

#[test]
fn a_proxy_that_would_record_itself_is_refused() {
    // No other test listens on this address, so that its port stays free.
    let free = TcpListener::bind("127.9.8.7:0").unwrap().local_addr().unwrap().to_string();
    let to = format!("ws://{free}/");
    let output = Command::new(support::program()).args(["record", "--listen", &free, "--to", &to]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("is this proxy's own address"), "{told}");
}
