//! `meshload serve` in a process of its own, gone with its value.

use crate::program;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

pub struct Serving {
    pub child: Child,
    pub url: String,
}

impl Serving {
    /// On a free port of loopback, unless `args` say where to listen.
    pub fn start(args: &[&str]) -> Self {
        let mut command = Command::new(program());
        // The tests' own environment says nothing to the program under test.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MESHLOAD_")) {
            command.env_remove(name);
        }
        command.arg("serve").args(args);
        if !args.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a first line");
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("no server: {line:?}")).to_owned();
        Self { child, url }
    }

    pub fn address(&self) -> SocketAddr {
        let after_scheme = self.url.split("://").nth(1).expect("a URL");
        after_scheme.split('/').next().expect("a host").parse().expect("an address")
    }
}

impl Drop for Serving {
    /// SIGKILL: no goodbye. It may have ended by itself.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
