//! All sections and keys of a profile, in the order in which `export` writes them.

use crate::vocabulary::problem;

/// Each section with its keys; `""` has the keys before the first section.
pub(crate) const SECTIONS: &[(&str, &[&str])] = &[
    ("", &["name", "description"]),
    (
        "target",
        &[
            "url",
            "dialect",
            "headers",
            "subprotocol",
            "origin",
            "reconnect",
            "reconnect_first",
            "reconnect_cap",
            "message_max",
        ],
    ),
    ("rooms", &["count", "size", "id", "guests"]),
    ("arrivals", &["shape", "rate", "from", "to", "over", "steps"]),
    ("phases", &["warmup", "steady", "drain"]),
    ("handshake", &["trigger", "initiator", "trickle", "settle", "timeout", "approval"]),
    ("messages", &["pattern", "start", "rate", "size", "ordered", "reliable", "max_retransmits", "max_lifetime"]),
    ("churn", &["leave", "stay", "rejoin", "host_leaves", "silent", "vanish"]),
    ("engine", &["kind", "ice_servers", "ice_transport_policy", "certificates"]),
    (
        "validity",
        &[
            "on_invalid",
            "on_suspect",
            "lag_suspect",
            "lag_suspect_share",
            "lag_invalid",
            "busy_suspect",
            "waiting_suspect",
            "waiting_invalid",
            "dropped_suspect",
            "dropped_invalid",
            "clock_jump_invalid",
        ],
    ),
    ("faults", &["rules"]),
    ("gates", &[]),
];

/// The keys of a gate written as a table.
pub(crate) const GATE: &[&str] = &["expr", "abort", "after", "min_samples"];

/// Key names of other load testers, with ours.
const ALIASES: &[(&str, &str)] = &[
    ("threshold", "expr"),
    ("abortOnFail", "abort"),
    ("delayAbortEval", "after"),
    ("thresholds", "gates"),
    ("stages", "steps"),
    ("duration", "phases.steady"),
    ("vus", "rooms.count"),
];

/// The key that `wrong` most likely stands for, in a section that has `keys`; as `section.key` for another section's.
pub(crate) fn right_name(wrong: &str, keys: &[&str]) -> Option<String> {
    let alias = ALIASES.iter().find(|(theirs, ours)| *theirs == wrong && (keys.contains(ours) || ours.contains('.')));
    if let Some((_, ours)) = alias {
        return Some((*ours).to_owned());
    }
    if let Some(near) = problem::nearest(wrong, keys.iter().copied()) {
        return Some(near.to_owned());
    }
    let elsewhere = SECTIONS.iter().find(|(section, known)| !section.is_empty() && known.contains(&wrong))?;
    Some(format!("{}.{wrong}", elsewhere.0))
}

/// All top-level names: the keys before the first section, and the sections.
pub(crate) fn top() -> Vec<&'static str> {
    let (_, first) = SECTIONS[0];
    first.iter().copied().chain(SECTIONS[1..].iter().map(|(section, _)| *section)).collect()
}

pub(crate) fn keys(section: &str) -> &'static [&'static str] {
    SECTIONS.iter().find(|(name, _)| *name == section).map_or(&[], |(_, keys)| keys)
}
