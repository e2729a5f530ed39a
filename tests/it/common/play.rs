//! Runs the binary to its end, within a bound, and reads what it left.

use meshload::summary::Summary;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A run that has not ended by then hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_meshload");

/// A run under way, its report going to a folder of its own.
pub struct Playing {
    pub folder: TempDir,
    pub child: Child,
    pub lines: Receiver<String>,
    stderr: JoinHandle<String>,
    stdout: Option<JoinHandle<String>>,
}

/// A run that is over.
pub struct Played {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub summary: Option<Summary>,
    pub folder: TempDir,
}

/// Starts `meshload run ARGS --out FOLDER/report`.
pub fn start(args: &[&str]) -> Playing {
    let mut command = Command::new(PROGRAM);
    command.arg("run").args(args).args(["--out", "report"]);
    start_command(command)
}

/// The same on a machine without any network, so that no packet leaves this one; none where that can't be had.
pub fn start_without_network(args: &[&str]) -> Option<Playing> {
    let alone = ["--net", "--map-root-user"];
    let may = Command::new("unshare").args(alone).arg("true").output();
    if !may.is_ok_and(|output| output.status.success()) {
        println!("skipped: no network namespace may be made here");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(alone).args([PROGRAM, "run"]).args(args).args(["--out", "report"]);
    Some(start_command(command))
}

/// Starts a command that leaves its report in `report` of the folder that it runs in.
pub fn start_command(command: Command) -> Playing {
    let mut playing = start_unread(command);
    playing.read_stdout();
    playing
}

/// The same, with nobody reading its stdout yet.
pub fn start_unread(mut command: Command) -> Playing {
    let folder = tempfile::tempdir().expect("a folder");
    command.current_dir(folder.path()).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    // Other tests load the machine meanwhile; that is not what is tested.
    command.env("MESHLOAD_ON_INVALID", "warn");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let (tell, lines) = mpsc::channel();
    let stderr = child.stderr.take().expect("stderr is a pipe");
    let stderr = thread::spawn(move || {
        let mut all = String::new();
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            all += &format!("{line}\n");
            // Nobody has to listen.
            let _ = tell.send(line);
        }
        all
    });
    Playing { folder, child, lines, stderr, stdout: None }
}

impl Playing {
    pub fn report(&self) -> PathBuf {
        self.folder.path().join("report")
    }

    /// Waits for a line on stderr that has all of `words`.
    pub fn wait_for(&self, words: &[&str]) {
        let until = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if words.iter().all(|word| line.contains(word)) {
                return;
            }
        }
        panic!("stderr never said {words:?}");
    }

    /// From now on somebody reads its stdout.
    pub fn read_stdout(&mut self) {
        let stdout = self.child.stdout.take().expect("stdout is a pipe");
        self.stdout = Some(thread::spawn(move || text(stdout)));
    }

    /// `name` as kill(1) knows it.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill(1) starts").success());
    }

    /// Waits for the end, which must come within `at_most` from now.
    pub fn end_within(mut self, at_most: Duration) -> Played {
        let until = Instant::now() + at_most;
        let code = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break status.code();
            }
            if Instant::now() > until {
                let _ = self.child.kill();
                panic!("still running {at_most:?} later; stderr:\n{}", self.stderr.join().unwrap_or_default());
            }
            thread::sleep(Duration::from_millis(5));
        };
        let summary = fs::read_to_string(self.report().join("summary.json")).ok();
        Played {
            code,
            stdout: self.stdout.map(|reading| reading.join().expect("stdout is read")).unwrap_or_default(),
            stderr: self.stderr.join().expect("stderr is read"),
            summary: summary.map(|text| Summary::read(&text).unwrap_or_else(|error| panic!("{error}: {text}"))),
            folder: self.folder,
        }
    }
}

impl Played {
    /// The summary, after what every summary promises has been checked.
    #[track_caller]
    pub fn summary(&self) -> &Summary {
        let summary = self.summary.as_ref().unwrap_or_else(|| panic!("no summary.json; stderr:\n{}", self.stderr));
        for counts in [Some(&summary.counts), summary.counts_warmup.as_ref()].into_iter().flatten() {
            assert_eq!(counts.conserved(), Ok(()));
        }
        assert_eq!(Some(i32::from(summary.exit_code)), self.code, "{}", self.stderr);
        summary
    }

    /// Its failures, `phase reason detail` each, the most frequent first.
    pub fn failures(&self) -> Vec<String> {
        let line = |row: &meshload::summary::rows::FailureRow| {
            format!("{} {} {}", row.phase, row.reason, row.detail).trim_end().to_owned()
        };
        self.summary().failures.iter().map(line).collect()
    }

    /// The lines of `-v` about the first connection, without their times.
    pub fn first_connection(&self) -> Vec<&str> {
        let lines = self.stderr.lines().filter_map(|line| line.strip_prefix("first connection: "));
        lines.filter_map(|line| Some(line.split_once(" ms ")?.1)).collect()
    }
}

fn text(mut from: impl Read) -> String {
    let mut bytes = vec![];
    from.read_to_end(&mut bytes).expect("a pipe can be read");
    String::from_utf8(bytes).expect("the output is UTF-8")
}
