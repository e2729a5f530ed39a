//! Parses fault rules before a run or server starts.

use crate::commands::Exit;
use crate::commands::terminal::write_stderr;
use crate::server::faults::{self, FaultRule};

/// Parses pairs of a rule's text (or preset name) and its origin.
///
/// # Errors
/// `Usage`; stderr already has every problem.
pub(crate) fn read<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Vec<FaultRule>, Exit> {
    let mut rules = vec![];
    let mut problems = vec![];
    for (text, at) in texts {
        match faults::rules(text) {
            Ok(read) => rules.extend(read),
            Err(why) => problems.push(format!("{why} ({at})")),
        }
    }
    if problems.is_empty() {
        return Ok(rules);
    }
    write_stderr(problems);
    Err(Exit::Usage)
}
