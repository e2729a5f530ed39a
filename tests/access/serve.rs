//! `meshload serve`, ended with its value.

use crate::play::PROGRAM;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    pub fn start(args: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("stdout can be read");
        let url = line.trim().strip_prefix("listening on ").expect("the first line tells the address").to_owned();
        Self { child, url }
    }

    pub fn address(&self) -> SocketAddr {
        let after_scheme = self.url.split("://").nth(1).expect("a URL");
        after_scheme.split('/').next().expect("a host").parse().expect("an address")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
