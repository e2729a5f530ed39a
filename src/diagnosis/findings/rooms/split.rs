//! `rooms-split`: the server seats the members of one room in groups of a fixed size, and deals the rest out.

use super::super::record::{RunRecord, hint, share};
use super::{Dealing, dealing, grouped};
use crate::summary::{FailureRow, FindingConfidence, RoomGroups, RunFinding};
use crate::vocabulary::format::count;
use crate::vocabulary::{Phase, Reason};

pub(in super::super) const ID: &str = "rooms-split";

/// The phase and reason by which the edges between groups failed; `None` if other edges failed so too.
pub(in super::super) fn explained(record: &RunRecord<'_>) -> Option<(Phase, Reason)> {
    let (possible, planned) = edges(&grouped(record));
    let (phase, reason) = (Phase::Discovery, Reason::TimedOut);
    let is_such = |row: &&FailureRow| (&*row.phase, &*row.reason) == (phase.name(), reason.name());
    let failed: u64 = record.summary.failures.iter().filter(is_such).map(|row| row.count).sum();
    (failed == planned - possible).then_some((phase, reason))
}

/// The possible and the planned edges of rooms in groups.
fn edges(rooms: &[&RoomGroups]) -> (u64, u64) {
    let pairs = |size: u64| size * size.saturating_sub(1) / 2;
    let sizes = |room: &RoomGroups| room.sizes.iter().map(|size| u64::from(*size)).collect::<Vec<_>>();
    let possible = rooms.iter().flat_map(|room| sizes(room)).map(pairs).sum();
    (possible, rooms.iter().map(|room| pairs(sizes(room).iter().sum())).sum())
}

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    let Dealing::Shown(seats) = dealing(record) else { return None };
    let rooms = grouped(record);
    let (possible, planned) = edges(&rooms);
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
    Some(hint(ID, FindingConfidence::High, sentence, remedy, share(planned - possible, planned)))
}
