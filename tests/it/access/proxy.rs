//! Through an HTTP proxy that the environment names, and past it.

use super::between::Between;
use super::certificates::{Authority, NAMES};
use crate::common::play::{PROGRAM, Played, start_command};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;
use support::serving::Serving;

const LONGEST: Duration = Duration::from_secs(50);

const SMALL: [&str; 10] =
    ["--rooms", "1", "--room-size", "2", "--timeout", "5s", "--duration", "100ms", "--engine", "none"];

/// A run with variables of the environment beside `PATH`.
fn play(variables: &[String], args: &[&str]) -> Played {
    let mut command = Command::new("env");
    command.args(variables).args([PROGRAM, "run"]).args(SMALL).args(args).args(["--out", "report"]);
    start_command(command).end_within(LONGEST)
}

fn set(name: &str, proxy: &Between) -> String {
    format!("{name}=http://us%40er:s3cret@{}", proxy.address)
}

#[track_caller]
fn check_tunnelled(played: &Played, proxy: &Between, to: &str) {
    assert_eq!((played.code, played.failures()), (Some(0), vec![]), "{}", played.stderr);
    let heads = proxy.heard();
    assert_eq!(heads.len(), 2, "{heads:?}");
    for head in heads {
        assert!(head.starts_with(&format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n")), "{head}");
        // us@er:s3cret
        assert!(head.contains("Proxy-Authorization: Basic dXNAZXI6czNjcmV0\r\n"), "{head}");
        assert!(head.contains("User-Agent: meshload/"), "{head}");
    }
    let shown = format!("through the proxy http://{}", proxy.address);
    assert!(played.stdout.contains(&shown) && played.stderr.contains(&shown), "{} {}", played.stdout, played.stderr);
    assert!(!played.stdout.contains("s3cret") && !played.stderr.contains("s3cret"));
}

#[test]
fn ws_goes_through_the_proxy_of_http() {
    let server = Serving::start(&[]);
    let proxy = Between::proxy(server.address());
    let played = play(&[set("http_proxy", &proxy)], &["--target", &server.url, "-v"]);
    check_tunnelled(&played, &proxy, &server.address().to_string());
    let through = [
        format!("through the proxy http://{}", proxy.address),
        format!("connected to {}", proxy.address),
        format!("the proxy opened a tunnel to {}", server.address()),
    ];
    assert_eq!(played.first_connection()[1..4], through, "{}", played.stderr);
}

#[test]
fn wss_goes_through_the_proxy_of_https_and_the_tunnel_carries_the_handshake() {
    let authority = Authority::new();
    let files = authority.issue("server", &NAMES);
    let server = Serving::start(&["--tls-cert", &files.certificate, "--tls-key", &files.key]);
    let proxy = Between::proxy(server.address());
    let args = ["--target", &server.url, "--ca", &authority.file()];
    check_tunnelled(&play(&[set("HTTPS_PROXY", &proxy)], &args), &proxy, &server.address().to_string());
    check_tunnelled(&play(&[set("all_proxy", &proxy)], &args), &proxy, &server.address().to_string());
}

#[test]
fn a_name_that_only_the_proxy_knows_is_reached_if_it_was_allowed() {
    let server = Serving::start(&[]);
    let proxy = Between::proxy(server.address());
    let target = "ws://signal.example:8080/ws/";
    let args = ["--target", target, "--allow-target", "signal.example"];
    check_tunnelled(&play(&[set("http_proxy", &proxy)], &args), &proxy, "signal.example:8080");
}

#[test]
fn a_proxy_opens_no_way_to_what_may_not_be_loaded() {
    let server = Serving::start(&[]);
    let proxy = Between::proxy(server.address());
    let played = play(&[set("http_proxy", &proxy)], &["--target", "ws://203.0.113.5/ws/"]);
    assert_eq!((played.code, proxy.heard().len()), (Some(95), 0), "{}", played.stderr);
    let played = play(&["http_proxy=203.0.113.5:3128".to_owned()], &["--target", "ws://10.0.0.1/ws/"]);
    assert_eq!(played.code, Some(95), "{}", played.stderr);
    assert!(played.stderr.trim_end().ends_with("--allow-target 203.0.113.5"), "{}", played.stderr);
}

#[test]
fn what_the_environment_exempts_and_what_no_proxy_says_goes_straight() {
    let server = Serving::start(&[]);
    let proxy = Between::proxy(server.address());
    let straight = |variables: &[String], args: &[&str]| {
        let played = play(variables, &[&["--target", &server.url], args].concat());
        assert_eq!((played.code, proxy.heard().len()), (Some(0), 0), "{variables:?} {}", played.stderr);
        assert!(!played.stderr.contains("proxy"), "{}", played.stderr);
    };
    straight(&[set("http_proxy", &proxy), "no_proxy=127.0.0.0/8".to_owned()], &[]);
    straight(&[set("http_proxy", &proxy)], &["--no-proxy"]);
    straight(&[set("http_proxy", &proxy), "MESHLOAD_NO_PROXY=1".to_owned()], &[]);
    // A CGI program has this one from its client.
    straight(&[set("HTTP_PROXY", &proxy)], &[]);
    straight(&[set("https_proxy", &proxy)], &[]);
    // What a proxy on another machine calls its loopback is not this one.
    straight(&["http_proxy=http://10.255.255.1:3128".to_owned()], &[]);
    // The embedded server is this process.
    let played = play(&[set("http_proxy", &proxy)], &[]);
    assert_eq!((played.code, proxy.heard().len()), (Some(0), 0), "{}", played.stderr);
}

#[test]
fn a_proxy_that_says_no_is_told_from_a_target_that_does() {
    let server = Serving::start(&[]);
    let check = |variable: String, failure: &str| {
        let played = play(&[variable], &["--target", &server.url]);
        assert_eq!((played.code, played.failures()), (Some(96), vec![failure.to_owned()]), "{}", played.stderr);
    };
    let says = |answer| set("http_proxy", &Between::closed_proxy(answer));
    check(says("HTTP/1.1 403 Forbidden\r\n\r\n"), "connect rejected proxy: HTTP 403");
    check(
        says("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
        "connect rejected proxy: HTTP 407; credentials go into its URL, http://USER:PASSWORD@HOST:PORT",
    );
    check(says("SSH-2.0-OpenSSH\r\n\r\n"), "connect protocol proxy: not HTTP");
    check(says(""), "connect closed proxy: end of stream");
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    check(format!("http_proxy={nobody}"), "connect refused proxy: ECONNREFUSED");
}

#[test]
fn a_proxy_that_can_not_be_used_is_named_without_its_credentials() {
    let played = play(&["http_proxy=socks5://u:s3cret@127.0.0.1:1080".to_owned()], &["--target", "ws://10.0.0.1/"]);
    assert_eq!(played.code, Some(2), "{}", played.stderr);
    let complaint = "http_proxy: only http:// and https:// proxies are spoken to; --no-proxy goes without it";
    assert!(played.stderr.contains(complaint) && !played.stderr.contains("s3cret"), "{}", played.stderr);
}
