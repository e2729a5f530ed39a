//! The commands: one file per verb, and the only place that knows exit codes.

pub mod check;
pub mod completions;
pub mod dialects;
mod exit;
pub mod explain;
mod files;
mod folder;
mod gates;
mod input;
mod limits;
mod machine;
pub mod man;
pub mod profiles;
mod repeat;
pub mod report;
pub mod run;
pub mod serve;
mod stdout;

pub use exit::Exit;
