//! Colour, the announced seed and the answer to signals, alike in every command that runs something.

use super::Exit;
use super::stdout::complain;
use crate::cli::{ColorWhen, SeedChoice};
use crate::controller::Signal;
use crate::vocabulary::seed::Seed;

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

pub fn acknowledge(signal: Signal, quiet: bool) {
    if !quiet {
        complain([format!("{}: the report of what was measured follows; a second signal ends at once", signal.name())]);
    }
}

/// A second signal: whatever is being done is left as it is.
pub fn end_at_once(signal: Signal) {
    std::process::exit(Exit::from(signal).code().into());
}
