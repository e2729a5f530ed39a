//! Writes the manual page.

use super::Exit;
use super::stdout::{complain, write};
use crate::cli;

pub fn man() -> Exit {
    match cli::manual() {
        Ok(page) => write(page),
        Err(error) => {
            complain([error]);
            Exit::Broken
        }
    }
}
