//! `--target-metrics` and `--target-pid` of a run: over https, as gzip, with a header, and refused before anything is loaded.

use super::certificates::{Authority, Files, NAMES};
use crate::common::play::start;
use flate2::Compression;
use flate2::write::GzEncoder;
use meshload::vocabulary::Identity;
use rustls::ServerConfig;
use rustls::crypto::ring;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

const LONGEST: Duration = Duration::from_secs(50);

const SMALL: [&str; 11] = [
    "--rooms",
    "1",
    "--room-size",
    "2",
    "--duration",
    "1200ms",
    "--engine",
    "none",
    "--no-gates",
    "--on-invalid",
    "warn",
];

/// Tells metrics as gzip to whoever shows the key, until the test ends; gives their URL.
fn metrics_over_tls(files: &Files) -> String {
    let identity = Identity::read(&fs::read(&files.certificate).unwrap(), &fs::read(&files.key).unwrap()).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(identity.chain, identity.key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/metrics", listener.local_addr().unwrap());
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            for _ in 0..100 {
                let (stream, _) = listener.accept().await.unwrap();
                // A client that trusts nobody ends the handshake.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = [0; 4_096];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let asked = String::from_utf8_lossy(&request[..length]).to_lowercase();
                let is_known = asked.contains("x-key: k1\r\n") && asked.contains("accept-encoding: gzip\r\n");
                let _ = stream.write_all(&answer(is_known)).await;
                let _ = stream.shutdown().await;
            }
        });
    });
    url
}

fn answer(is_known: bool) -> Vec<u8> {
    if !is_known {
        return b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_vec();
    }
    let mut packed = GzEncoder::new(vec![], Compression::default());
    packed.write_all(b"ws_peers{room=\"a\"} 4\nws_peers{room=\"b\"} 5\nprocess_open_fds 12\n").unwrap();
    let packed = packed.finish().unwrap();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len());
    [head.as_bytes(), &packed].concat()
}

#[test]
fn metrics_over_https_and_a_process_by_its_pid_stand_beside_a_run() {
    let authority = Authority::new();
    let url = format!("{}#ws_", metrics_over_tls(&authority.issue("metrics", &NAMES)));
    let pid = std::process::id().to_string();
    let play = |more: &[&str]| start(&[&SMALL[..], &["--target-metrics", &url], more].concat()).end_within(LONGEST);
    let (ca, key) = (authority.file(), ["--target-metrics-header", "X-Key: k1"]);
    let played = play(&[&["--ca", &ca, "--target-pid", &pid], &key[..]].concat());
    assert_eq!(played.code, Some(0), "{}", played.stderr);
    let process = played.summary().target_process.clone().expect("it was asked for");
    assert_eq!(process.pids, [std::process::id()]);
    assert!(process.series.iter().any(|row| row.metrics.get("ws_peers") == Some(&9.0)), "{process:#?}");
    assert!(process.rss_bytes_max > 100_000 && !process.series.iter().any(|row| row.metrics.len() > 1));

    for (more, why) in [
        (&key[..], "the certificate's issuer is not trusted"),
        (&["--ca", &ca][..], "it answered HTTP 403"),
        (&["--target-pid", "4294967295"][..], "--target-pid 4294967295: "),
    ] {
        let refused = play(more);
        assert_eq!(refused.code, Some(2), "{more:?}: {}", refused.stderr);
        assert!(refused.stderr.contains(why) && refused.summary.is_none(), "{more:?}: {}", refused.stderr);
    }
}
