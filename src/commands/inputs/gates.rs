//! The profile's gates, read before anything starts.

use crate::commands::Exit;
use crate::commands::terminal::complain;
use crate::gates::Gate;
use crate::profile::Profile;

/// Every gate of the profile. What is wrong with any of them has been told on stderr when this fails.
pub fn read(profile: &Profile) -> Result<Vec<Gate>, Exit> {
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
    complain(problems);
    Err(Exit::Usage)
}
