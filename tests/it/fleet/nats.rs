//! A real nats-server on a free loopback port, and the processes of one run on it.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use support::network::skip;
use support::serving::Serving;
use tempfile::TempDir;

/// The rights of a user of slot 0 on the bus, of any run.
pub const RIGHTS_OF_SLOT_0: &str = r#"{
    publish: ["mesh.v1.*.join", "mesh.v1.*.clk", "mesh.v1.*.hb.0", "mesh.v1.*.res.*.0.>", "$KV.*.slot.0",
              "$JS.API.STREAM.INFO.*", "$JS.API.DIRECT.GET.>"]
    subscribe: ["mesh.v1.*.order", "_INBOX.>"] }"#;

/// A nats-server with JetStream; it ends when dropped.
pub struct Nats {
    program: PathBuf,
    child: Child,
    address: SocketAddr,
    folder: TempDir,
    /// Its log so far.
    log: Arc<Mutex<String>>,
}

impl Nats {
    /// `None`: there is none here, and why is printed.
    pub fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// The same with more lines in its configuration.
    pub fn start_with(configuration: &str) -> Option<Self> {
        Self::start_on(Ipv4Addr::LOCALHOST, configuration)
    }

    pub fn start_on(host: Ipv4Addr, configuration: &str) -> Option<Self> {
        let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/python/bin/nats-server");
        let on_path = || {
            let found = Command::new("nats-server").arg("--version").output();
            found.is_ok().then(|| PathBuf::from("nats-server"))
        };
        let Some(program) = Some(installed).filter(|path| path.is_file()).or_else(on_path) else {
            skip("nats-server is not installed (scripts/setup)");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("nats.conf"), configuration).expect("a file");
        let log = Arc::default();
        let (child, address) = spawn(&program, folder.path(), (host, -1), &log);
        Some(Self { program, child, address, folder, log })
    }

    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// SIGKILL: no goodbye.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// On the same port, with the same store.
    pub fn start_again(&mut self) {
        let IpAddr::V4(host) = self.address.ip() else { panic!("an IPv4 address") };
        let at = (host, self.address.port().into());
        (self.child, self.address) = spawn(&self.program, self.folder.path(), at, &self.log);
    }

    pub fn log(&self) -> String {
        self.log.lock().expect("a log").clone()
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server and waits until it listens; port -1 takes a free one.
fn spawn(
    program: &Path,
    folder: &Path,
    (host, port): (Ipv4Addr, i32),
    log: &Arc<Mutex<String>>,
) -> (Child, SocketAddr) {
    let (host, port) = (host.to_string(), port.to_string());
    let mut command = Command::new(program);
    command.current_dir(folder).args(["-c", "nats.conf", "-a", &host, "-js", "-sd", ".", "-p", &port]);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("nats-server starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
    let mut told = String::new();
    let address = lines
        .by_ref()
        .inspect(|line| told += &format!("{line}\n"))
        .find_map(|line| line.split_once("client connections on ")?.1.trim().parse().ok());
    let address = address.unwrap_or_else(|| panic!("no line with the address:\n{told}"));
    lines.find(|line| line.contains("Server is ready")).expect("a server that is ready");
    // Somebody reads on, or a full pipe would stop it.
    let log = log.clone();
    std::thread::spawn(move || lines.for_each(|line| *log.lock().expect("a log") += &(line + "\n")));
    (child, address)
}

/// One run on a bus, in a folder of its own.
pub struct BusRun<'a> {
    pub folder: TempDir,
    nats: String,
    target: String,
    name: &'a str,
}

impl<'a> BusRun<'a> {
    pub fn new(nats: &Nats, target: &Serving, name: &'a str) -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), nats: nats.url(), target: target.url.clone(), name }
    }

    /// With another target.
    pub fn target(self, url: &str) -> Self {
        Self { target: url.to_owned(), ..self }
    }

    /// With a login on the bus.
    pub fn login(mut self, login: &str) -> Self {
        let (_, server) = self.nats.rsplit_once(['/', '@']).expect("a URL");
        self.nats = format!("nats://{login}@{server}");
        self
    }

    /// With another server of the bus before its own.
    pub fn after(self, server: &str) -> Self {
        Self { nats: format!("{server},{}", self.nats), ..self }
    }

    /// Over TLS.
    pub fn tls(mut self) -> Self {
        self.nats = self.nats.replace("nats://", "tls://");
        self
    }

    /// The controller, whose report goes to `whole`.
    pub fn controller(&self, agents: &str, args: &[&str]) -> Process {
        let own = ["run", "--agents", agents, "--target", &self.target, "--out", "whole", "--format", "json"];
        self.start(&[&own[..], &["--room-size", "3", "--on-invalid", "warn"], args].concat(), None)
    }

    /// A capacity search of two agents.
    pub fn search(&self, args: &[&str]) -> Process {
        let own = ["capacity", "--agents", "2", "--target", &self.target, "--out", "whole", "--format", "json"];
        self.start(&[&own[..], args].concat(), None)
    }

    /// An agent, whose part goes to `out`.
    pub fn agent(&self, out: &str, args: &[&str]) -> Process {
        self.start(&[&["agent", "--no-progress", "--out", out], args].concat(), None)
    }

    /// An agent with a variable in its environment.
    pub fn agent_with(&self, out: &str, args: &[&str], variable: (&str, &str)) -> Process {
        self.start(&[&["agent", "--no-progress", "--out", out], args].concat(), Some(variable))
    }

    /// An agent of a shell that first runs `script`.
    pub fn agent_after(&self, script: &str, out: &str) -> Process {
        let mut command = Command::new("bash");
        command.current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.args(["-c", &format!("{script} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_meshload")]);
        command.args(["agent", "--no-progress", "--out", out]).args(self.bus());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Process::of(command.spawn().expect("bash starts"))
    }

    fn start(&self, args: &[&str], variable: Option<(&str, &str)>) -> Process {
        let mut command = super::meshload(self.folder.path(), &[args, &self.bus()].concat());
        command.envs(variable).stdout(Stdio::piped()).stderr(Stdio::piped());
        Process::of(command.spawn().expect("the program starts"))
    }

    /// The options that name bus and run.
    pub fn bus(&self) -> [&str; 4] {
        ["--bus", &self.nats, "--run", self.name]
    }
}

/// A process whose stderr is read as it comes; it ends when dropped.
pub struct Process {
    child: Option<Child>,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Process {
    pub fn of(mut child: Child) -> Self {
        let (tell, lines) = std::sync::mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { child: Some(child), lines }
    }

    /// Waits for a line with `words`.
    pub fn wait_for(&self, words: &str) {
        self.told_after(words);
    }

    /// The rest of the first line with `words`.
    pub fn told_after(&self, words: &str) -> String {
        let mut told = vec![];
        for line in &self.lines {
            if let Some((_, rest)) = line.split_once(words) {
                return rest.to_owned();
            }
            told.push(line);
        }
        panic!("no line with {words:?}:\n{}", told.join("\n"));
    }

    pub fn kill(&mut self) {
        self.running().kill().expect("it runs");
    }

    fn running(&mut self) -> &mut Child {
        self.child.as_mut().expect("it is ended once")
    }

    /// As Ctrl-C does.
    pub fn interrupt(&mut self) {
        self.signal("-INT");
    }

    /// A signal as kill(1) takes it.
    pub fn signal(&mut self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.running().id().to_string()]).status();
        assert!(sent.expect("kill(1) starts").success());
    }

    /// Its code, the JSON on stdout, and the rest of stderr.
    pub fn end(mut self) -> (Option<i32>, serde_json::Value, String) {
        let child = self.child.take().expect("it is ended once");
        let Output { status, stdout, .. } = child.wait_with_output().expect("it ends");
        let told: Vec<String> = self.lines.iter().collect();
        (status.code(), serde_json::from_slice(&stdout).unwrap_or_default(), told.join("\n"))
    }
}

/// Ends processes, each of which must have this code.
#[track_caller]
pub fn end_all(processes: impl IntoIterator<Item = Process>, expected: i32) {
    for process in processes {
        let (code, _, told) = process.end();
        assert_eq!(code, Some(expected), "{told}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
