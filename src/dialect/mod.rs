//! Wire text ⇄ words: a signaling protocol is a file, and one peer's talk in it is sans-IO.

mod acquaintance;
mod brief;
mod builtin;
mod check;
mod codec;
mod conversation;
mod document;
mod entry;
mod evaluate;
mod excerpt;
mod expression;
mod filter;
mod look;
mod names;
mod pattern;
mod problem;
mod script;
mod straight;
mod talk;
mod template;
mod words;

pub use crate::vocabulary::problem::Problem;
pub use builtin::{BuiltIn, builtins, names};
pub use conversation::{Concern, Connect, Conversation, Input, Me, Output};

use script::Script;
use std::sync::Arc;
use talk::Talk;

/// A signaling protocol, as a file says it. Conversations are begun from it, one a peer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dialect(Arc<Script>);

/// Reads a dialect file; `file` is what problems call it.
///
/// # Errors
/// Everything that is wrong with it, in the order of its lines.
pub fn read(file: &str, text: &str) -> Result<Dialect, Vec<Problem>> {
    check::read(file, text).map(|script| Dialect(Arc::new(Script { file_text: Some(text.to_owned()), ..script })))
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
    pub fn asks(&self) -> bool {
        self.0.kinds.iter().any(|kind| kind == "join-request")
    }

    /// How many notices of one leave each peer that stays gets: 0, 1 or 2.
    pub fn leave_notices(&self) -> u8 {
        self.0.leave_notices
    }

    /// Whether its peers have to be told what the others of their room make known inside the process.
    pub fn needs_board(&self) -> bool {
        self.0.needs_board
    }

    /// Starts a conversation for `me`. Nothing is said before `Input::Open`.
    pub fn converse(&self, me: Me) -> Box<dyn Conversation> {
        Box::new(Talk::new(self.0.clone(), me))
    }
}

#[cfg(test)]
mod tests;
