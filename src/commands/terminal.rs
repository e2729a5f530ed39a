//! Terminal input and output shared by the commands: stdout, stderr, colour, the drawn seed and signals.

use super::Exit;
use crate::cli::{ColorWhen, SeedChoice};
use crate::controller::{Access, StopSignal, redactor};
use crate::os::{release_screen_soon, tell};
use crate::profile::Profile;
use crate::signaling::DialLog;
use crate::vocabulary::Seed;
use std::io::{ErrorKind, Write};

/// Decides whether a stream gets colour; `terminal` is true if it is one (no-color.org).
pub(super) fn coloured(when: ColorWhen, terminal: bool) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// Resolves `--seed`; prints a drawn seed unless `quiet`, so that the run can be repeated.
pub(super) fn seed(choice: SeedChoice, quiet: bool) -> Seed {
    match choice {
        SeedChoice::Number(number) => Seed(number),
        SeedChoice::Random => {
            let number = u64::from(rand::random::<u32>());
            if !quiet {
                write_stderr([format!("seed: {number}")]);
            }
            Seed(number)
        }
    }
}

/// Confirms the first signal on stderr; a view of the run leaves its screen.
pub(super) fn confirm_signal(signal: StopSignal, quiet: bool) {
    release_screen_soon();
    if !quiet {
        write_stderr([format!(
            "{}: the report of what was measured follows; a second signal ends at once",
            signal.name()
        )]);
    }
}

/// Exits at once on a second signal, without a report.
pub(super) fn exit_on_signal(signal: StopSignal) {
    release_screen_soon();
    std::process::exit(Exit::from(signal).code().into());
}

/// The access with the log of the first connection on stderr, for `--verbose`.
pub(super) fn logged(mut access: Access, verbose: bool, profile: &Profile) -> Access {
    if verbose {
        access.route.log = DialLog::new(redactor(profile, &access), |line| write_stderr([line]));
    }
    access
}

/// Writes all of `text` to stdout. A closed pipe (`meshload … | head`) is no failure; a full disk is.
pub(super) fn write_stdout(text: impl AsRef<[u8]>) -> Exit {
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

/// Writes one line each to stderr, once no view holds the screen; a closed stderr is ignored.
pub(super) fn write_stderr<T: std::fmt::Display>(problems: impl IntoIterator<Item = T>) {
    problems.into_iter().for_each(|problem| tell(&problem.to_string()));
}
