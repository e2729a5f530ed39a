//! One server as people vary it: authentication, namespaces, cookies, arguments, a login before the socket. Each is one or
//! two lines of the dialect file.

use super::addpeer;
use super::changed::changed;
use super::probed::{probe, report};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use support::target::{Target, is_installed};

/// Probes the server in a mode with `socketio-addpeer`, changed: the exit code, and all that was printed.
fn play(mode: &str, changes: &[(&str, &str)]) -> Option<(Option<i32>, String)> {
    let target = addpeer().environment("MODE", mode);
    let server = target.start()?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    fs::write(&file, changed("socketio-addpeer", changes)).unwrap();
    let tokens = folder.path().join("tokens.txt");
    fs::write(&tokens, "token-1\ntoken-2\ntoken-3\n").unwrap();
    let rows = folder.path().join("rows.csv");
    fs::write(&rows, "name,key\na,token-a\nb,token-b\nc,token-c\n").unwrap();
    let more = ["--tokens", tokens.to_str().unwrap(), "--data", rows.to_str().unwrap()];
    let output = probe(file.to_str().unwrap(), &target, &server, &more);
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!printed.contains("token-1") && !printed.contains("token-a"), "{mode}: {printed}");
    Some((output.status.code(), printed))
}

fn opens(mode: &str, changes: &[(&str, &str)]) {
    let Some((code, printed)) = play(mode, changes) else { return };
    assert_eq!(code, Some(0), "{mode}: {printed}");
}

fn fails(mode: &str, changes: &[(&str, &str)], words: &str) {
    let Some((code, printed)) = play(mode, changes) else { return };
    assert_ne!(code, Some(0), "{mode}: {printed}");
    assert!(printed.contains(words) && !printed.contains("timed_out"), "{mode}: no {words} in {printed}");
}

const CONNECT: &str = "transport=websocket\"\n";
const STEP: &str = "[[join]]\nsay = \"join\"\n";

#[test]
fn socket_io_as_people_run_it() {
    opens("auth", &[(CONNECT, "transport=websocket\"\nauth = { token = \"{token}\" }\n")]);
    fails("auth", &[], "no token");
    opens("namespace", &[(CONNECT, "transport=websocket\"\nnamespace = \"/rtc\"\n")]);
    opens("cookie", &[(CONNECT, "transport=websocket\"\ncookies = { sid = \"{data.key}\" }\n")]);
    let join = "join = [\"join\", { channel = \"{room}\", userdata = {} }]";
    let acknowledged = "[[join]]\nsay = \"join\"\n[[join]]\nexpect = [\"ack\", 7, \"{null}\", \"{there}\"]\n";
    opens("args", &[(join, "join = [7, \"join\", \"{room}\", \"{my_name}\"]"), (STEP, acknowledged)]);
}

#[test]
fn socket_io_with_another_parser_or_of_another_age_is_spoken_or_named() {
    if is_installed("socket.io-msgpack-parser") {
        opens("msgpack", &[("codec = \"socketio\"", "codec = \"socketio\"\nframes = \"binary\"")]);
        fails("msgpack", &[], "binary\\\" speaks MessagePack");
        fails("", &[("codec = \"socketio\"", "codec = \"socketio\"\nframes = \"binary\"")], "another parser?");
    }
    if is_installed("socket.io-2") {
        fails("eio3", &[], "Engine.IO 3");
    }
}

#[test]
fn a_login_before_the_socket_gives_it_a_ticket_and_a_cookie() {
    let login = |user: &str| {
        format!(
            "[vars]\nticket = \"\"\n\n[[before]]\nurl = \"{{http}}/login\"\nbody = {{ user = \"{user}\" }}\n\
             expect = {{ ticket = {{ value = \"{{given}}\" }} }}\nset = {{ ticket = \"{{given}}\" }}\n\n[connect]\n"
        )
    };
    let auth = (CONNECT, "transport=websocket\"\nauth = { ticket = \"{ticket}\" }\n");
    opens("login", &[("[connect]\n", &login("{my_name}")), auth]);
    fails("login", &[("[connect]\n", &login("")), auth], "HTTP 401");
}

/// Two processes behind one port, without sticky sessions: browsers, which begin with long polling, are refused there. A
/// WebSocket is one connection and passes; that polling was not tested is said.
#[test]
fn socket_io_of_two_processes_passes_and_says_that_polling_was_not_tested() {
    let target = Target::script("two.cjs");
    let Some(server) = target.start() else { return };
    let refused = (0..10_000).map(|_| polled(server.port())).find(|answer| answer.starts_with("HTTP/1.1 400"));
    let refused = refused.expect("both processes are there");
    assert!(refused.contains("Session ID unknown"), "{refused}");
    let output = probe("socketio-addpeer", &target, &server, &[]);
    let report = report(&output);
    assert_eq!((output.status.code(), &report["diagnosis"]["cause"]), (Some(0), &"none".into()), "{report:#}");
    let found = report["findings"].as_array().unwrap();
    let [untested] = found.as_slice() else { panic!("{found:#?}") };
    let told = format!("{} {}", untested["sentence"], untested["remedy"]);
    assert!(told.contains("HTTP long polling, which was not tested") && told.contains("sticky sessions"), "{told}");
}

/// Begins a session as browsers do, and polls it over a second connection: the answer to that.
fn polled(port: u16) -> String {
    let ask = |request: String| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let written = stream.write_all(request.as_bytes());
        let mut answer = String::new();
        written.and_then(|()| stream.read_to_string(&mut answer)).unwrap();
        answer
    };
    let path = "/socket.io/?EIO=4&transport=polling";
    let begun = ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    let session = begun.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a session");
    let head = "Host: a\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 2";
    ask(format!("POST {path}&sid={session} HTTP/1.1\r\n{head}\r\n\r\n40"))
}
