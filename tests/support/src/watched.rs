//! `meshload run` in a process of its own, whose progress is read while it goes on.

use crate::program;
use meshload::summary::Summary;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};
use tempfile::TempDir;

/// It is read to its end by `end`.
pub struct Watched {
    child: Child,
    told: Lines<BufReader<ChildStderr>>,
    folder: TempDir,
}

impl Watched {
    /// Runs a profile of this text. The effect of other work on the figures is not tested.
    pub fn start(profile: &str, args: &[&str]) -> Self {
        Self::start_by(Command::new(program()), profile, args)
    }

    /// Likewise, by a command that runs the program with the arguments that follow.
    pub fn start_by(mut command: Command, profile: &str, args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.toml"), profile).unwrap();
        let mut child = command
            .args(["run", "p.toml", "--out", "report", "--on-invalid", "warn"])
            .args(args)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, told, folder }
    }

    /// Waits for a line of progress that is of the steady phase and has `sign`.
    pub fn until_steady(&mut self, sign: &str) {
        self.until(&["steady", sign]);
    }

    /// Waits for a line of progress that has all of `signs`.
    pub fn until(&mut self, signs: &[&str]) {
        let mut told = self.told.by_ref().map_while(Result::ok);
        let is_it = |line: String| signs.iter().all(|sign| line.contains(sign));
        assert!(told.any(is_it), "no line of progress has {signs:?}");
    }

    /// Its summary and its exit code, when it has ended.
    pub fn end(mut self) -> (Summary, Option<i32>) {
        let rest: Vec<String> = self.told.map_while(Result::ok).collect();
        let exit_code = self.child.wait().unwrap().code();
        let text = std::fs::read_to_string(self.folder.path().join("report/summary.json"));
        let summary = Summary::read(&text.unwrap_or_else(|error| panic!("{error}: {rest:#?}"))).unwrap();
        summary.counts.conserved().unwrap();
        (summary, exit_code)
    }
}
