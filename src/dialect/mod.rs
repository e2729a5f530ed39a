//! Wire text ⇄ words: a signaling protocol is a file, and one peer's talk in it is sans-IO.

mod builtin;
mod codec;
mod compile;
mod compiled;
mod conversation;
mod direct_field;
mod document;
mod entry_scan;
mod evaluate;
mod excerpt;
mod expression;
mod filter;
mod member_list;
mod names;
mod own_values;
mod pattern;
mod prefilter;
mod problem;
mod roster;
mod session;
mod template;

pub use crate::vocabulary::problem::Problem;
pub use builtin::{BuiltIn, builtins, names};
pub use conversation::{Connect, Conversation, Input, Output, PeerIdentity};

use compiled::CompiledDialect;
use session::Session;
use std::sync::Arc;

/// A signaling protocol, as a file says it. Conversations are begun from it, one a peer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dialect(Arc<CompiledDialect>);

/// Reads a dialect file; `file` is what problems call it.
///
/// # Errors
/// Everything that is wrong with it, in the order of its lines.
pub fn read(file: &str, text: &str) -> Result<Dialect, Vec<Problem>> {
    compile::read(file, text)
        .map(|script| Dialect(Arc::new(CompiledDialect { file_text: Some(text.to_owned()), ..script })))
}

impl Dialect {
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// One line.
    pub fn description(&self) -> &str {
        &self.0.description
    }

    /// The text it was read from; `None` of a built-in, which its name tells.
    pub fn file_text(&self) -> Option<&str> {
        self.0.file_text.as_deref()
    }

    /// A URL of such a server on this machine.
    pub fn sample(&self) -> &str {
        &self.0.sample
    }

    /// The names of its message types; a `Kind` is an index into them.
    pub fn kinds(&self) -> Vec<&str> {
        self.0.kinds.iter().map(String::as_str).collect()
    }

    /// Whether it has words for candidates; without them a peer must not trickle.
    pub fn trickles(&self) -> bool {
        self.0.trickle
    }

    /// Whether it has a word for a peer that asks the room's host to be let in.
    pub fn supports_join_request(&self) -> bool {
        self.0.kinds.iter().any(|kind| kind == "join-request")
    }

    /// How many notices of one leave each peer that stays gets: 0, 1 or 2.
    pub fn leave_notices(&self) -> u8 {
        self.0.leave_notices
    }

    /// Whether its peers have to be told what the others of their room make known inside the process.
    pub fn needs_id_exchange(&self) -> bool {
        self.0.needs_id_exchange
    }

    /// Starts a conversation for `me`. Nothing is said before `Input::Open`.
    pub fn converse(&self, me: PeerIdentity) -> Box<dyn Conversation> {
        Box::new(Session::new(self.0.clone(), me))
    }
}

#[cfg(test)]
mod tests;
