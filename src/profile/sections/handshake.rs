//! `[handshake]`: the trigger, the offering side, trickling, timeouts and the approval of joins.

use crate::profile::section::Section;
use crate::vocabulary::{Approval, Initiator, Trigger};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub struct HandshakeSettings {
    pub trigger: Trigger,
    pub initiator: Initiator,
    pub trickle: bool,
    pub settle: Duration,
    pub timeout: Duration,
    /// `Off`: peers join without asking the room's host.
    pub approval: Approval,
    /// Place of `approval`, `file:line` or the option: the dialect's support for it is checked after the profile.
    pub approval_at: String,
}

pub(crate) fn check(root: &Section<'_>) -> HandshakeSettings {
    let section = root.section("handshake");
    // Timers saturate at 10 minutes (docs/spec/measurement.md, "Metrics").
    let longest = Duration::from_secs(600);
    let handshake = HandshakeSettings {
        trigger: section.word(
            "trigger",
            &[
                ("user-joined-room", Trigger::UserJoinedRoom),
                ("peer-ready", Trigger::PeerReady),
                ("participant-joined", Trigger::ParticipantJoined),
                ("room-list", Trigger::RoomList),
            ],
        ),
        initiator: section.word(
            "initiator",
            &[("lower-id", Initiator::LowerId), ("existing", Initiator::Existing), ("newcomer", Initiator::Newcomer)],
        ),
        trickle: section.flag("trickle"),
        settle: section.duration("settle", Duration::ZERO..=longest),
        timeout: section.duration("timeout", Duration::from_millis(10)..=longest),
        approval: section.word(
            "approval",
            &[
                ("off", Approval::Off),
                ("approve", Approval::Approve),
                ("reject", Approval::Reject),
                ("ignore", Approval::Ignore),
            ],
        ),
        approval_at: section.location("approval"),
    };
    if handshake.settle >= handshake.timeout && section.is_given("settle") {
        let (settle, timeout) = (section.shown("settle"), section.shown("timeout"));
        section.problem("settle", format!("{settle} leaves no time before the timeout of {timeout}"));
    }
    handshake
}
