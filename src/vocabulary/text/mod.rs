//! Text that people write and read: TOML with line numbers, problems, figures, shell quoting and the glossary.

pub(super) mod candidate_changes;
pub mod document;
pub mod format;
pub mod glossary;
pub mod inert_text;
pub mod problem;
pub(super) mod redact;
pub(super) mod share;
pub mod shell_quoting;
pub(super) mod signal_digest;
