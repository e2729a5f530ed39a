//! Writes a shell's completions.

use super::Exit;
use super::stdout::write;
use crate::cli::{self, CompletionsArgs};

pub fn completions(args: &CompletionsArgs) -> Exit {
    write(cli::completions(args.shell))
}
