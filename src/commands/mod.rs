//! The commands: one function per verb, and the only place that knows exit codes.

mod capacity;
mod exit;
mod fleet;
mod info;
mod inputs;
mod probe;
mod record;
mod report;
mod run;
mod serve;
mod terminal;

pub use capacity::capacity;
pub use exit::Exit;
pub use fleet::agent::agent;
pub use fleet::manifest::manifest;
pub use fleet::merge::merge;
pub use info::{check, completions, dialects, explain, man, print_schema, profiles, schema};
pub use probe::probe;
pub use record::record;
pub use report::compare::{CompareOptions, compare};
pub use report::report;
pub use run::run;
pub use serve::serve;
