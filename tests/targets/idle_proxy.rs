//! A TCP proxy that closes connections which are idle by its own count, and the sentence that a run says of it.

use super::changed::changed;
use super::relay;
use meshload::vocabulary::format::micros;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The time after which the proxy closes.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// On a machine that is not strained, closes and handshakes take no longer.
const LAG_MAX: Duration = Duration::from_millis(100);

/// The bytes that keep a connection open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    FromClient,
    EitherWay,
}

struct IdleProxy {
    port: u16,
    /// By close: how long after its deadline the proxy came to it.
    lags: Arc<Mutex<Vec<Duration>>>,
}

impl IdleProxy {
    /// A proxy before the server at `server`; it lives as long as the test's process.
    fn start(server: u16, counted: Counted) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let lags = Arc::new(Mutex::new(vec![]));
        let closes = lags.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { return };
                let closes = closes.clone();
                thread::spawn(move || pass(&client, &server, counted, &closes));
            }
        });
        Self { port, lags }
    }
}

/// Copies both ways until an end closes, or the connection has been idle for `PATIENCE`.
fn pass(client: &TcpStream, server: &TcpStream, counted: Counted, lags: &Mutex<Vec<Duration>>) {
    let last = Mutex::new(Instant::now());
    let copy = |mut from: &TcpStream, mut to: &TcpStream, counts: bool| {
        let mut bytes = [0; 4096];
        while let Ok(1..) = from.read(&mut bytes).and_then(|read| to.write_all(&bytes[..read]).map(|()| read)) {
            if counts {
                *last.lock().unwrap() = Instant::now();
            }
        }
        _ = from.shutdown(Shutdown::Both);
        _ = to.shutdown(Shutdown::Both);
    };
    thread::scope(|scope| {
        let both = [
            scope.spawn(|| copy(client, server, true)),
            scope.spawn(|| copy(server, client, counted == Counted::EitherWay)),
        ];
        while !both.iter().any(thread::ScopedJoinHandle::is_finished) {
            let deadline = *last.lock().unwrap() + PATIENCE;
            match deadline.checked_duration_since(Instant::now()) {
                Some(rest) => thread::sleep(rest.min(Duration::from_millis(20))),
                None => {
                    lags.lock().unwrap().push(deadline.elapsed());
                    _ = client.shutdown(Shutdown::Both);
                    _ = server.shutdown(Shutdown::Both);
                    break;
                }
            }
        }
    });
}

/// Peers that say nothing after their handshake, and a server that tells each something 1.2 s after its connect, and every
/// other one 1.2 s later once more: no rule but the proxy's own explains all closes.
fn check(counted: Counted, others_words: &str, words: &str, evidence: &str) {
    let Some(server) = relay("channel").environment("TALK", "1200").start() else { return };
    let proxy = IdleProxy::start(server.port(), counted);
    let folder = tempfile::tempdir().unwrap();
    let heeds_no_notice = ("[[join]]\n", "[[on]]\nmatch = { type = \"notice\" }\nignore = true\n\n[[join]]\n");
    fs::write(folder.path().join("mine.toml"), changed("relay", &[heeds_no_notice])).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command.args(["run", "--dialect", "./mine.toml", "--target", &format!("ws://127.0.0.1:{}", proxy.port)]);
    command.args(["--rooms", "4", "--room-size", "2", "--arrivals", "90/s", "--duration", "4500ms", "--no-gates"]);
    command.args(["--engine", "none", "--quiet", "--on-invalid", "warn", "--out", "report"]);
    let output = command.current_dir(folder.path()).output().unwrap();
    let summary = fs::read_to_string(folder.path().join("report/summary.json"));
    let summary: Value = serde_json::from_str(&summary.unwrap_or_else(|_| panic!("{output:?}"))).unwrap();
    let found = summary["findings"].as_array().unwrap();
    let lags = proxy.lags.lock().unwrap().clone();
    println!("{counted:?}: {} closes, {:?} late at most: {found:#?}", lags.len(), lags.iter().max());
    let opened_us = summary["timers"]["time_to_open"]["due"]["p"]["99"].as_u64().unwrap();
    let is_strained = summary["validity"]["hints"].as_array().is_some_and(|hints| !hints.is_empty());
    let idle = found.iter().find(|finding| finding["id"] == "idle-close");
    let says = idle.map_or("", |idle| idle["sentence"].as_str().unwrap());
    // Peers and proxies that stand still tell the wrong times: then no rule need explain the closes.
    if lags.iter().any(|lag| *lag > LAG_MAX) || opened_us > micros(LAG_MAX) || is_strained {
        let is_sure = idle.is_some_and(|idle| idle["confidence"] == "high");
        assert!(!is_sure || !says.contains(others_words), "{counted:?}: {found:#?}");
        return;
    }
    assert!(says.contains(&format!("closes {words} for 1.")), "{counted:?}: {found:#?}");
    assert!(idle.unwrap()["evidence"].to_string().contains(evidence), "{counted:?}: {found:#?}");
    assert!(!found.iter().any(|finding| finding["id"] == "server-lost"), "told twice: {found:#?}");
}

#[test]
fn a_proxy_that_closes_idle_connections_is_told_by_what_it_counts() {
    let either = "a connection on which nothing was said in either direction";
    let client = "a connection that has said nothing";
    thread::scope(|scope| {
        scope.spawn(|| check(Counted::EitherWay, client, either, "what it was told counts, too"));
        scope.spawn(|| check(Counted::FromClient, either, client, "only its own words count"));
    });
}
