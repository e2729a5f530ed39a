//! The commands: one file per verb, and the only place that knows exit codes.

mod access;
pub mod capacity;
pub mod check;
pub mod compare;
pub mod completions;
pub mod dialects;
mod ending;
mod exit;
pub mod explain;
mod faults;
mod files;
mod folder;
mod gates;
mod input;
mod limits;
mod machine;
pub mod man;
pub mod probe;
pub mod profiles;
mod repeat;
pub mod report;
pub mod run;
mod runs;
mod search;
pub mod serve;
mod stdout;
mod task;
mod terminal;

pub use exit::Exit;
