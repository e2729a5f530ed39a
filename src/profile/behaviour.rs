//! `[phases]`, `[handshake]`, `[engine]`, `[validity]` and `[faults]`: how a run and its peers behave.

use super::arrivals::DURATION_MAX;
use super::document::Value;
use super::ice;
use super::section::Section;
use super::{EngineChoice, FaultLine, Handshake, OnInvalid, OnSuspect, Phases, Validity};
use crate::vocabulary::choice::{Approval, Certificates, EngineKind, Initiator, Trigger};
use std::time::Duration;

pub(super) fn phases(root: &Section<'_>) -> Phases {
    let section = root.section("phases");
    let limits = Duration::ZERO..=DURATION_MAX;
    Phases {
        warmup: section.duration("warmup", limits.clone()),
        steady: section.duration("steady", limits.clone()),
        drain: section.duration("drain", limits),
    }
}

pub(super) fn handshake(root: &Section<'_>) -> Handshake {
    let section = root.section("handshake");
    // Timers hold 10 minutes (measurement.md, "Metrics"); a longer handshake could not be told from that.
    let longest = Duration::from_secs(600);
    let handshake = Handshake {
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
        approval_at: section.place("approval"),
    };
    if handshake.settle >= handshake.timeout && section.is_given("settle") {
        let (settle, timeout) = (section.shown("settle"), section.shown("timeout"));
        section.problem("settle", format!("{settle} leaves no time before the timeout of {timeout}"));
    }
    handshake
}

pub(super) fn engine(root: &Section<'_>) -> EngineChoice {
    let section = root.section("engine");
    let kind = section.word(
        "kind",
        &[
            ("rtc", EngineKind::Rtc),
            ("lean", EngineKind::Lean),
            ("webrtc", EngineKind::Webrtc),
            ("none", EngineKind::None),
        ],
    );
    let ice_transport_policy = ice::policy(&section);
    let ice_servers = ice::servers(&section, kind, ice_transport_policy);
    let certificates =
        section.word("certificates", &[("shared", Certificates::Shared), ("per-peer", Certificates::PerPeer)]);
    EngineChoice { kind, certificates, ice_servers, ice_transport_policy }
}

pub(super) fn validity(root: &Section<'_>) -> Validity {
    let section = root.section("validity");
    // A timer holds 10 minutes (measurement.md, "Metrics").
    let times = Duration::ZERO..=Duration::from_secs(600);
    let validity = Validity {
        on_invalid: section.word("on_invalid", &[("fail", OnInvalid::Fail), ("warn", OnInvalid::Warn)]),
        on_suspect: section.word("on_suspect", &[("pass", OnSuspect::Pass), ("fail", OnSuspect::Fail)]),
        lag_suspect: section.duration("lag_suspect", times.clone()),
        lag_suspect_share: section.share("lag_suspect_share"),
        lag_invalid: section.duration("lag_invalid", times.clone()),
        busy_suspect: section.share("busy_suspect"),
        waiting_suspect: section.share("waiting_suspect"),
        waiting_invalid: section.share("waiting_invalid"),
        dropped_suspect: section.share("dropped_suspect"),
        dropped_invalid: section.share("dropped_invalid"),
        clock_jump_invalid: section.duration("clock_jump_invalid", times),
    };
    let pairs = [
        ("lag_suspect", "lag_invalid", validity.lag_suspect > validity.lag_invalid),
        ("waiting_suspect", "waiting_invalid", validity.waiting_suspect > validity.waiting_invalid),
        ("dropped_suspect", "dropped_invalid", validity.dropped_suspect > validity.dropped_invalid),
    ];
    for (suspect, invalid, crossed) in pairs {
        if crossed {
            let key = if section.is_given(suspect) { suspect } else { invalid };
            let (least, most) = (section.shown(suspect), section.shown(invalid));
            section.problem(key, format!("{suspect} ({least}) is past {invalid} ({most})"));
        }
    }
    validity
}

/// What the embedded server does wrong; a target of the user's has its own faults.
pub(super) fn faults(root: &Section<'_>) -> Vec<FaultLine> {
    let section = root.section("faults");
    let Some(node) = section.node("rules") else { return vec![] };
    let Value::List(list) = &node.value else {
        section.problem("rules", format!("expected a list such as [\"timing\"], not {}", node.value.kind()));
        return vec![];
    };
    let mut lines = vec![];
    for item in list {
        let at = item.at.show(section.reader.file);
        match &item.value {
            Value::Text(rule) => lines.push(FaultLine { rule: rule.clone(), at }),
            other => section.problem("rules", format!("expected a fault in quotes, not {}", other.kind())),
        }
    }
    if !lines.is_empty() && root.section("target").node("url").is_some() {
        section.problem("rules", "faults are the embedded server's; leave target.url out");
    }
    lines
}
