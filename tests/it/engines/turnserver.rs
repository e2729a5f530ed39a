//! Debian's `coturn` on loopback, on a free port, gone with its test.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

pub const USER: &str = "mesh";
pub const PASSWORD: &str = "load";

/// Longest wait for something that takes a second.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct TurnServer {
    child: Child,
    address: SocketAddr,
    lines: Receiver<String>,
    heard: Vec<String>,
}

impl TurnServer {
    /// None, which is said, where it is not installed.
    pub fn start() -> Option<Self> {
        let free = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let folder = std::env::temp_dir();
        let user = format!("--user={USER}:{PASSWORD}");
        let port = format!("--listening-port={}", address.port());
        let database = format!("--userdb={}/turndb-{}", folder.display(), address.port());
        let pid = format!("--pidfile={}/turn-{}.pid", folder.display(), address.port());
        let child = Command::new("turnserver")
            .args([
                "-n",
                "--verbose",
                "--log-file=stdout",
                "--simple-log",
                "--no-cli",
                "--no-tls",
                "--no-dtls",
                "--no-tcp",
            ])
            .args(["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--allow-loopback-peers", "--lt-cred-mech"])
            .args(["--realm=meshload", &user, &port, &database, &pid])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = child else {
            println!("skipped: no turnserver here (apt-get install coturn)");
            return None;
        };
        let (tell, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        let mut server = Self { child, address, lines, heard: vec![] };
        server.await_lines("IPv4. UDP listener opened on", 1);
        Some(server)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it has logged `words` so often.
    pub fn await_lines(&mut self, words: &str, times: usize) {
        let until = Instant::now() + PATIENCE;
        while self.heard.iter().filter(|line| line.contains(words)).count() < times {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => self.heard.push(line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("{words:?} was not said {times} times in:\n{}", self.heard.join("\n"))
                }
            }
        }
    }
}

impl Drop for TurnServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
