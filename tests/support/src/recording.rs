//! `meshload record` before a server, and `meshload dialects learn` on its file.

use crate::program;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A recording proxy in a process of its own.
pub struct RecordingProcess {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    shown: String,
    pub url: String,
}

impl RecordingProcess {
    /// Before the server at `to`, with the file `out`.
    pub fn start(to: &str, out: &Path) -> Self {
        let mut command = Command::new(program());
        command.args(["record", "--listen", "127.0.0.1:0", "--to", to, "--out"]).arg(out);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        lines.read_line(&mut line).expect("a first line");
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("no proxy: {line:?}")).to_owned();
        Self { child, lines, shown: String::new(), url }
    }

    /// Reads what it shows until a line has these words.
    pub fn await_line(&mut self, words: &str) {
        let mut from = self.shown.len();
        while self.lines.read_line(&mut self.shown).expect("UTF-8") > 0 {
            if self.shown[from..].contains(words) {
                return;
            }
            from = self.shown.len();
        }
        panic!("no {words:?} in {}", self.shown);
    }

    /// Ends it as Ctrl-C does. Returns what it showed, and what it told in the end.
    pub fn interrupt(mut self) -> (String, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
        let (mut shown, mut told) = (self.shown, String::new());
        self.lines.read_to_string(&mut shown).expect("UTF-8");
        self.child.stderr.take().expect("a pipe").read_to_string(&mut told).expect("UTF-8");
        assert!(self.child.wait().expect("it ends").success(), "{told}");
        (shown, told)
    }
}

/// Learns `dialect` from `recordings`; returns what it understood.
pub fn learn(recordings: &[&Path], dialect: &Path) -> String {
    let mut command = Command::new(program());
    let output = command.args(["dialects", "learn"]).args(recordings).arg("-o").arg(dialect).output().expect("it runs");
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{told}");
    told
}

/// As `learn`; panics if the file has a hole that a person would have to fill, which is marked as `TODO`.
pub fn learn_whole(recordings: &[&Path], dialect: &Path) -> String {
    let understood = learn(recordings, dialect);
    assert!(!understood.contains("TODO"), "{recordings:?}: {understood}");
    understood
}

/// Probes with `dialect`; panics unless every channel opens.
pub fn probe(dialect: &Path, target: &str, peers: &str) {
    let mut command = Command::new(program());
    command.args(["probe", "--peers", peers, "--timeout", "30s", "--target", target, "--dialect"]).arg(dialect);
    let output = command.output().expect("it runs");
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{told}\n{}", std::fs::read_to_string(dialect).unwrap_or_default());
}
