//! `meshload schema NAME`: prints the JSON Schema of a file that people write or that meshload leaves.

use crate::capacity::CapacityResult;
use crate::cli::{SchemaArgs, SchemaName};
use crate::commands::Exit;
use crate::commands::terminal::write_stdout;
use crate::gates::baseline::Comparison;
use crate::probe::ProbeReport;
use crate::profile;
use crate::summary::{EventLine, Summary, json_schema};

pub fn print_schema(args: &SchemaArgs) -> Exit {
    write_stdout(schema(args.name))
}

/// JSON Schema 2020-12, with a newline at the end.
pub fn schema(name: SchemaName) -> String {
    match name {
        SchemaName::Profile => profile::schema::json_schema(),
        SchemaName::Dialect => include_str!("../../../docs/dialect.schema.json").to_owned(),
        SchemaName::Summary => json_schema::<Summary>(name.name()),
        SchemaName::Capacity => json_schema::<CapacityResult>(name.name()),
        SchemaName::Compare => json_schema::<Comparison>(name.name()),
        SchemaName::Probe => json_schema::<ProbeReport>(name.name()),
        SchemaName::Events => json_schema::<EventLine<'_>>(name.name()),
    }
}
