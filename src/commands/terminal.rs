//! Colour, the announced seed and the answer to signals, alike in every command that runs something.

use super::Exit;
use crate::cli::{ColorWhen, SeedChoice};
use crate::controller::StopSignal;
use crate::vocabulary::seed::Seed;
use std::io::{ErrorKind, Write};

/// Whether a stream that is (or is not) a terminal gets colour (no-color.org).
pub fn coloured(when: ColorWhen, terminal: bool) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

pub fn seed(choice: SeedChoice, quiet: bool) -> Seed {
    match choice {
        SeedChoice::Number(number) => Seed(number),
        SeedChoice::Random => {
            let number = u64::from(rand::random::<u32>());
            if !quiet {
                complain([format!("seed: {number}")]);
            }
            Seed(number)
        }
    }
}

pub fn acknowledge(signal: StopSignal, quiet: bool) {
    if !quiet {
        complain([format!("{}: the report of what was measured follows; a second signal ends at once", signal.name())]);
    }
}

/// A second signal: whatever is being done is left as it is.
pub fn end_at_once(signal: StopSignal) {
    std::process::exit(Exit::from(signal).code().into());
}

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
