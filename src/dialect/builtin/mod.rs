//! The dialects that come with the program, embedded as files.

use super::Dialect;

/// A dialect file in the binary; `meshload dialects show` prints its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    pub name: &'static str,
    pub text: &'static str,
}

const ALL: &[BuiltIn] = &[
    BuiltIn { name: "dashboard", text: include_str!("dashboard.toml") },
    BuiltIn { name: "peerjs", text: include_str!("peerjs.toml") },
    BuiltIn { name: "y-webrtc", text: include_str!("y-webrtc.toml") },
    BuiltIn { name: "socketio-addpeer", text: include_str!("socketio-addpeer.toml") },
    BuiltIn { name: "simple-signal", text: include_str!("simple-signal.toml") },
    BuiltIn { name: "webtorrent-tracker", text: include_str!("webtorrent-tracker.toml") },
    BuiltIn { name: "matchbox", text: include_str!("matchbox.toml") },
    BuiltIn { name: "relay", text: include_str!("relay.toml") },
    BuiltIn { name: "relay-global", text: include_str!("relay-global.toml") },
    BuiltIn { name: "relay-open", text: include_str!("relay-open.toml") },
];

/// Every built-in, `dashboard` first.
pub fn builtins() -> &'static [BuiltIn] {
    ALL
}

/// The names of all built-ins, in the same order.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    ALL.iter().map(|built_in| built_in.name)
}

impl Dialect {
    /// The built-in of that name.
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|built_in| built_in.name == name).map(BuiltIn::dialect)
    }
}

impl BuiltIn {
    pub fn dialect(&self) -> Dialect {
        match super::compile::read(self.name, self.text) {
            Ok(dialect) => Dialect::of(dialect),
            Err(problems) => unreachable!("tests read every built-in: {problems:?}"),
        }
    }
}
