//! Writes a command's result to stdout, whoever reads it and for how long.

use super::Exit;
use std::io::{ErrorKind, Write};

/// Writes all of `text`. A reader that has gone (`meshload … | head`) is no fault; a full disk is.
pub fn write(text: impl AsRef<[u8]>) -> Exit {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()) {
        Ok(()) => Exit::Passed,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Passed,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "stdout: {error}");
            Exit::Broken
        }
    }
}

/// Tells what is wrong, one line each, on stderr. A stderr that is gone is nobody's fault.
pub fn complain<T: std::fmt::Display>(problems: impl IntoIterator<Item = T>) {
    let mut stderr = std::io::stderr().lock();
    for problem in problems {
        let _ = writeln!(stderr, "{problem}");
    }
}
