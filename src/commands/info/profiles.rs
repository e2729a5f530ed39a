//! `meshload profiles`: lists the built-in profiles, or prints one to start from.

use crate::cli::{ListAction, ListArgs};
use crate::commands::terminal::{write_stderr, write_stdout};
use crate::commands::{Exit, inputs};
use crate::profile::{self, builtin};

pub fn profiles(args: &ListArgs) -> Exit {
    match &args.action {
        None => write_stdout(list()),
        Some(ListAction::Show { name }) => match builtin::find(name) {
            // The first line names the schema to an editor (taplo, "Using schemas").
            Some(source) => write_stdout(format!("#:schema {}\n{}", profile::schema::ID, source.text)),
            None => {
                write_stderr([inputs::unknown(name)]);
                Exit::Usage
            }
        },
    }
}

fn list() -> String {
    let line = |source: &profile::ProfileSource<'_>| {
        let description = profile::read(*source, &[], &inputs::variable).map(|profile| profile.description);
        format!("{:<10} {}\n", source.name, description.unwrap_or_default())
    };
    builtin::all().iter().map(line).collect()
}
