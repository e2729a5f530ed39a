//! `[messages]`: the messages that peers send over open channels, and the channels' reliability.

use crate::profile::section::Section;
use crate::profile::syntax::document::{Node, Tree, Value};
use crate::profile::syntax::units;
use crate::vocabulary::Reliability;

/// The messages that each peer sends over its open channels.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageSettings {
    pub pattern: MessagePattern,
    pub start: Start,
    /// Messages per second that each peer sends on each of its channels.
    pub rate: f64,
    /// Bytes of a message, at least 16; drawn uniformly from `bytes_min` to `bytes_max`.
    pub bytes_min: u32,
    pub bytes_max: u32,
    pub ordered: bool,
    pub reliability: Reliability,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessagePattern {
    Broadcast,
    PingPong,
    None,
}

/// The moment at which the messages of a room start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// As soon as every edge of the room is decided.
    Room,
    /// In all rooms at once with the steady phase, as soon as every edge of the run is decided.
    Barrier,
}

/// A message carries its sequence number and the time it was sent (docs/spec/measurement.md, "Metrics").
const BYTES_MIN: u64 = 16;
const BYTES_MAX: u64 = 256 * 1024;

pub(crate) fn check(root: &Section<'_>) -> MessageSettings {
    let section = root.section("messages");
    let pattern = section.word(
        "pattern",
        &[
            ("broadcast", MessagePattern::Broadcast),
            ("ping-pong", MessagePattern::PingPong),
            ("none", MessagePattern::None),
        ],
    );
    let (bytes_min, bytes_max) = sizes(&section);
    MessageSettings {
        pattern,
        start: section.word("start", &[("room", Start::Room), ("barrier", Start::Barrier)]),
        rate: section.rate("rate", false),
        bytes_min,
        bytes_max,
        ordered: section.flag("ordered"),
        reliability: reliability(&section),
    }
}

fn sizes(section: &Section<'_>) -> (u32, u32) {
    if !section.is_table("size") {
        let bytes = bytes(section, "size");
        return (bytes, bytes);
    }
    let limits = section.range("size", "{ min = \"64B\", max = \"1KiB\" }");
    let (min, max) = (bytes(&limits, "min"), bytes(&limits, "max"));
    if min > max && limits.node("max").is_some() {
        limits.problem("min", format!("{} is above max", limits.shown("min")));
    }
    (min, max)
}

fn bytes(section: &Section<'_>, key: &str) -> u32 {
    let bytes = section.measured(key, "a size", "B", units::size).unwrap_or(BYTES_MIN);
    let fault = match bytes {
        BYTES_MIN..=BYTES_MAX => return bytes as u32,
        ..BYTES_MIN => "small; a message carries its number and its time, 16 bytes",
        _ => "large; a message has at most 256KiB",
    };
    section.problem(key, format!("{} is too {fault}", section.shown(key)));
    BYTES_MIN as u32
}

fn reliability(section: &Section<'_>) -> Reliability {
    let given: Vec<_> = LIMITS.iter().filter(|key| section.node(key).is_some()).collect();
    let reliable = section.node("reliable").is_some().then(|| section.flag("reliable"));
    if given.len() > 1 {
        section.problem(given[1], "a channel has either max_retransmits or max_lifetime (RFC 8832 §5.1)");
    }
    if let (Some(limit), Some(true)) = (given.first(), reliable) {
        section.problem("reliable", format!("a reliable channel has no {limit}; leave one of them out"));
    }
    match given.first() {
        Some(&&"max_retransmits") => {
            let times = section.whole("max_retransmits", "from 0 to 65535 times");
            Reliability::MaxRetransmits(times as u16)
        }
        Some(_) => {
            let lifetime = section.measured("max_lifetime", "a time", "ms", units::duration).unwrap_or_default();
            match u16::try_from(lifetime.as_millis()) {
                Ok(millis) if lifetime.subsec_nanos().is_multiple_of(1_000_000) => Reliability::MaxLifetime(millis),
                _ => {
                    let shown = section.shown("max_lifetime");
                    section.problem("max_lifetime", format!("{shown} is not from 0ms to 65535ms in whole ms"));
                    Reliability::Reliable
                }
            }
        }
        None if reliable == Some(false) => Reliability::MaxRetransmits(0),
        None => Reliability::Reliable,
    }
}

const LIMITS: [&str; 2] = ["max_retransmits", "max_lifetime"];

/// Drops a `reliable` that a limit of higher precedence overrides, and the other way round; of two limits, the one of
/// lower precedence.
pub(crate) fn drop_overridden(messages: &mut Tree) {
    for (limit, other) in [(LIMITS[0], LIMITS[1]), (LIMITS[1], LIMITS[0])] {
        let (Some(own), Some(above)) = (messages.get(limit), messages.get(other)) else { break };
        if own.at.is_overridden_by(&above.at) {
            messages.remove(limit);
            break;
        }
    }
    let reliable = messages.get("reliable").map(|node| node.at.clone());
    let limit = LIMITS.iter().filter_map(|key| messages.get(*key)).map(|node| node.at.clone()).next();
    let (Some(reliable), Some(limit)) = (reliable, limit) else { return };
    let says_true = matches!(messages.get("reliable"), Some(Node { value: Value::Flag(true), .. }));
    if reliable.is_overridden_by(&limit) {
        messages.remove("reliable");
    } else if limit.is_overridden_by(&reliable) && says_true {
        messages.retain(|key, _| !LIMITS.contains(&key.as_str()));
    }
}
