//! The dialects that come with the house: the dashboard, and those that are files, embedded as they are.

use super::{Dialect, dashboard};

/// One that is a file; its text is what `meshload dialects show` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    pub name: &'static str,
    pub text: &'static str,
}

const ALL: &[BuiltIn] = &[
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

/// Every built-in that is a file.
pub fn builtins() -> &'static [BuiltIn] {
    ALL
}

/// The names of all that are built in, `dashboard` first.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    std::iter::once(dashboard::NAME).chain(ALL.iter().map(|built_in| built_in.name))
}

pub(super) fn named(name: &str) -> Option<Dialect> {
    if name == dashboard::NAME {
        return Some(Dialect::Dashboard);
    }
    ALL.iter().find(|built_in| built_in.name == name).map(BuiltIn::dialect)
}

impl BuiltIn {
    pub fn dialect(&self) -> Dialect {
        match super::read(self.name, self.text) {
            Ok(dialect) => dialect,
            Err(problems) => unreachable!("tests read every built-in: {problems:?}"),
        }
    }
}
