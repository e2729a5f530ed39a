//! The other end of a connection, played by another project's stack: told what to do, and heard, in JSON.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use support::chromium::Chromium;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A running stack; it ends when dropped.
pub struct Other {
    tell: mpsc::Sender<Value>,
    pub events: UnboundedReceiver<Value>,
    runs: Runs,
}

/// Process or thread of the stack.
enum Runs {
    Script(Child),
    Browser(Option<JoinHandle<()>>),
}

impl Other {
    /// A script beside this file.
    pub fn script(program: &str, name: &str) -> Self {
        let mut command = Command::new(program);
        command.arg(folder().join(name)).env("PYTHONPATH", folder().join("python"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (tell, told) = mpsc::channel::<Value>();
        let (say, events) = unbounded_channel();
        std::thread::spawn(move || told.iter().try_for_each(|told| writeln!(input, "{told}")));
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
                if say.send(event).is_err() {
                    return;
                }
            }
        });
        Self { tell, events, runs: Runs::Script(child) }
    }

    /// A tab of a browser.
    pub fn browser(program: &'static Path) -> Self {
        let (tell, told) = mpsc::channel();
        let (say, events) = unbounded_channel();
        let browser = std::thread::spawn(move || browse(program, &told, &say));
        Self { tell, events, runs: Runs::Browser(Some(browser)) }
    }

    pub fn tell(&self, told: Value) {
        self.tell.send(told).expect("the other stack runs");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        match &mut self.runs {
            Runs::Script(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            // The browser's thread ends once the channel of its events is closed.
            Runs::Browser(browser) => {
                self.events.close();
                let _ = browser.take().map(JoinHandle::join);
            }
        }
    }
}

fn browse(program: &Path, told: &mpsc::Receiver<Value>, say: &UnboundedSender<Value>) {
    let mut chromium = Chromium::start(program);
    let tab = chromium.open("data:text/html,<p id=who>");
    chromium.run(&tab, include_str!("browser.js"));
    while !say.is_closed() {
        for told in told.try_iter() {
            chromium.run(&tab, &format!("other.tell({told})"));
        }
        let Value::Array(events) = chromium.run(&tab, "other.take()") else { panic!("no events") };
        events.into_iter().for_each(|event| _ = say.send(event));
    }
    chromium.close(&tab);
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop")
}
