//! Words of a server that stop a peer: each reaches the reports of a probe and of a run, whatever it stopped.

use crate::common::at_once::at_once;
use crate::common::play::PROGRAM;
use crate::common::websocket::{accept, frame, key, read_head};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::thread;

/// The reports that people and CI systems read.
const READ: [&str; 7] =
    ["probe.txt", "probe.json", "probe.html", "summary.json", "report.html", "report.md", "junit.xml"];

/// The answer to every connection.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// This status instead of an upgrade.
    Status(&'static str),
    /// This text once the connection is up, and nothing more.
    Says(&'static str),
    /// This close once the connection is up.
    Closes(u16, &'static str),
}

/// The URL of a server that gives this answer; it lives as long as the test's process.
fn serve(answer: Answer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // A client may go away at any moment.
            thread::spawn(move || {
                let head = read_head(&mut stream)?;
                if let Answer::Status(status) = answer {
                    return stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes());
                }
                let upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
                let accept = accept(key(&head).unwrap_or_default());
                stream.write_all(format!("{upgrade}Sec-WebSocket-Accept: {accept}\r\n\r\n").as_bytes())?;
                stream.write_all(&match answer {
                    Answer::Says(text) => frame(1, text.as_bytes()),
                    Answer::Closes(code, words) => frame(8, &[&code.to_be_bytes(), words.as_bytes()].concat()),
                    Answer::Status(_) => vec![],
                })?;
                std::io::copy(&mut stream, &mut std::io::sink()).map(|_| ())
            });
        }
    });
    format!("ws://{address}/peerjs")
}

/// All reports of `meshload VERB` against such a server, by name.
fn reports(verb: &str, answer: Answer, folder: &Path) -> Vec<(String, String)> {
    let out = folder.join(verb);
    let mut command = Command::new(PROGRAM);
    command.args([verb, "--dialect", "peerjs", "--target", &serve(answer), "--engine", "none", "--timeout", "3s"]);
    command.args(if verb == "run" {
        &["--rooms", "1", "--room-size", "2", "--no-gates", "--on-invalid", "warn"][..]
    } else {
        &["--frames"]
    });
    let output = command.args(["--quiet", "--out"]).arg(&out).current_dir(folder).output().unwrap();
    let mut reports = vec![("stdout".to_owned(), String::from_utf8(output.stdout).unwrap())];
    for entry in fs::read_dir(&out).unwrap_or_else(|_| panic!("{:?}", String::from_utf8_lossy(&output.stderr))) {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_read = READ.contains(&name.as_str());
        reports.extend(is_read.then(|| (name, fs::read_to_string(&path).unwrap())));
    }
    reports
}

/// Every report of a probe and of a run has these words.
fn check(answer: Answer, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    for verb in ["probe", "run"] {
        let reports = reports(verb, answer, folder.path());
        assert!(reports.len() > 3, "{verb}: {reports:?}");
        for (name, text) in reports {
            let plain = text.replace("&quot;", "\"").replace("&#34;", "\"").replace("\\\"", "\"").replace('\\', "");
            let missing: Vec<_> = words.iter().filter(|word| !plain.contains(**word)).collect();
            assert!(missing.is_empty(), "{answer:?}: {name} of {verb} lacks {missing:?}: {text}");
        }
    }
}

#[test]
fn a_status_a_close_an_error_and_a_stopped_join_are_told_in_the_servers_words_in_every_report() {
    let cases: [(Answer, &[&str]); 13] = [
        (Answer::Status("400 Bad Request"), &["HTTP 400", "takes this for no valid upgrade"]),
        (Answer::Status("401 Unauthorized"), &["HTTP 401", "wants credentials"]),
        (Answer::Status("403 Forbidden"), &["HTTP 403", "forbids it to this client"]),
        (Answer::Status("404 Not Found"), &["HTTP 404", "Nothing is served at that path"]),
        (Answer::Status("426 Upgrade Required"), &["HTTP 426", "saw no upgrade that it takes"]),
        (Answer::Status("429 Too Many Requests"), &["HTTP 429", "a limit that is set"]),
        (Answer::Status("500 Internal Server Error"), &["HTTP 500", "its log says why"]),
        (Answer::Status("502 Bad Gateway"), &["HTTP 502", "A gateway answers"]),
        (Answer::Status("503 Service Unavailable"), &["HTTP 503", "overloaded, starts or stops"]),
        (Answer::Status("200 OK"), &["HTTP 200", "no WebSocket at that path"]),
        (Answer::Closes(4_000, "down until five"), &["close 4000: down until five"]),
        (Answer::Says(r#"{"type":"ERROR","payload":{"msg":"Server is full"}}"#), &["Server is full"]),
        (Answer::Says(r#"{"type":"HELLO","proto":3}"#), &["step 1 of the join", "waits for ", "came instead", "HELLO"]),
    ];
    // More at once would keep each other from a connection in time.
    cases.chunks(3).for_each(|few| at_once(few, |(answer, words)| check(*answer, words)));
}

/// Both ways, from the first frame on; without an SDP, and without what is secret by its name.
#[test]
fn the_frames_of_a_probe_are_shown_from_the_join_on_without_sdp_and_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let answer = Answer::Says(
        r#"{"type":"HELLO","token":"canary","sdp":"v=0\r\no=- 7 7 IN IP4 127.0.0.1\r\na=ice-pwd:canary","inner":"{\"password\":\"canary\"}"}"#,
    );
    for (name, text) in reports("probe", answer, folder.path()) {
        assert!(!text.contains("canary"), "{name}: {text}");
        assert!(text.contains("HELLO") && (name.ends_with(".json") || text.contains("v=0…")), "{name}: {text}");
    }
    let probed: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("probe/probe.json")).unwrap()).unwrap();
    let frames = probed["frames"].as_array().unwrap();
    let hello = frames.iter().find(|frame| frame["text"].as_str().unwrap().contains("HELLO")).unwrap();
    assert_eq!((&hello["direction"], &hello["rule"]), (&"received".into(), &Value::Null), "{frames:#?}");
}
