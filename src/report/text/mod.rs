//! The reports as text: for a terminal, as Markdown, and the tables and ladders in them.

pub(in crate::report) mod ladder;
pub(in crate::report) mod markdown;
pub(in crate::report) mod repeats;
pub(in crate::report) mod table;
pub(in crate::report) mod terminal;
