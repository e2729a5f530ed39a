//! `[target] reconnect…`: redialing after the loss of the signaling socket, with backoff.

use crate::profile::section::Section;
use std::time::Duration;

/// Exponential backoff with full jitter: the pause before a redial is drawn from 0 to a bound that starts at `first`
/// and doubles up to `cap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    pub first: Duration,
    pub cap: Duration,
}

pub(crate) fn check(root: &Section<'_>) -> Option<Reconnect> {
    let section = root.section("target");
    let reconnect = Reconnect { first: section.duration("reconnect_first"), cap: section.duration("reconnect_cap") };
    if reconnect.first > reconnect.cap {
        let key = if section.is_given("reconnect_first") { "reconnect_first" } else { "reconnect_cap" };
        let (first, cap) = (section.shown("reconnect_first"), section.shown("reconnect_cap"));
        section.problem(key, format!("reconnect_first ({first}) is past reconnect_cap ({cap})"));
    }
    section.flag("reconnect").then_some(reconnect)
}
