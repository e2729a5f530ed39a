//! Other processes: the program itself, frozen, pinned or left alone; each ends with its value.

use meshload::summary::Summary;
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// Longest wait for something that takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Process(Child);

impl Process {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("the program starts"))
    }

    /// `meshload serve`, and the URL it tells.
    pub fn serve() -> (Self, String) {
        let mut command = meshload(&["serve", "--listen", "127.0.0.1:0"]);
        let mut process = Self::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().expect("a pipe")).read_line(&mut line).expect("a first line");
        let url = line.trim().strip_prefix("listening on ").expect("the promised line").to_owned();
        (process, url)
    }

    /// Waits until the process holds `number` descriptors more than it does now: peers have come.
    pub fn await_descriptors(&mut self, number: usize) {
        let wanted = self.descriptors() + number;
        let until = Instant::now() + PATIENCE;
        while self.descriptors() < wanted {
            assert!(Instant::now() < until, "{} of {wanted} descriptors", self.descriptors());
            assert!(self.0.try_wait().expect("a child").is_none(), "the process ended too soon");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stands still for so long; gives from when to when.
    pub fn freeze(&self, length: Duration) -> (SystemTime, SystemTime) {
        self.signal(Signal::STOP);
        let from = SystemTime::now();
        std::thread::sleep(length);
        let until = SystemTime::now();
        self.signal(Signal::CONT);
        (from, until)
    }

    pub fn wait(mut self) -> ExitStatus {
        self.0.wait().expect("a child")
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).expect("a child that lives");
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.0.id())).map_or(0, Iterator::count)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

pub fn meshload(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command.args(args).stdin(Stdio::null());
    command
}

/// `meshload run` of a profile's text, with nothing shown; the report goes into `folder`.
pub fn run(folder: &Path, profile: &str, more: &[&str]) -> Command {
    let path = folder.join("accuracy.toml");
    std::fs::write(&path, profile).expect("a file");
    let mut command = meshload(&["run", "-q", "--no-progress", "--report", "none"]);
    command.arg(&path).arg("--out").arg(folder).args(more).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A run of the profile on one CPU that a spinning process wants as well; gives its exit code and its summary.
pub fn run_beside_a_spinner(profile: &str, more: &[&str]) -> (Option<i32>, Summary) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut run = run(folder.path(), profile, more);
    let (spinner, generator) = on_one_cpu(|| {
        let mut spin = Command::new("sh");
        spin.args(["-c", "while :; do :; done"]).stdin(Stdio::null());
        (Process::start(&mut spin), Process::start(&mut run))
    });
    let status = generator.wait();
    drop(spinner);
    let text = std::fs::read_to_string(folder.path().join("summary.json")).expect("a summary");
    (status.code(), Summary::read(&text).expect("a summary of ours"))
}

/// Processes that are started meanwhile have the first CPU of this process, and no other.
pub fn on_one_cpu<T: Send>(start: impl FnOnce() -> T + Send) -> T {
    on(&granted()[..1], start)
}

/// A process that `first` starts has the last CPU of this process to itself, and `then` all others: as if on two machines. With
/// one CPU they share it.
pub fn apart<T: Send, R: Send>(first: impl FnOnce() -> T + Send, then: impl FnOnce(T) -> R + Send) -> R {
    let granted = granted();
    let (last, others) = granted.split_last().expect("a CPU");
    let first = on(&[*last], first);
    on(if others.is_empty() { &granted } else { others }, || then(first))
}

fn granted() -> Vec<usize> {
    let granted = sched_getaffinity(None).expect("an affinity");
    (0..CpuSet::MAX_CPU).filter(|cpu| granted.is_set(*cpu)).collect()
}

fn on<T: Send>(cpus: &[usize], start: impl FnOnce() -> T + Send) -> T {
    // Affinity is a thread's, and its children inherit it.
    std::thread::scope(|scope| {
        let pinned = scope.spawn(|| {
            let mut set = CpuSet::new();
            cpus.iter().for_each(|cpu| set.set(*cpu));
            sched_setaffinity(None, &set).expect("CPUs of ours");
            start()
        });
        pinned.join().expect("a thread that ends")
    })
}
