//! `[rooms]`: how many, how large, and what they are called.

use super::document::Value;
use super::section::Section;
use super::{Profile, Rooms, Size};
use crate::vocabulary::choice::EngineKind;

/// A room is a full mesh, so its edges grow with the square of this.
const SIZE_MAX: u64 = 10_000;

/// Guests are browsers and people.
const GUESTS_MAX: u64 = 100;

pub(super) fn check(root: &Section<'_>) -> Rooms {
    let section = root.section("rooms");
    let count = section.whole("count", 1..=u64::from(u32::MAX), "a run has from 1 to 4294967295 rooms") as u32;
    let guests = section.whole("guests", 0..=GUESTS_MAX, "a room admits from 0 to 100 guests") as u16;
    let rooms = Rooms { count, size: size(&section), id: id(&section, count), guests };

    // Peers are numbered with 32 bits.
    let peers = u64::from(rooms.count) * u64::from(rooms.size.max);
    if peers > u64::from(u32::MAX) {
        section.problem("count", format!("{peers} peers are too many; a plan has at most 4294967295"));
    }
    rooms
}

/// A guest makes real connections, and several peers of ours tell it by its address: only one engine does both.
pub(super) fn guests(root: &Section<'_>, profile: &Profile) {
    if profile.rooms.guests > 0 && !matches!(profile.engine.kind, EngineKind::Rtc | EngineKind::Lean) {
        let kind = if profile.engine.kind == EngineKind::None { "none" } else { "webrtc" };
        let why = format!("guests meet peers of the engine rtc, and engine.kind is {kind}; write 0, or kind = \"rtc\"");
        root.section("rooms").problem("guests", why);
    }
}

fn size(section: &Section<'_>) -> Size {
    const WHY: &str = "a mesh needs at least 2 peers, and a room holds at most 10000";
    if !matches!(section.node("size").map(|node| &node.value), Some(Value::Table(_))) {
        let size = section.whole("size", 2..=SIZE_MAX, WHY) as u16;
        return Size { min: size, max: size };
    }
    let limits = section.section("size");
    limits.allow(&["min", "max"]);
    for key in ["min", "max"] {
        if limits.node(key).is_none() {
            section.problem("size", format!("{key} is missing; write {{ min = 2, max = 8 }}"));
        }
    }
    let [min, max] = ["min", "max"].map(|key| limits.whole(key, 2..=SIZE_MAX, WHY) as u16);
    if min > max && limits.node("max").is_some() {
        limits.problem("min", format!("{min} is above max, which is {max}"));
    }
    Size { min, max }
}

fn id(section: &Section<'_>, count: u32) -> String {
    let id = section.text("id").unwrap_or_default();
    if id.chars().any(char::is_control) || id.len() > 200 {
        section.problem("id", "an id has at most 200 bytes and no control characters");
    } else if !id.contains("{index}") && (count > 1 || id.is_empty()) {
        section.problem("id", "all rooms would have one id; write {index} into it");
    }
    id
}
