//! Secrets planted wherever one can be given: none of them comes out again (docs/spec/faults.md 20).

use super::between::Between;
use crate::common::play::PROGRAM;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use support::serving::Serving;

/// Each with characters that a URL has to encode, and none that a token may not have.
pub(super) const CANARIES: [&str; 9] = [
    "canary+header/literal=1",
    "canary+header/from/outside=2",
    "canary+header/file=3",
    "canary+query=4",
    "canary+userinfo=5",
    "canary+token/zero=6",
    "canary+token/one=7",
    "canary+proxy=8",
    "canary+subprotocol/that/is/long=9",
];

pub(super) fn percent_encoded(text: &str) -> String {
    text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// Every spelling of a secret in which it could be read again.
fn spellings(secret: &str) -> Vec<String> {
    let mut spellings = vec![secret.to_owned(), percent_encoded(secret), percent_encoded(secret).to_lowercase()];
    for alphabet in [STANDARD, URL_SAFE] {
        // In base64 a text looks different at each of three offsets; what its neighbours touch is left out.
        for offset in 0..3 {
            let encoded = alphabet.encode(["x".repeat(offset).as_bytes(), secret.as_bytes()].concat());
            let from = [0, 2, 3][offset] + usize::from(offset > 0);
            spellings.push(encoded[from..encoded.len() - 4].to_owned());
        }
    }
    spellings
}

#[track_caller]
fn check_silent(what: &str, text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    for canary in CANARIES {
        for spelling in spellings(canary) {
            if let Some(at) = text.find(&spelling) {
                let from = text[..at].char_indices().rev().nth(80).map_or(0, |(from, _)| from);
                panic!("{what} tells {canary} as {spelling}: …{}", &text[from..at + spelling.len()]);
            }
        }
    }
}

#[track_caller]
fn check_folder(what: &str, folder: &Path) {
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        files += 1;
        let what = format!("{what}: {}", path.display());
        check_silent(&what, &fs::read(&path).expect("a file"));
        if path.extension().is_some_and(|extension| extension == "gz") {
            let mut lines = vec![];
            let unpacked = flate2::read::MultiGzDecoder::new(fs::File::open(&path).expect("a file"));
            unpacked.take(64 << 20).read_to_end(&mut lines).expect("gzip");
            check_silent(&what, &lines);
        }
    }
    assert!(files > 0, "{what} left nothing to look at");
}

/// A folder with the files that the options name, and what is on the line.
pub(super) struct Planted {
    folder: tempfile::TempDir,
    variables: Vec<String>,
}

impl Planted {
    pub(super) fn new(proxy: &SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).expect("a file");
        write("headers", format!("X-File: {}\n", CANARIES[2]));
        let tokens = [CANARIES[5], CANARIES[6]].repeat(100);
        write("tokens", tokens.join("\n"));
        // The reference server gives back what it can't read: each peer is told its own token again, and fails by it.
        let dialect = "name = \"login\"\ndescription = \"says its token\"\nsample = \"ws://127.0.0.1:9000/ws/\"\n\
                       codec = \"text\"\n[say]\nlogin = \"login {token}\"\noffer = \"offer {sdp}\"\nanswer = \"answer {sdp}\"\n[[join]]\nsay = \"login\"\n\
                       [[join]]\nwait = \"1s\"\n[[join]]\njoined = true\n\
                       [[on]]\nmatch = \"{what}\"\nerror = \"not liked: {what}\"\n";
        write("login.toml", dialect.to_owned());
        let variables = vec![
            format!("FROM_OUTSIDE={}", CANARIES[1]),
            format!("http_proxy=http://user:{}@{proxy}", percent_encoded(CANARIES[7])),
        ];
        Self { folder, variables }
    }

    /// Runs a command on the target and looks at all that it says; it must end with `code`.
    #[track_caller]
    pub(super) fn check(&self, code: i32, target: &SocketAddr, args: &[&str]) {
        self.check_one_of(&[code], target, args);
    }

    /// The same where more than one code is right.
    #[track_caller]
    pub(super) fn check_one_of(&self, codes: &[i32], target: &SocketAddr, args: &[&str]) {
        let url = format!(
            "ws://us%65r:{}@{target}/ws/?key={}&t={{token}}&o=${{FROM_OUTSIDE}}",
            percent_encoded(CANARIES[4]),
            percent_encoded(CANARIES[3])
        );
        let mut command = Command::new("env");
        command.arg("-i").args(&self.variables).args([&format!("PATH={}", std::env::var("PATH").expect("a path"))]);
        command.arg("MESHLOAD_ON_INVALID=warn").arg(PROGRAM).args(args).args(["--target", &url]);
        command.args(["-H", &format!("X-Literal: {}", CANARIES[0]), "-H", "@headers", "--tokens", "tokens"]);
        command.args(["-H", "X-Outside: Bearer ${FROM_OUTSIDE}", "-H", "X-Token: {token}"]);
        let output = command.current_dir(self.folder.path()).output().expect("the program starts");
        let what = args.join(" ");
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let code = output.status.code().expect("no signal ended it");
        assert!(codes.contains(&code), "{what}: exit {code}\n{stdout}\n{stderr}");
        check_silent(&format!("stdout of {what}"), &output.stdout);
        check_silent(&format!("stderr of {what}"), &output.stderr);
        if let Some(at) = args.iter().position(|arg| *arg == "--out") {
            check_folder(&what, &self.folder.path().join(args[at + 1]));
        }
    }
}

const SMALL: [&str; 12] = [
    "--rooms",
    "1",
    "--room-size",
    "2",
    "--timeout",
    "1s",
    "--duration",
    "100ms",
    "--engine",
    "none",
    "--no-gates",
    "-v",
];

#[test]
fn the_spellings_find_a_secret_wherever_it_stands() {
    for canary in CANARIES {
        for before in ["", "a", "ab", "user:", "Bearer "] {
            let encoded = STANDARD.encode(format!("{before}{canary} and more"));
            assert!(spellings(canary).iter().any(|spelling| encoded.contains(spelling)), "{before}{canary}");
        }
    }
}

#[test]
fn no_secret_comes_out_of_a_run_whether_it_succeeds_or_not() {
    let server = Serving::start(&[]);
    let proxy = Between::proxy(server.address());
    let planted = Planted::new(&proxy.address);
    let target = server.address();
    planted.check(0, &target, &[&["run"], &SMALL[..], &["--out", "good"]].concat());
    let heads = proxy.heard();
    assert!(heads.len() == 2 && heads[0].contains("Proxy-Authorization: Basic "), "the way was taken: {heads:?}");
    planted.check(0, &target, &[&["run"], &SMALL[..], &["--format", "json", "--out", "json"]].concat());
    planted.check(0, &target, &[&["run"], &SMALL[..], &["--control", "--format", "md", "--out", "md"]].concat());
    planted.check(96, &target, &[&["run"], &SMALL[..], &["--subprotocol", CANARIES[8], "--out", "asked"]].concat());
    // A dialect of one's own, which says the token on the wire, and gets nowhere with it.
    planted.check(99, &target, &[&["run"], &SMALL[..], &["--dialect", "login.toml", "--out", "login"]].concat());
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let alone = Planted::new(&nobody);
    alone.check(96, &target, &[&["run"], &SMALL[..], &["--out", "bad"]].concat());
    alone.check(
        96,
        &target,
        &[&["run"], &SMALL[..], &["--no-proxy", "--connect-to", &nobody.to_string(), "--out", "no"]].concat(),
    );
}

#[test]
fn no_secret_comes_out_of_the_other_commands() {
    let server = Serving::start(&[]);
    let proxy = Between::proxy(server.address());
    let planted = Planted::new(&proxy.address);
    let target = server.address();
    for format in ["text", "json", "mermaid", "html"] {
        planted.check(0, &target, &["probe", "--engine", "none", "--trace", "--format", format]);
    }
    planted.check(
        99,
        &target,
        &["probe", "-v", "--engine", "none", "--trace", "--timeout", "1s", "--dialect", "login.toml"],
    );
    planted.check(0, &target, &["check", "smoke", "--rooms", "1"]);
    planted.check(
        0,
        &target,
        &[
            "capacity",
            "smoke",
            "--vary",
            "rooms",
            "--from",
            "1",
            "--to",
            "1",
            "--room-size",
            "2",
            "--engine",
            "none",
            "--duration",
            "100ms",
            "--out",
            "capacity",
        ],
    );
}

#[test]
fn no_secret_is_in_a_complaint() {
    let planted = Planted::new(&([127, 0, 0, 1], 9).into());
    let target = ([127, 0, 0, 1], 9).into();
    planted.check(2, &target, &[&["run"], &SMALL[..], &["--set", "no.such=1"]].concat());
    planted.check(2, &target, &[&["run"], &SMALL[..], &["--rooms", "900"]].concat());
    let mut url = Command::new(PROGRAM);
    url.args(["run", "--target", &format!("ws://user:{}@[bad/?k={}", CANARIES[4], CANARIES[3])]);
    let output = url.output().expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    check_silent("a bad URL's complaint", &output.stderr);
}
