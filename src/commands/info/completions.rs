//! `meshload completions`: prints a shell's completion script.

use crate::cli::{self, CompletionsArgs};
use crate::commands::Exit;
use crate::commands::terminal::write_stdout;

pub fn completions(args: &CompletionsArgs) -> Exit {
    write_stdout(cli::completions(args.shell))
}
