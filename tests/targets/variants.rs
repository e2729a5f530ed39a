//! One server as people vary it: authentication, namespaces, cookies, arguments, a login before the socket. Each is one or
//! two lines of the dialect file.

use super::addpeer;
use super::changed::changed;
use super::probed::probe;
use std::fs;
use support::target::is_installed;

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
