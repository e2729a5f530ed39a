//! `[rooms]`: the number of rooms, their sizes, ids and guests.

use crate::profile::section::Section;
use crate::vocabulary::EngineKind;

/// The rooms of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomSettings {
    pub size: Size,
    /// The room's id, in which `{index}` stands for the room's index.
    pub id: String,
    /// External peers admitted to each room, from 0 to 100.
    pub guests: u16,
}

/// A room's number of peers, from 2: fixed, or drawn uniformly for each room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub min: u16,
    pub max: u16,
}

/// The number of rooms of the run.
pub(crate) fn count(root: &Section<'_>) -> u32 {
    root.section("rooms").whole("count", "a run has from 1 to 4294967295 rooms") as u32
}

/// Reads the settings of a scenario's rooms, in a run of `count` rooms.
pub(crate) fn check(root: &Section<'_>, count: u32) -> RoomSettings {
    let section = root.section("rooms");
    let guests = section.whole("guests", "a room admits from 0 to 100 guests") as u16;
    let rooms = RoomSettings { size: size(&section), id: id(&section, count), guests };

    // Peers are numbered with 32 bits.
    let peers = u64::from(count) * u64::from(rooms.size.max);
    if peers > u64::from(u32::MAX) {
        section.problem("count", format!("{peers} peers are too many; a plan has at most 4294967295"));
    }
    rooms
}

/// Guests need an engine that makes real connections over one socket a peer: several of our peers tell a guest by its address.
pub(crate) fn check_guests(root: &Section<'_>, guests: u16, engine: EngineKind) {
    if guests > 0 && engine != EngineKind::Lean {
        let kind = if engine == EngineKind::None { "none" } else { "webrtc" };
        let why =
            format!("guests meet peers of the engine lean, and engine.kind is {kind}; write 0, or kind = \"lean\"");
        root.section("rooms").problem("guests", why);
    }
}

fn size(section: &Section<'_>) -> Size {
    const WHY: &str = "a mesh needs at least 2 peers, and a room holds at most 10000";
    if !section.is_table("size") {
        let size = section.whole("size", WHY) as u16;
        return Size { min: size, max: size };
    }
    let limits = section.range("size", "{ min = 2, max = 8 }");
    let [min, max] = ["min", "max"].map(|key| limits.whole(key, WHY) as u16);
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
