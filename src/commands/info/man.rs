//! Writes the manual page.

use crate::cli;
use crate::commands::Exit;
use crate::commands::terminal::{complain, write};

pub fn man() -> Exit {
    match cli::manual() {
        Ok(page) => write(page),
        Err(error) => {
            complain([error]);
            Exit::Broken
        }
    }
}
