//! What the reference server is to do wrong, read before anything starts.

use crate::commands::Exit;
use crate::commands::terminal::complain;
use crate::server::faults::{self, FaultRule};

/// The rules that (text, where it stands) spell or name. What is wrong with any of them has been told on stderr when
/// this fails.
pub fn read<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Vec<FaultRule>, Exit> {
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
    complain(problems);
    Err(Exit::Usage)
}
