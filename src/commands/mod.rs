//! The commands: one file per verb, and the only place that knows exit codes.

pub mod check;
pub mod completions;
pub mod dialects;
pub mod exit;
pub mod explain;
pub mod input;
pub mod machine;
pub mod man;
pub mod profiles;
pub mod stdout;

pub use exit::Exit;
