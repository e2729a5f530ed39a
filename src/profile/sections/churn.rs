//! `[churn]`: peers that leave in the steady phase, and rejoin.

use crate::profile::section::Section;
use crate::profile::syntax::units;
use std::time::Duration;

/// The rates and kinds of leaves in the steady phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Churn {
    /// Leaves per peer and second.
    pub leave: f64,
    /// A peer that left rejoins, as a new arrival.
    pub rejoin: bool,
    /// Hosts leave as other peers do; otherwise they stay.
    pub host_leaves: bool,
    /// The share of leaves without a goodbye, from 0 to 1.
    pub silent: f64,
}

/// The most leaves of one peer: more is a mistake, and the plan of it would fill the memory.
const LEAVES_MAX: f64 = 100.0;

/// Checks the section; `steady` is the length of the phase in which peers leave.
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
