//! All sections and keys of a profile with what each takes, in the order in which `export` writes them. Readers take their
//! limits from here, and the schema for editors is generated from it.

use crate::vocabulary::problem;
use std::time::Duration;

/// A key and the values that it takes.
#[derive(Debug)]
pub(crate) struct Key {
    pub name: &'static str,
    pub takes: Takes,
}

/// The values of a key, as they are written.
#[derive(Debug)]
pub(crate) enum Takes {
    Text,
    Flag,
    /// A whole number in a range that includes its ends.
    Whole(u64, u64),
    /// A duration in a range that includes its ends.
    Time(Duration, Duration),
    Rate,
    Share,
    ShareRate,
    Bytes,
    Words(&'static [&'static str]),
    /// One value, or a table with `min` and `max`.
    OneOrRange(&'static Takes),
    /// A table with `min` and `max`.
    Range(&'static Takes),
    /// A table with these keys and no others.
    Table(&'static [Key]),
    /// A table of texts by any key.
    Texts,
    List(&'static Takes),
    Either(&'static Takes, &'static Takes),
    /// Gates by the name of their metric.
    Gates,
}

use Takes::{
    Bytes, Either, Flag, Gates, List, OneOrRange, Range, Rate, Share, ShareRate, Table, Text, Texts, Time, Whole, Words,
};

const fn key(name: &'static str, takes: Takes) -> Key {
    Key { name, takes }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A week; the longest part of a run.
const WEEK: Takes = Time(Duration::ZERO, seconds(7 * 24 * 3600));
/// The longest time that a timer measures (docs/spec/measurement.md, "Metrics").
const TIMED: Takes = Time(Duration::ZERO, seconds(600));
/// A pause or a stage that is not empty.
const STAGE: Takes = Time(Duration::from_millis(1), seconds(7 * 24 * 3600));
const PAUSE: Takes = Time(Duration::from_millis(1), seconds(600));

/// A room is a full mesh, so its edges grow with the square of its size.
const ROOM_SIZE: Takes = OneOrRange(&Whole(2, 10_000));
/// Guests are browsers of people.
const GUESTS: Takes = Whole(0, 100);

/// The keys of `[handshake]`, of the run or of a scenario.
const HANDSHAKE: &[Key] = &[
    key("trigger", Words(&["user-joined-room", "peer-ready", "participant-joined", "room-list"])),
    key("initiator", Words(&["lower-id", "existing", "newcomer"])),
    key("trickle", Flag),
    key("settle", TIMED),
    key("timeout", Time(Duration::from_millis(10), seconds(600))),
    key("approval", Words(&["off", "approve", "reject", "ignore"])),
];

/// The keys of `[messages]`, of the run or of a scenario.
const MESSAGES: &[Key] = &[
    key("pattern", Words(&["broadcast", "ping-pong", "none"])),
    key("start", Words(&["room", "barrier"])),
    key("rate", Rate),
    key("size", OneOrRange(&Bytes)),
    key("ordered", Flag),
    key("reliable", Flag),
    key("max_retransmits", Whole(0, u16::MAX as u64)),
    key("max_lifetime", Time(Duration::ZERO, Duration::from_millis(u16::MAX as u64))),
];

/// The keys of `[churn]`, of the run or of a scenario.
const CHURN: &[Key] = &[
    key("leave", ShareRate),
    key("stay", Range(&Time(seconds(1), seconds(86_400)))),
    key("rejoin", Flag),
    key("host_leaves", Flag),
    key("silent", Share),
    key("vanish", Share),
];

/// The keys of a scenario: those of the run's sections that its rooms may have otherwise.
const SCENARIO: &[Key] = &[
    key("name", Text),
    key("share", Share),
    key("rooms", Table(&[key("size", ROOM_SIZE), key("id", Text), key("guests", GUESTS)])),
    key("handshake", Table(HANDSHAKE)),
    key("messages", Table(MESSAGES)),
    key("churn", Table(CHURN)),
    key("target", Table(&[key("path", Text), key("tokens", Text)])),
];

/// The keys before the first section, and the sections.
pub(crate) const PROFILE: &[Key] = &[
    key("name", Text),
    key("description", Text),
    key(
        "target",
        Table(&[
            key("url", Text),
            key("dialect", Text),
            key("headers", Texts),
            key("subprotocol", Text),
            key("origin", Text),
            key("traceparent", Flag),
            key("reconnect", Flag),
            key("reconnect_first", PAUSE),
            key("reconnect_cap", PAUSE),
            key("message_max", Bytes),
        ]),
    ),
    key(
        "rooms",
        Table(&[
            key("count", Whole(1, u32::MAX as u64)),
            key("size", ROOM_SIZE),
            key("id", Text),
            key("guests", GUESTS),
        ]),
    ),
    key(
        "arrivals",
        Table(&[
            key("shape", Words(&["constant", "ramp", "steps", "stages", "poisson", "burst"])),
            key("rate", Rate),
            key("from", Rate),
            key("to", Rate),
            key("over", STAGE),
            key("steps", List(&Table(&[key("rate", Rate), key("for", STAGE)]))),
            key(
                "stages",
                List(&Table(&[
                    key("rate", Rate),
                    key("for", STAGE),
                    key("to", Rate),
                    key("over", STAGE),
                    key("burst", Whole(1, u32::MAX as u64)),
                ])),
            ),
        ]),
    ),
    key("phases", Table(&[key("warmup", WEEK), key("steady", WEEK), key("drain", WEEK)])),
    key("handshake", Table(HANDSHAKE)),
    key("messages", Table(MESSAGES)),
    key("churn", Table(CHURN)),
    key(
        "engine",
        Table(&[
            key("kind", Words(&["lean", "webrtc", "none"])),
            key("ice_servers", List(&Either(&Text, &Table(ICE_SERVER)))),
            key("ice_transport_policy", Words(&["all", "relay"])),
            key("certificates", Words(&["shared", "per-peer"])),
        ]),
    ),
    key(
        "validity",
        Table(&[
            key("on_invalid", Words(&["fail", "warn"])),
            key("on_suspect", Words(&["pass", "fail"])),
            key("lag_suspect", TIMED),
            key("lag_suspect_share", Share),
            key("lag_invalid", TIMED),
            key("busy_suspect", Share),
            key("waiting_suspect", Share),
            key("waiting_invalid", Share),
            key("dropped_suspect", Share),
            key("dropped_invalid", Share),
            key("clock_jump_invalid", TIMED),
        ]),
    ),
    key("faults", Table(&[key("rules", List(&Text))])),
    key("scenarios", List(&Table(SCENARIO))),
    key("tags", Texts),
    key("gates", Gates),
];

/// The keys of a STUN or TURN server written as a table.
pub(crate) const ICE_SERVER: &[Key] =
    &[key("urls", Either(&Text, &List(&Text))), key("username", Text), key("credential", Text)];

/// The keys of a gate written as a table.
pub(crate) const GATE: &[Key] =
    &[key("expr", Text), key("abort", Flag), key("after", WEEK), key("min_samples", Whole(0, 1_000_000_000_000))];

/// A profile.
pub(crate) static ROOT: Takes = Table(PROFILE);

impl Takes {
    /// The names that a table of this kind may have; `None` if it may have any.
    pub(crate) fn names(&self) -> Option<Vec<&'static str>> {
        match self {
            Table(keys) => Some(keys.iter().map(|key| key.name).collect()),
            OneOrRange(_) | Range(_) => Some(vec!["min", "max"]),
            List(item) => item.names(),
            Either(one, other) => one.names().or_else(|| other.names()),
            _ => None,
        }
    }

    /// The values of a key of a table of this kind; texts for a key that it does not have.
    pub(crate) fn of(&self, name: &str) -> &'static Takes {
        match self {
            Table(keys) => keys.iter().find(|key| key.name == name).map_or(&Text, |key| &key.takes),
            OneOrRange(end) | Range(end) => end,
            List(item) => item.of(name),
            _ => &Text,
        }
    }
}

/// Key names of other load testers, with ours.
const ALIASES: &[(&str, &str)] = &[
    ("threshold", "expr"),
    ("abortOnFail", "abort"),
    ("delayAbortEval", "after"),
    ("thresholds", "gates"),
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
    let elsewhere = PROFILE.iter().find(|section| section.takes.names().is_some_and(|known| known.contains(&wrong)))?;
    Some(format!("{}.{wrong}", elsewhere.name))
}
