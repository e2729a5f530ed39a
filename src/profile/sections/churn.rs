//! `[churn]`: peers that leave in the steady phase, and rejoin.

use crate::profile::section::Section;
use crate::profile::syntax::units;
use std::time::Duration;

/// The length of a peer's stay, drawn uniformly for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    pub min: Duration,
    pub max: Duration,
}

/// The rates and kinds of leaves in the steady phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Churn {
    /// Leaves per peer and second.
    pub leave: f64,
    /// Each peer leaves after a stay, instead of at a rate.
    pub stay: Option<Stay>,
    /// A peer that left rejoins, as a new arrival.
    pub rejoin: bool,
    /// Hosts leave as other peers do; otherwise they stay.
    pub host_leaves: bool,
    /// The share of leaves without a goodbye, from 0 to 1.
    pub silent: f64,
    /// The share of leaves after which the signaling socket stays open and silent, from 0 to 1.
    pub vanish: f64,
}

/// The most leaves of one peer: more is a mistake, and the plan of it would fill the memory.
const LEAVES_MAX: f64 = 100.0;

/// Checks the section; `steady` is the length of the phase in which peers leave.
pub(crate) fn check(root: &Section<'_>, steady: Duration) -> Churn {
    let section = root.section("churn");
    let churn = Churn {
        stay: stay(&section),
        leave: section.measured("leave", "a share in a time", "%/min", units::share_rate).unwrap_or(0.0),
        rejoin: section.flag("rejoin"),
        host_leaves: section.flag("host_leaves"),
        silent: section.measured("silent", "a share", "%", units::share).unwrap_or(0.0),
        vanish: section.measured("vanish", "a share", "%", units::share).unwrap_or(0.0),
    };
    if churn.leaves() && steady.is_zero() {
        let key = if churn.stay.is_some() { "stay" } else { "leave" };
        section.problem(key, "peers leave in the steady phase, and phases.steady is 0s");
    }
    if churn.silent + churn.vanish > 1.0 {
        section.problem("vanish", "silent and vanish are shares of the same leavers, and more than 100 % together");
    }
    if churn.stay.is_some() && churn.leave > 0.0 {
        section.problem("stay", "peers leave after a stay or at a rate, and churn.leave is given too");
    }
    if churn.leave * steady.as_secs_f64() > LEAVES_MAX {
        let leave = section.shown("leave");
        section
            .problem("leave", format!("at {leave} each peer would leave more than {LEAVES_MAX} times in {steady:?}"));
    }
    churn
}

fn stay(section: &Section<'_>) -> Option<Stay> {
    section.node("stay")?;
    let limits = section.range("stay", "{ min = \"30s\", max = \"3m\" }");
    let [min, max] = ["min", "max"].map(|key| limits.duration(key));
    if min > max && limits.node("max").is_some() {
        limits.problem("min", format!("{min:?} is above max, which is {max:?}"));
    }
    Some(Stay { min, max: max.max(min) })
}

impl Churn {
    /// Peers leave in the steady phase.
    pub fn leaves(&self) -> bool {
        self.leave > 0.0 || self.stay.is_some()
    }
}
