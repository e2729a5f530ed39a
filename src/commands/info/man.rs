//! `meshload man`: prints the manual page.

use crate::cli;
use crate::commands::Exit;
use crate::commands::terminal::{write_stderr, write_stdout};

pub fn man() -> Exit {
    match cli::manual() {
        Ok(page) => write_stdout(page),
        Err(error) => {
            write_stderr([error]);
            Exit::Broken
        }
    }
}
