//! `[churn]`: who leaves while the others stay, and comes back.

use crate::profile::section::Section;
use crate::profile::syntax::units;
use std::time::Duration;

/// Peers that leave in the steady phase, and come back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Churn {
    /// The share of the peers that leave in a second.
    pub leave: f64,
    /// Who left comes back, as a new arrival.
    pub rejoin: bool,
    /// Hosts leave as others do.
    pub host_leaves: bool,
    /// Of the leavers, the share that goes without a goodbye.
    pub silent: f64,
}

/// A peer that would leave more often than this is a mistake, and its plan would fill the memory.
const LEAVES_MAX: f64 = 100.0;

/// `steady`: how long the phase lasts in which peers leave.
pub(crate) fn check(root: &Section<'_>, steady: Duration) -> Churn {
    let section = root.section("churn");
    let churn = Churn {
        leave: section.measured("leave", "a share in a time", "%/min", units::share_rate).unwrap_or(0.0),
        rejoin: section.flag("rejoin"),
        host_leaves: section.flag("host_leaves"),
        silent: section.measured("silent", "a share", "%", units::share).unwrap_or(0.0),
    };
    if churn.leave > 0.0 && steady.is_zero() {
        section.problem("leave", "peers leave in the steady phase, and phases.steady is 0s");
    }
    if churn.leave * steady.as_secs_f64() > LEAVES_MAX {
        let leave = section.shown("leave");
        section
            .problem("leave", format!("at {leave} each peer would leave more than {LEAVES_MAX} times in {steady:?}"));
    }
    churn
}
