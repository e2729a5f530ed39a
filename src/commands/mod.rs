//! The commands: one file per verb, and the only place that knows exit codes.

pub mod compare;
pub mod exit;
pub mod runs;
pub mod stdout;

pub use exit::Exit;
