//! Whole runs of the real binary, and the CPU that they took.

use crate::program;
use crate::serving::Serving;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

/// The kernel counts a process's CPU in these (proc_pid_stat(5), sysconf(_SC_CLK_TCK)).
const TICKS_PER_SECOND: f64 = 100.0;

/// Inputs of a run: a profile's text, and the server's kind and routing in a process of its own, if not embedded.
#[derive(Clone)]
pub struct Case {
    pub profile: String,
    pub server: Option<[&'static str; 2]>,
    pub engine: Option<&'static str>,
    /// The `meshload` that runs it: that of the same build, or another to compare with.
    pub program: PathBuf,
}

/// A run that came to an end: its summary, and the CPU seconds of the process from its start to its exit.
pub struct Run {
    summary: Value,
    cpu: f64,
}

impl Case {
    pub fn new(profile: String, server: Option<[&'static str; 2]>) -> Self {
        Self { profile, server, engine: None, program: program() }
    }

    /// Rooms of one size, peers arriving at a rate, and nothing after the last has opened.
    pub fn meshes(rooms: u32, size: u32, rate: u32, more: &str) -> Self {
        Self::new(mesh(rooms, size, &format!("rate = '{rate}/s'"), "'0s'", more), Some(["relay", "room"]))
    }

    /// `None`: there was no summary, for example because this build knows no such engine.
    pub fn run(&self) -> Option<Run> {
        self.watched(|_| ()).map(|(run, ())| run)
    }

    /// `watch` looks at the process, by its id, while it runs.
    pub fn watched<T>(&self, watch: impl FnOnce(u32) -> T) -> Option<(Run, T)> {
        let folder = tempfile::tempdir().expect("a folder");
        let profile = folder.path().join("bench.toml");
        fs::write(&profile, &self.profile).expect("the profile");
        let server = self.server.map(|[kind, routing]| Serving::start(&["--kind", kind, "--routing", routing]));
        let mut command = Command::new(&self.program);
        command.arg("run").arg(profile).args(["--format", "json", "--no-gates", "--no-progress", "--report", "none"]);
        command.arg("--out").arg(folder.path().join("out"));
        if let Some(server) = &server {
            command.args(["--target", &server.url]);
        }
        if let Some(engine) = self.engine {
            command.args(["--engine", engine]);
        }
        let before = cpu_of_children();
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("meshload runs");
        let seen = watch(child.id());
        let output = child.wait_with_output().expect("meshload ends");
        let cpu = cpu_of_children() - before;
        let summary = serde_json::from_slice(&output.stdout).ok()?;
        Some((Run { summary, cpu }, seen))
    }
}

impl Run {
    pub fn number(&self, path: &str) -> f64 {
        self.summary.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN)
    }

    pub fn opened(&self) -> f64 {
        self.number("/counts/edges/opened")
    }

    pub fn planned(&self) -> f64 {
        self.number("/counts/edges/planned")
    }

    pub fn cpu(&self) -> f64 {
        self.cpu
    }

    /// Milliseconds of CPU: the process's whole life, over the edges that it opened.
    pub fn cpu_per_edge(&self) -> f64 {
        self.cpu * 1e3 / self.opened()
    }

    pub fn kib_per_end(&self) -> f64 {
        self.number("/health/rss_bytes_max") / 1024.0 / (2.0 * self.opened())
    }

    pub fn verdict(&self) -> String {
        self.summary.pointer("/validity/verdict").and_then(Value::as_str).unwrap_or("no verdict").to_owned()
    }
}

/// A profile without messages, whose peers arrive as told and stay for `steady`.
pub fn mesh(rooms: u32, size: u32, arrivals: &str, steady: &str, more: &str) -> String {
    let traffic = if more.contains("[messages]") { "" } else { "[messages]\npattern = 'none'\n" };
    format!(
        "name = 'bench'\n[rooms]\ncount = {rooms}\nsize = {size}\n[arrivals]\n{arrivals}\n\
         [phases]\nsteady = {steady}\ndrain = '0s'\n[handshake]\ntimeout = '60s'\n{traffic}{more}"
    )
}

/// Cores that a process uses from `from` until `until`, counted from now.
pub fn cores_between(process: u32, from: Duration, until: Duration) -> f64 {
    thread::sleep(from);
    let before = cpu_of(process);
    thread::sleep(until - from);
    (cpu_of(process) - before) / (until - from).as_secs_f64()
}

fn cpu_of(process: u32) -> f64 {
    ticks(&format!("/proc/{process}/stat"), 13)
}

/// Of all that were waited for.
fn cpu_of_children() -> f64 {
    ticks("/proc/self/stat", 15)
}

/// User and system time, two fields from `field` on, counted from 0.
fn ticks(path: &str, field: usize) -> f64 {
    let stat = fs::read_to_string(path).unwrap_or_default();
    // The second field is the command in brackets, which may hold spaces.
    let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
    let fields: Vec<f64> = after.split(' ').skip(field - 2).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
    if fields.len() == 2 { (fields[0] + fields[1]) / TICKS_PER_SECOND } else { f64::NAN }
}
