//! `meshload dialects`: lists the built-in dialects, prints one, or checks a dialect file.

use super::learn::learn;
use crate::cli::{DialectsAction, DialectsArgs};
use crate::commands::terminal::{write_stderr, write_stdout};
use crate::commands::{Exit, inputs};
use crate::dialect::{Dialect, builtins, names};
use crate::profile::nearest;
use std::time::Instant;

pub fn dialects(args: &DialectsArgs) -> Exit {
    match &args.action {
        None => write_stdout(names().filter_map(Dialect::named).map(|dialect| row(&dialect)).collect::<String>()),
        Some(DialectsAction::Show { name }) => show(name),
        Some(DialectsAction::Check { file }) => check(file),
        Some(DialectsAction::Learn(args)) => learn(args),
    }
}

fn row(dialect: &Dialect) -> String {
    format!("{:<19} {}\n{:<19} {}\n", dialect.name(), dialect.description(), "", dialect.sample())
}

fn show(name: &str) -> Exit {
    if let Some(written) = builtins().iter().find(|built_in| built_in.name == name) {
        return write_stdout(written.text);
    }
    let hint = match nearest(name, names()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("built in are {}", names().collect::<Vec<_>>().join(", ")),
    };
    write_stderr([format!("{}: no such dialect; {hint}", name.escape_debug())]);
    Exit::Usage
}

fn check(file: &str) -> Exit {
    let dialect = match inputs::dialect_file(file) {
        Ok(dialect) => dialect,
        Err(exit) => return exit,
    };
    let mut remarks: Vec<String> = dialect.remarks().iter().map(|remark| format!("note: {remark}")).collect();
    remarks.extend(names().find(|name| *name == dialect.name()).map(|name| {
        format!(
            "note: {file}: name = \"{name}\" is a built-in's, and reports would not tell them apart; give it another"
        )
    }));
    write_stderr(remarks);
    let flaws = dialect.flaws(Instant::now());
    if flaws.is_empty() {
        return write_stdout(format!("{file}: {}, nothing wrong with it\n", dialect.name().escape_debug()));
    }
    write_stderr(flaws);
    Exit::Usage
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::DIALECTS;

    #[test]
    fn a_profile_may_name_what_there_is() {
        assert_eq!(DIALECTS, names().collect::<Vec<_>>());
    }
}
