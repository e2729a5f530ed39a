//! Dialect files that are not built in: built-in ones with changed lines, and plans that are run with a file.

use meshload::dialect::builtins;
use std::fs;
use std::process::{Command, Output};
use support::target::Target;

pub fn builtin(name: &str) -> &'static str {
    builtins().iter().find(|built_in| built_in.name == name).unwrap().text
}

/// A built-in dialect in which texts are replaced.
pub fn changed(dialect: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(builtin(dialect).to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    })
}

/// Runs a plan with a dialect file on a server of its own: what was printed, and the text of the Summary; `None` where the
/// server is missing.
pub fn run(target: &Target, dialect: &str, arguments: &[&str]) -> Option<(Output, String)> {
    let server = target.start()?;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.toml"), dialect).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command
        .args(["run", "--dialect", "./mine.toml", "--quiet", "--on-invalid", "warn", "--out", "report"])
        .args(["--target", &target.url(&server)])
        .args(arguments)
        .current_dir(folder.path());
    let output = command.output().unwrap();
    let summary =
        fs::read_to_string(folder.path().join("report/summary.json")).unwrap_or_else(|_| panic!("{output:?}"));
    Some((output, summary))
}
