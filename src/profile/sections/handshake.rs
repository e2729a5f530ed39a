//! `[handshake]`: the trigger, the offering side, trickling, timeouts and the approval of joins.

use crate::profile::section::Section;
use crate::vocabulary::{Approval, HandshakeSettings, Initiator, Trigger};

/// The settings, and the place of `approval`: `file:line` or the option.
pub(crate) fn check(root: &Section<'_>) -> (HandshakeSettings, String) {
    let section = root.section("handshake");
    // Timers saturate at 10 minutes (docs/spec/measurement.md, "Metrics").
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
        settle: section.duration("settle"),
        timeout: section.duration("timeout"),
        approval: section.word(
            "approval",
            &[
                ("off", Approval::Off),
                ("approve", Approval::Approve),
                ("reject", Approval::Reject),
                ("ignore", Approval::Ignore),
            ],
        ),
    };
    if handshake.settle >= handshake.timeout && section.is_given("settle") {
        let (settle, timeout) = (section.shown("settle"), section.shown("timeout"));
        section.problem("settle", format!("{settle} leaves no time before the timeout of {timeout}"));
    }
    (handshake, section.location("approval"))
}
