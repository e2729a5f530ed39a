//! `[phases]`: how long the warm-up, the steady phase and the drain last.

use crate::profile::section::Section;
use std::time::Duration;

/// The lengths of the run's phases; the ramp lasts as long as the arrivals (docs/spec/measurement.md, "Load model").
#[derive(Clone, Debug, PartialEq)]
pub struct Phases {
    pub warmup: Duration,
    pub steady: Duration,
    pub drain: Duration,
}

pub(crate) fn check(root: &Section<'_>) -> Phases {
    let section = root.section("phases");
    Phases { warmup: section.duration("warmup"), steady: section.duration("steady"), drain: section.duration("drain") }
}
