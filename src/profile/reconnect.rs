//! `[target] reconnect…`: whether a peer dials again when it has lost its signaling socket, and how patiently.

use super::Reconnect;
use super::section::Section;
use std::time::Duration;

pub(super) fn check(root: &Section<'_>) -> Option<Reconnect> {
    let section = root.section("target");
    let limits = Duration::from_millis(1)..=Duration::from_secs(600);
    let reconnect = Reconnect {
        first: section.duration("reconnect_first", limits.clone()),
        cap: section.duration("reconnect_cap", limits),
    };
    if reconnect.first > reconnect.cap {
        let key = if section.is_given("reconnect_first") { "reconnect_first" } else { "reconnect_cap" };
        let (first, cap) = (section.shown("reconnect_first"), section.shown("reconnect_cap"));
        section.problem(key, format!("reconnect_first ({first}) is past reconnect_cap ({cap})"));
    }
    section.flag("reconnect").then_some(reconnect)
}
