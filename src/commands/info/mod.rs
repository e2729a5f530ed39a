//! The commands that start no peer and no server: they check a profile, list what is built in, or print documentation.

mod arrivals_line;
mod check;
mod completions;
mod dialects;
mod explain;
mod learn;
mod man;
mod profiles;
mod schema;

pub use check::check;
pub use completions::completions;
pub use dialects::dialects;
pub use explain::explain;
pub use man::man;
pub use profiles::profiles;
pub use schema::{print_schema, schema};
