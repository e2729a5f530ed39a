//! Writes a shell's completions.

use crate::cli::{self, CompletionsArgs};
use crate::commands::Exit;
use crate::commands::terminal::write;

pub fn completions(args: &CompletionsArgs) -> Exit {
    write(cli::completions(args.shell))
}
