//! Findings about rooms whose peers are in several groups.

pub(super) mod islands;
pub(super) mod split;

use super::record::RunRecord;
use crate::summary::RoomGroups;

/// The rooms that are in groups between which nothing was heard, while within them every edge opened.
fn grouped<'a>(record: &RunRecord<'a>) -> Vec<&'a RoomGroups> {
    let is_grouped = |room: &&RoomGroups| room.whole && room.apart;
    record.evidence.split_rooms.iter().filter(is_grouped).collect()
}

/// The seats of one instance, if the server deals peers out in the order of joining: each group but the last has so
/// many, and no room with more is whole.
fn seats_dealt(record: &RunRecord<'_>) -> Option<u16> {
    let rooms = grouped(record);
    let seats = rooms.first()?.sizes[0];
    let is_dealt = |room: &&RoomGroups| {
        let (last, others) = room.sizes.split_last().expect("a split room has groups");
        room.in_order && others.iter().all(|size| *size == seats) && *last <= seats
    };
    let all = rooms.iter().all(is_dealt) && seats > 1 && record.evidence.whole_room_max <= seats;
    all.then_some(seats)
}
