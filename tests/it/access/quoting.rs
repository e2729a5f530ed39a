//! A server that quotes secrets in two hundred ways to fail: no output has one of them (docs/spec/faults.md 20).

use super::between::Between;
use super::secrets::{CANARIES, Planted, percent_encoded};
use crate::common::websocket::{accept, frame_of, key, read_head};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// The spellings in which a secret is quoted.
const ENCODINGS: usize = 8;
/// The places of `CANARIES` that a server may quote; it does not choose the subprotocol, which is the last one.
const PLACES: usize = 8;
/// The ways to fail, each of which has a place for a quotation.
const WAYS: usize = 25;

#[test]
fn no_secret_that_a_server_quotes_is_in_an_output() {
    for dialect in ["login.toml", "dashboard"] {
        let server = Quoting::start();
        let proxy = Between::proxy(server.address);
        let planted = Planted::new(&proxy.address);
        let load =
            ["--rooms", "100", "--room-size", "2", "--arrivals", "400/s", "--timeout", "1s", "--duration", "100ms"];
        let kept = ["--engine", "none", "--no-gates", "-v", "--events", "--traces", "200", "--out", "quoted"];
        let run = [&["run", "--dialect", dialect], &load[..], &kept].concat();
        planted.check(99, &server.address, &run);
        assert!(server.connections() >= ENCODINGS * WAYS, "{} connections", server.connections());
        let probe = [
            "probe",
            "--engine",
            "none",
            "--trace",
            "--frames",
            "--timeout",
            "1s",
            "--dialect",
            dialect,
            "--peers",
            "16",
        ];
        // Some peers of the probe get as far as a connection, in some orders.
        planted.check_one_of(&[96, 99], &server.address, &[&probe[..], &["--out", "probe"]].concat());
    }
}

#[test]
fn no_secret_that_a_proxy_quotes_is_in_an_output() {
    let quoting =
        Between::closed_proxy("HTTP/1.1 407 user:canary+proxy=8 is nobody\r\nX: canary+proxy=8\r\n\r\ncanary+proxy=8");
    let planted = Planted::new(&quoting.address);
    let run = ["run", "--rooms", "1", "--room-size", "2", "--timeout", "1s", "--duration", "100ms", "--out", "proxy"];
    planted.check(96, &([127, 0, 0, 1], 9).into(), &[&run[..], &["--engine", "none", "--events", "-v"]].concat());
}

/// A server whose n-th connection fails in its own way; it lives as long as the test's process.
struct Quoting {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Quoting {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let index = count.fetch_add(1, Ordering::SeqCst);
                // A client that goes away in the middle is no fault of the test.
                thread::spawn(move || fail(stream, index));
            }
        });
        Self { address, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// The secret of a connection in its spelling.
fn quotation(index: usize) -> String {
    let secret = CANARIES[index % PLACES];
    match index / WAYS % ENCODINGS {
        0 => format!("invalid token: {secret}, go away"),
        1 => percent_encoded(secret),
        2 => percent_encoded(secret).to_lowercase(),
        3 => percent_encoded(&percent_encoded(secret).replace('%', "+")).replace("%2B", "%25"),
        4 => secret.replace('/', "\\/").replace('+', "\\u002B"),
        5 => STANDARD.encode(format!("user:{secret}")),
        6 => format!("Bearer {}", URL_SAFE.encode(format!("{{\"k\":\"{secret}\"}}"))),
        _ => format!("\u{1b}[31m{secret}{secret}\r\n::set-output name=x::{secret}"),
    }
}

fn fail(mut stream: TcpStream, index: usize) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let head = read_head(&mut stream)?;
    let upgrade = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
        accept(key(&head).unwrap_or_default())
    );
    let quoted = quotation(index);
    let line = quoted.replace(['\r', '\n', '\u{1b}'], " ");
    let status = |status: &str| {
        format!("HTTP/1.1 {status}\r\nX-Why: {line}\r\nContent-Length: 4096\r\n\r\n{quoted}").into_bytes()
    };
    let upgraded = |bytes: Vec<u8>| [format!("{upgrade}\r\n").into_bytes(), bytes].concat();
    let json = serde_json::to_string(&quoted).expect("a text");
    let answer = match index % WAYS {
        0 => status(&format!("403 {line}")),
        1 => status("401 Unauthorized"),
        2 => status("200 OK"),
        3 => status(&format!("302 Found\r\nLocation: http://127.0.0.1/?k={line}")),
        4 => format!("{quoted}\r\n\r\n").into_bytes(),
        5 => format!("HTTP/1.1 {line}\r\n\r\n").into_bytes(),
        6 => format!("HTTP/1.1 101 x\r\n{line}\r\n\r\n").into_bytes(),
        7 => format!("{upgrade}Sec-WebSocket-Protocol: {line}\r\n\r\n").into_bytes(),
        8 => format!("{upgrade}Sec-WebSocket-Extensions: {line}\r\n\r\n").into_bytes(),
        9 => upgrade.replace("Accept: ", &format!("Accept: {line}")).into_bytes(),
        10 => upgraded(close(4_001, &quoted)),
        11 => upgraded(close(1_008, &quoted)),
        12 => upgraded(close(1_000, &quoted)),
        13 => upgraded(close(999, &quoted)),
        14 => upgraded(frame_of(0x82, quoted.as_bytes())),
        15 => upgraded(frame_of(0xc1, quoted.as_bytes())),
        16 => upgraded(frame_of(0x83, quoted.as_bytes())),
        17 => upgraded(frame_of(0x81, &[quoted.as_bytes(), &[0xff]].concat())),
        18 => upgraded([frame_of(0x89, line.as_bytes()), close(1_011, &quoted)].concat()),
        19 => upgraded(frame_of(0x81, quoted.as_bytes())),
        20 => upgraded(frame_of(0x81, format!("{{\"type\":{json},\"data\":{json}}}").as_bytes())),
        21 => upgraded(frame_of(
            0x81,
            format!("{{\"type\":\"error\",\"message\":{json},\"data\":{{\"message\":{json}}}}}").as_bytes(),
        )),
        22 => upgraded(frame_of(0x81, format!("[{json},{json}]").as_bytes())),
        23 => upgraded(frame_of(0x81, format!("error {quoted} of {}", "x".repeat(100_000)).as_bytes())),
        _ => upgraded(frame_of(
            0x81,
            format!("{{\"type\":\"participant-joined\",\"data\":{{\"userId\":{json}}}}}").as_bytes(),
        )),
    };
    stream.write_all(&answer)?;
    // The client has read it all when it closes.
    let (_, mut rest) = (stream.shutdown(std::net::Shutdown::Write), [0; 4_096]);
    while stream.read(&mut rest)? > 0 {}
    Ok(())
}

/// A close frame; its reason has at most 123 bytes (RFC 6455 §5.5).
fn close(code: u16, reason: &str) -> Vec<u8> {
    let reason = &reason.as_bytes()[..reason.floor_char_boundary(123)];
    frame_of(0x88, &[&code.to_be_bytes()[..], reason].concat())
}
