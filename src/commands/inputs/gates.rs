//! Parses the profile's gates before a run starts.

use crate::commands::Exit;
use crate::commands::terminal::write_stderr;
use crate::gates::Gate;
use crate::profile::Profile;

/// Parses every gate of the profile.
///
/// # Errors
/// `Usage`; stderr already has every problem.
pub(crate) fn read(profile: &Profile) -> Result<Vec<Gate>, Exit> {
    let mut gates = vec![];
    let mut problems = vec![];
    for line in &profile.gates {
        match Gate::parse(&line.metric, &line.expr) {
            Ok(gate) => gates.push(Gate {
                abort: line.abort,
                after: line.after,
                min_samples: line.min_samples,
                line: Some(line.at.clone()),
                ..gate
            }),
            Err(why) => problems.push(format!("gates.{}: {why} ({})", line.metric, line.at)),
        }
    }
    if problems.is_empty() {
        return Ok(gates);
    }
    write_stderr(problems);
    Err(Exit::Usage)
}
