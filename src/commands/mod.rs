//! The commands: one file per verb, and the only place that knows exit codes.

mod access;
pub mod capacity;
pub mod check;
pub mod compare;
pub mod completions;
pub mod dialects;
mod exit;
pub mod explain;
mod faults;
mod files;
mod finish;
mod gates;
mod input;
pub mod man;
pub mod probe;
pub mod profiles;
mod repeat;
pub mod report;
mod report_dir;
pub mod run;
mod run_job;
mod runs;
mod search;
pub mod serve;
mod stdout;
mod terminal;

pub use exit::Exit;
