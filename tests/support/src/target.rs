//! A real signaling server as a child process on a free loopback port.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Command that starts one.
pub struct Target {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    path: String,
    /// It takes its address as its last argument, and does not say where it listens.
    takes_address: bool,
}

/// A running one; it ends when dropped.
pub struct Running {
    child: Child,
    port: u16,
}

impl Target {
    /// A file of a package in tests/targets/node_modules.
    pub fn bin(package: &str, file: &str) -> Self {
        Self::node(folder().join("node_modules").join(package).join(file))
    }

    /// A server of our own in tests/targets.
    pub fn script(file: &str) -> Self {
        Self::node(folder().join(file))
    }

    fn node(file: PathBuf) -> Self {
        let preload = folder().join("loopback.cjs");
        let arguments = ["-r".to_owned(), preload.display().to_string(), file.display().to_string()].to_vec();
        Self { program: "node".into(), arguments, environment: vec![], path: String::new(), takes_address: false }
    }

    /// A command line as a document shows it, from the repository's folder.
    pub fn shell(line: &str) -> Self {
        let arguments = ["-c".to_owned(), format!("exec env {line}")].to_vec();
        Self { program: "sh".into(), arguments, environment: vec![], path: String::new(), takes_address: false }
    }

    /// A program of `cargo install --root tests/targets/cargo`, which takes its address as its argument.
    pub fn program(name: &str) -> Self {
        let cached = std::env::var_os("MESHLOAD_TARGETS").map_or_else(|| folder().join("cargo"), PathBuf::from);
        Self {
            program: cached.join("bin").join(name),
            arguments: vec![],
            environment: vec![],
            path: String::new(),
            takes_address: true,
        }
    }

    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Of the frames to each client that match `lose`, a regular expression, the first `times` are not sent.
    pub fn losing(self, lose: &str, times: Option<u32>) -> Self {
        let lossy = format!("--require {}", folder().join("lossy.cjs").display());
        let lossy = self.environment("NODE_OPTIONS", &lossy).environment("LOSE", lose);
        match times {
            Some(times) => lossy.environment("TIMES", &times.to_string()),
            None => lossy,
        }
    }

    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    pub fn url(&self, running: &Running) -> String {
        self.url_at(running.port)
    }

    /// Its URL behind a door on this port.
    pub fn url_at(&self, port: u16) -> String {
        format!("ws://127.0.0.1:{port}{}", self.path)
    }

    /// `None`: it can't be started here, and why is printed.
    pub fn start(&self) -> Option<Running> {
        let file = self.arguments.get(2).map(Path::new).filter(|_| !self.takes_address);
        let is_program = self.takes_address && self.program.exists();
        let is_file = !self.takes_address && file.is_none_or(Path::exists) && folder().join("node_modules").exists();
        if !is_program && !is_file {
            println!("skipped: {:?} is not installed; see docs/dialects.md", file.unwrap_or(&self.program));
            return None;
        }
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        let free = self.takes_address.then(free_port);
        if let Some(port) = free {
            command.arg(format!("127.0.0.1:{port}"));
        }
        // A pipe that nobody reads stops the server once it is full.
        let stdout = if self.takes_address { Stdio::null() } else { Stdio::piped() };
        let spawned = command.stdout(stdout).stderr(Stdio::null()).stdin(Stdio::null()).spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                println!("skipped: {:?} does not start: {error}", self.program);
                return None;
            }
        };
        let port = match free {
            Some(port) => wait_until_open(port),
            None => told_port(&mut child),
        };
        Some(Running { child, port })
    }
}

impl Running {
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits until so many clients are connected at once.
    pub fn wait_for_clients(&self, count: usize) {
        let enough = (0..20_000).any(|_| {
            let enough = self.clients() >= count;
            if !enough {
                // The kernel's table of connections can only be asked again.
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            enough
        });
        assert!(enough, "{} of {count} clients came", self.clients());
    }

    /// Established connections of loopback to its port, as Linux lists them: peer's address third, state fourth.
    fn clients(&self) -> usize {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let server = format!("0100007F:{:04X}", self.port);
        let is_client = |row: &&str| {
            let mut columns = row.split_whitespace().skip(2);
            columns.next() == Some(server.as_str()) && columns.next() == Some("01")
        };
        table.lines().filter(is_client).count()
    }
}

impl Drop for Running {
    /// SIGKILL: no goodbye.
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The npm package is there; else says that what needs it is skipped.
pub fn is_installed(package: &str) -> bool {
    let is_there = folder().join("node_modules").join(package).exists();
    if !is_there {
        println!("skipped: {package} is not installed; see docs/dialects.md");
    }
    is_there
}

fn told_port(child: &mut Child) -> u16 {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines.by_ref().take(50).find_map(|line| line.ok()?.strip_prefix("listening on ")?.parse().ok());
    // What it says later must go somewhere, or it stops at a full pipe.
    std::thread::spawn(move || lines.count());
    port.expect("the server says where it listens")
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

fn wait_until_open(port: u16) -> u16 {
    let open = (0..200).any(|_| {
        let opened = std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        if !opened {
            std::thread::sleep(std::time::Duration::from_millis(25));
        }
        opened
    });
    assert!(open, "nothing listens on {port}");
    port
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets")
}
