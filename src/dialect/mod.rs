//! Wire text ⇄ signaling messages: a TOML file describes a protocol; a sans-IO `Conversation` speaks it for one peer.

mod builtin;
mod compile;
mod conversation;
mod language;
mod prefilter;
mod session;

pub use crate::vocabulary::problem::Problem;
pub use builtin::{BuiltIn, builtins, names};
pub use conversation::{Connect, Conversation, Input, Output, PeerIdentity};

use compile::compiled::{Action, CompiledDialect, Rule};
use language::codec::Codec;
use session::Session;
use std::sync::Arc;
use std::time::Duration;

/// A compiled signaling protocol, from which each peer gets its own `Conversation`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dialect(Arc<CompiledDialect>);

/// Compiles a dialect file; problems cite it as `file`.
///
/// # Errors
/// Every problem of the file, in the order of its lines.
pub fn read(file: &str, text: &str) -> Result<Dialect, Vec<Problem>> {
    compile::read(file, text)
        .map(|dialect| Dialect(Arc::new(CompiledDialect { file_text: Some(text.to_owned()), ..dialect })))
}

impl Dialect {
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The file's one-line description; may be empty.
    pub fn description(&self) -> &str {
        &self.0.description
    }

    /// The text of a user's file; `None` for a built-in, which its name identifies.
    pub fn file_text(&self) -> Option<&str> {
        self.0.file_text.as_deref()
    }

    /// An example URL of such a server on this machine.
    pub fn sample(&self) -> &str {
        &self.0.sample
    }

    /// The names of its message types; a `FrameKind` is an index into them.
    pub fn kinds(&self) -> Vec<&str> {
        self.0.kinds.iter().map(String::as_str).collect()
    }

    /// The dialect can carry candidates; without that a peer must not trickle.
    pub fn trickles(&self) -> bool {
        self.0.trickle
    }

    /// The dialect has a message by which a peer asks the room's host to be admitted.
    pub fn supports_join_request(&self) -> bool {
        self.0.kinds.iter().any(|kind| kind == "join-request")
    }

    /// The number of notices of one leave that each remaining peer receives: 0 to 2.
    pub fn leave_notices(&self) -> u8 {
        self.0.leave_notices
    }

    /// Peers of this dialect need ids or values of their room's other peers, passed inside the process.
    pub fn needs_id_exchange(&self) -> bool {
        self.0.needs_id_exchange
    }

    /// The message types that a peer repeats, each with its interval.
    pub fn repeats(&self) -> Vec<(&str, Duration)> {
        let kind = |template: &usize| self.0.kinds[usize::from(self.0.templates[*template].kind.0)].as_str();
        self.0.timers.iter().flat_map(|timer| timer.say.iter().map(move |said| (kind(said), timer.every))).collect()
    }

    /// The message types of the server's lists of peers, as indices into `kinds`.
    pub fn list_kinds(&self) -> Vec<usize> {
        let is_list = |rule: &&Rule| {
            let is_of_server = rule.steps.iter().all(|step| step.peer.is_none());
            is_of_server && rule.steps.iter().any(|step| matches!(step.action, Action::Peers { .. }))
        };
        self.0.rules.iter().filter(is_list).map(|rule| usize::from(rule.kind.0)).collect()
    }

    /// The dialect speaks Socket.IO.
    pub fn is_socket_io(&self) -> bool {
        self.0.codec == Codec::SocketIo
    }

    /// Starts the conversation of the peer `me`; it sends nothing before `Input::Open`.
    pub fn converse(&self, me: PeerIdentity) -> Box<dyn Conversation> {
        Box::new(Session::new(self.0.clone(), me))
    }
}

#[cfg(test)]
mod tests;
