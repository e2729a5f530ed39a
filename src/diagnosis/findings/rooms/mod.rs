//! Findings about rooms whose peers are in several groups.

pub(super) mod islands;
pub(super) mod split;

use super::record::RunRecord;
use crate::summary::RoomGroups;

/// A server that deals out the members of a room, by the sizes of the groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dealing {
    /// The groups have no common size: no server deals so.
    Excluded,
    /// The sizes fit so many seats, and the order of joining too.
    Shown(u16),
    /// The sizes fit so many seats, and the order of joining can't tell.
    Possible(u16),
}

/// The rooms that are in groups between which nothing was heard, while within them every edge opened.
fn grouped<'a>(record: &RunRecord<'a>) -> Vec<&'a RoomGroups> {
    let is_grouped = |room: &&RoomGroups| room.whole && room.apart;
    record.evidence.split_rooms.iter().filter(is_grouped).collect()
}

/// Looks for a number of seats: each group of a room but one has so many, and no larger room is whole. The groups are in
/// the order of joining; peers that came back were seated anew, so that after a rejoin the order tells nothing.
fn dealing(record: &RunRecord<'_>) -> Dealing {
    let rooms = grouped(record);
    let seats = rooms.iter().flat_map(|room| &room.sizes).copied().max().unwrap_or(0);
    let fits = |room: &&RoomGroups| room.sizes.iter().filter(|size| **size != seats).count() <= 1;
    if seats < 2 || !rooms.iter().all(fits) || record.evidence.whole_room_max > seats {
        return Dealing::Excluded;
    }
    let came_back = record.summary.counts.peers.rejoins > 0;
    let orders: Vec<Option<bool>> = rooms.iter().map(|room| room.in_order).collect();
    match () {
        () if came_back => Dealing::Possible(seats),
        () if orders.contains(&Some(false)) => Dealing::Excluded,
        () if orders.contains(&Some(true)) => Dealing::Shown(seats),
        () => Dealing::Possible(seats),
    }
}
