//! A headless Chromium and its tabs, driven over the DevTools protocol.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// Longer than anything that is waited for; in milliseconds.
const PATIENCE_MS: u64 = 40_000;

const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-loopback-in-peer-connection",
    "--remote-debugging-port=0",
];

pub fn installed() -> Option<&'static Path> {
    let known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    known.into_iter().map(Path::new).find(|path| path.exists())
}

/// A running one; it ends when dropped.
pub struct Chromium {
    child: Child,
    tools: WebSocket<TcpStream>,
    calls: u64,
    _profile: TempDir,
}

/// A tab, in a window of its own so that it is no background of another.
#[derive(Clone)]
pub struct Tab {
    target: String,
    session: String,
}

impl Chromium {
    pub fn start(program: &Path) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.args(FLAGS).arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let told = lines.by_ref().take(500).find_map(|line| Some(line.ok()?.split_once("listening on ")?.1.to_owned()));
        let url = told.expect("chromium says where its tools listen");
        // What it says later must go somewhere, or it stops at a full pipe.
        std::thread::spawn(move || lines.count());
        let address = url.trim_start_matches("ws://").split('/').next().unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(2 * PATIENCE_MS))).unwrap();
        let (tools, _) = client(url.as_str(), stream).unwrap();
        Self { child, tools, calls: 0, _profile: profile }
    }

    /// A tab that shows `url`, a page of `serve`.
    pub fn open(&mut self, url: &str) -> Tab {
        let tab = self.show(url);
        self.until(&tab, "document.readyState === 'complete' && document.getElementById('who') !== null");
        tab
    }

    /// A tab in which `url` is being loaded.
    pub fn show(&mut self, url: &str) -> Tab {
        let opened = self.call(None, "Target.createTarget", json!({ "url": "about:blank", "newWindow": true }));
        let target = opened["targetId"].as_str().unwrap().to_owned();
        let attached = self.call(None, "Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        let tab = Tab { target, session: attached["sessionId"].as_str().unwrap().to_owned() };
        self.call(Some(&tab), "Page.navigate", json!({ "url": url }));
        tab
    }

    /// Makes the tab's screen so wide, in CSS pixels, and dark or light.
    pub fn emulate(&mut self, tab: &Tab, width: u32, scheme: &str) {
        let screen = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 640 });
        self.call(Some(tab), "Emulation.setDeviceMetricsOverride", screen);
        let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call(Some(tab), "Emulation.setEmulatedMedia", json!({ "features": feature }));
    }

    /// As the cross in the tab's corner does.
    pub fn close(&mut self, tab: &Tab) {
        self.call(None, "Target.closeTarget", json!({ "targetId": tab.target }));
    }

    /// Value of a script, as JSON.
    pub fn run(&mut self, tab: &Tab, script: &str) -> Value {
        let asked = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let answer = self.call(Some(tab), "Runtime.evaluate", asked);
        assert!(answer["exceptionDetails"].is_null(), "{script}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Waits until a condition on the page holds, looking after each change of it.
    pub fn until(&mut self, tab: &Tab, condition: &str) {
        let script = format!(
            "new Promise((done) => {{
                const look = () => ({condition}) && done('');
                new MutationObserver(look).observe(document, {{ subtree: true, childList: true, attributes: true, characterData: true }});
                addEventListener('load', look);
                setTimeout(() => done(document.body?.innerText || 'an empty page'), {PATIENCE_MS});
                look();
            }})"
        );
        let seen = self.run(tab, &script);
        assert_eq!(seen, "", "never came: {condition}");
    }

    fn call(&mut self, tab: Option<&Tab>, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut call = json!({ "id": self.calls, "method": method, "params": params });
        if let Some(tab) = tab {
            call["sessionId"] = tab.session.as_str().into();
        }
        self.tools.send(Message::text(call.to_string())).unwrap();
        loop {
            let Message::Text(text) = self.tools.read().unwrap() else { continue };
            let told: Value = serde_json::from_str(&text).unwrap();
            if told["id"] == self.calls {
                assert!(told["error"].is_null(), "{method}: {}", told["error"]);
                return told["result"].clone();
            }
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Its helpers end with it if it is asked; if it is killed, they may not.
        let goodbye = json!({ "id": 0, "method": "Browser.close" });
        if self.tools.send(Message::text(goodbye.to_string())).is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
