//! `rooms-split`: the server seats the members of one room in groups of a fixed size, and deals the rest out.

use super::super::record::{RunRecord, hint, share};
use super::{Dealing, dealing, grouped};
use crate::summary::{FindingConfidence, RoomGroups, RunFinding};
use crate::vocabulary::format::count;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let Dealing::Shown(seats) = dealing(record) else { return None };
    let rooms = grouped(record);
    let pairs = |size: u64| size * size.saturating_sub(1) / 2;
    let possible = |room: &&RoomGroups| -> u64 { room.sizes.iter().map(|size| pairs(u64::from(*size))).sum() };
    let planned = |room: &&RoomGroups| pairs(room.sizes.iter().map(|size| u64::from(*size)).sum());
    let (possible, planned) = (rooms.iter().map(possible).sum::<u64>(), rooms.iter().map(planned).sum::<u64>());
    let sizes: Vec<String> = rooms[0].sizes.iter().map(u16::to_string).collect();
    let sentence = format!(
        "The server seats at most {seats} members of a room together: {} is in groups of {} ({} of {} rooms are split). {} of \
         {} edges are possible, and all of them opened.",
        rooms[0].room,
        sizes.join(" and "),
        count(rooms.len() as u64),
        count(record.evidence.rooms),
        count(possible),
        count(planned)
    );
    let remedy = "Plan rooms of at most so many peers; the edges between groups are counted as failed.";
    Some(hint("rooms-split", FindingConfidence::High, sentence, remedy, share(planned - possible, planned)))
}
