//! `wss`: whom a run believes, whom it does not and why, and what it says of itself.

use super::between::Between;
use super::certificates::{Authority, Files, NAMES};
use crate::common::play::{Played, start};
use std::fs;
use std::net::TcpListener;
use std::time::Duration;
use support::serving::Serving;

const LONGEST: Duration = Duration::from_secs(50);

const SMALL: [&str; 10] =
    ["--rooms", "1", "--room-size", "2", "--timeout", "5s", "--duration", "100ms", "--engine", "none"];

fn play(url: &str, args: &[&str]) -> Played {
    start(&[&["--target", url], &SMALL[..], args].concat()).end_within(LONGEST)
}

fn serve(files: &Files) -> Serving {
    Serving::start(&["--tls-cert", &files.certificate, "--tls-key", &files.key])
}

#[track_caller]
fn check(url: &str, args: &[&str], expected: Result<(), &str>) -> Played {
    let played = play(url, args);
    let failures = played.failures();
    match expected {
        Ok(()) => assert_eq!((played.code, failures), (Some(0), vec![]), "{}", played.stderr),
        Err(failure) => assert_eq!((played.code, failures), (Some(96), vec![failure.to_owned()]), "{}", played.stderr),
    }
    played
}

const UNTRUSTED: &str = "connect tls the certificate's issuer is not trusted; --ca FILE adds it, --insecure takes any";

#[test]
fn a_server_is_believed_with_the_authority_that_signed_it_and_not_without() {
    let authority = Authority::new();
    let server = serve(&authority.issue("server", &NAMES));
    assert!(server.url.starts_with("wss://127.0.0.1:"), "{}", server.url);
    let by_name = server.url.replace("127.0.0.1", "localhost").replace("wss:", "https:");
    for url in [&server.url, &by_name] {
        let played = check(url, &["--ca", &authority.file(), "-v"], Ok(()));
        assert_eq!(played.summary().run.way, None);
        let told = |what: &str| played.first_connection().iter().filter(|line| line.starts_with(what)).count();
        assert_eq!(told(&format!("dials {}", url.replace("https:", "wss:"))), 1, "{}", played.stderr);
        assert_eq!(told(&format!("connected to {}", server.address())), 1, "{}", played.stderr);
        assert_eq!(told("TLS: TLSv1_3, TLS13_"), 1, "{}", played.stderr);
        assert_eq!(told("HTTP 101, subprotocol none"), 1, "{}", played.stderr);
        assert!((1..=6).contains(&told("→ {")) && (1..=6).contains(&told("← {")), "{}", played.stderr);
    }
    let played = check(&server.url, &["-v"], Err(UNTRUSTED));
    let failed = "failed: connect tls (the certificate's issuer is not trusted";
    assert!(played.first_connection().iter().any(|line| line.starts_with(failed)), "{}", played.stderr);
    check(&server.url, &["--ca", &Authority::new().file()], Err(UNTRUSTED));
    // An authority that was made anew has the same name and another key.
    let server = serve(&Authority::named("twin").issue("server", &NAMES));
    check(&server.url, &["--ca", &Authority::named("twin").file()], Err(UNTRUSTED));
}

#[test]
fn every_wrong_certificate_is_named_with_its_cure_and_insecure_takes_it() {
    let authority = Authority::new();
    let wrong = [
        (authority.issue_expired("expired"), "connect tls the certificate has expired; --insecure takes it"),
        (
            authority.issue("elsewhere", &["elsewhere.example"]),
            "connect tls the certificate is for another name; --insecure takes it",
        ),
        (authority.self_signed("self-signed"), UNTRUSTED),
    ];
    for (files, failure) in wrong {
        let server = serve(&files);
        check(&server.url, &["--ca", &authority.file()], Err(failure));
        check(&server.url, &["-k"], Ok(()));
    }
}

#[test]
fn a_run_that_takes_any_certificate_says_so_in_every_report() {
    let authority = Authority::new();
    let server = serve(&authority.self_signed("self-signed"));
    let played = check(&server.url, &["--insecure"], Ok(()));
    assert!(played.summary().run.way.as_ref().is_some_and(|way| way.insecure));
    let words = "its certificate not checked (--insecure)";
    assert!(played.stdout.contains(words), "{}", played.stdout);
    assert!(played.stderr.contains(words), "{}", played.stderr);
    for (file, words) in [
        ("report.md", "its certificate not checked"),
        ("report.html", words),
        ("junit.xml", words),
        ("metrics.prom", "meshload_insecure 1\n"),
        ("summary.json", "\"insecure\": true"),
    ] {
        let text = fs::read_to_string(played.folder.path().join("report").join(file)).expect("a report");
        assert!(text.replace('\\', "").contains(words), "{file}: {text}");
    }
    // Where nothing is secured, nothing went unchecked.
    let plain = Serving::start(&[]);
    assert_eq!(check(&plain.url, &["--insecure"], Ok(())).summary().run.way, None);
}

#[test]
fn a_plain_server_behind_a_wss_url_and_the_reverse_are_told_apart() {
    let authority = Authority::new();
    let plain = Serving::start(&[]);
    let url = plain.url.replace("ws:", "wss:");
    check(&url, &[], Err("connect tls no TLS at that port; a plain server is ws://"));
    let secured = serve(&authority.issue("server", &NAMES));
    let url = secured.url.replace("wss:", "ws:");
    check(&url, &[], Err(SPEAKS_TLS));
    let mut program = std::process::Command::new(crate::common::play::PROGRAM);
    let output = program.args(["probe", "--target", &url]).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(96), "{output:?}");
    let told = [output.stdout, output.stderr].concat();
    assert!(String::from_utf8_lossy(&told).contains("a secured server is wss://"));
}

const SPEAKS_TLS: &str = "connect tls that port speaks TLS; a secured server is wss://";

/// A port that gives `answer` to an upgrade without TLS, and `alert` to a greeting of TLS.
fn port(answer: &'static [u8], alert: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut said = [0; 4_096];
            let _ = std::io::Read::read(&mut stream, &mut said);
            // A handshake record begins with 22 (RFC 8446 §5.1).
            let _ = std::io::Write::write_all(&mut stream, if said[0] == 22 { alert } else { answer });
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    url
}

#[test]
fn a_secured_port_is_known_however_it_turns_plain_words_away_and_a_plain_one_is_not_taken_for_it() {
    const NONE: &[u8] = b"";
    const BAD: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    /// Fatal, handshake failure (RFC 8446 §6).
    const ALERT: &[u8] = &[21, 3, 3, 0, 2, 2, 40];
    for answer in [NONE, BAD, ALERT] {
        check(&port(answer, ALERT), &[], Err(SPEAKS_TLS));
    }
    check(&port(BAD, BAD), &[], Err("connect rejected HTTP 400"));
    check(&port(NONE, BAD), &[], Err("connect closed end of stream"));
    check(&port(NONE, NONE), &[], Err("connect closed end of stream"));
}

#[test]
fn a_port_that_ends_every_handshake_is_closed_and_not_a_matter_of_trust() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("wss://{}/", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut hello = [0; 1];
            // The rest is left unread; the client hears of an end or a reset.
            let _ = std::io::Read::read(&mut &stream, &mut hello);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = std::io::copy(&mut &stream, &mut std::io::sink());
        }
    });
    check(&url, &[], Err("connect closed end of stream in the TLS handshake"));
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_it_or_says_that_it_has_none() {
    let authority = Authority::new();
    let plain = Serving::start(&[]);
    let files = authority.issue("server", &NAMES);
    let ca = authority.file();
    let doorkeeper = Between::doorkeeper(plain.address(), &files.certificate, &files.key, &ca);
    let url = format!("wss://{}/ws/", doorkeeper.address);
    check(&url, &["--ca", &ca], Err("connect tls the server wants a client certificate: --cert FILE --key FILE"));
    let client = authority.issue_for_a_client("client");
    check(&url, &["--ca", &ca, "--cert", &client.certificate, "--key", &client.key], Ok(()));
    let both = [&client.certificate, &client.key].map(|path| fs::read_to_string(path).expect("a file")).concat();
    check(&url, &["--ca", &ca, "--cert", &authority.write("both.pem", &both)], Ok(()));
    let stranger = Authority::new().issue_for_a_client_in(&authority, "stranger");
    let played = play(&url, &["--ca", &ca, "--cert", &stranger.certificate, "--key", &stranger.key]);
    assert_eq!(played.code, Some(96));
    let failures = played.failures();
    assert!(failures[0].starts_with("connect tls the server refused the client certificate"), "{failures:?}");
}

#[test]
fn files_that_are_unfit_are_all_told_and_nothing_is_run() {
    let authority = Authority::new();
    let files = authority.issue("server", &NAMES);
    let other = authority.issue("other", &NAMES);
    let empty = authority.write("empty.pem", "nothing");
    let url = "wss://127.0.0.1:9/";
    let check = |args: &[&str], complaints: &[&str]| {
        let played = play(url, args);
        assert_eq!(played.code, Some(2), "{}", played.stderr);
        for complaint in complaints {
            assert!(played.stderr.contains(complaint), "{complaint}: {}", played.stderr);
        }
    };
    check(
        &["--ca", "/nowhere/ca.pem", "--cert", &empty, "--key", &files.key],
        &["--ca /nowhere/ca.pem: No such file", "empty.pem: no certificate in it"],
    );
    check(&["--ca", &files.key], &["server.key: no certificate in it"]);
    check(&["--cert", &files.certificate, "--key", &other.key], &["the key is not that of the certificate"]);
    check(&["--cert", &files.certificate], &["--key", "server.pem: no private key in it"]);
    check(&["--key", &files.key], &["--cert <FILE>"]);
    check(&["--connect-to", "nowhere"], &["expected HOST:PORT"]);
}

#[test]
fn a_server_does_not_start_with_a_key_that_is_not_its_own() {
    let authority = Authority::new();
    let (one, other) = (authority.issue("one", &NAMES), authority.issue("other", &NAMES));
    let args = ["serve", "--listen", "127.0.0.1:0", "--tls-cert", &one.certificate, "--tls-key", &other.key];
    let output =
        std::process::Command::new(crate::common::play::PROGRAM).args(args).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(complaint.contains("one.pem: the key is not that of the certificate"), "{complaint}");
}

#[test]
fn rooms_of_real_channels_open_over_tls() {
    let authority = Authority::new();
    let server = serve(&authority.issue("server", &NAMES));
    let args = ["--target", &server.url, "--ca", &authority.file(), "--rooms", "4", "--room-size", "8"];
    let more = ["--arrivals", "40/s", "--timeout", "20s", "--duration", "500ms"];
    let played = start(&[&args[..], &more].concat()).end_within(LONGEST);
    let edges = &played.summary().counts.edges;
    assert_eq!((played.code, edges.opened, edges.failed), (Some(0), 112, 0), "{}", played.stderr);
}

#[test]
fn the_name_that_is_secured_is_the_urls_and_not_the_one_that_is_dialled() {
    let authority = Authority::new();
    let server = serve(&authority.issue("server", &["signal.example"]));
    let (ca, dialled) = (authority.file(), server.address().to_string());
    let args = ["--ca", &ca, "--connect-to", &dialled];
    let played = check("wss://signal.example/ws/", &args, Ok(()));
    assert_eq!(played.summary().run.way.as_ref().and_then(|way| way.connect_to.clone()), Some(dialled.clone()));
    let failure = "connect tls the certificate is for another name; --insecure takes it";
    check("wss://other.example/ws/", &args, Err(failure));
}
