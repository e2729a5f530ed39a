//! `islands`: the members of a room form groups that never hear each other, though within a group all works.

use super::super::record::{RunRecord, fault, share};
use super::{grouped, seats_dealt};
use crate::summary::{FindingConfidence, RoomGroups, RunFinding};
use crate::vocabulary::format::count;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    // A group of one may be a peer whose words are lost, and proves nothing.
    let has_islands = |room: &RoomGroups| room.sizes.iter().filter(|size| **size > 1).count() > 1;
    let rooms = grouped(record);
    let proving: Vec<&RoomGroups> = rooms.iter().copied().filter(|room| has_islands(room)).collect();
    if proving.is_empty() || seats_dealt(record).is_some() {
        return None;
    }
    let most = rooms.iter().map(|room| room.sizes.len()).max().unwrap_or(2);
    let sizes: Vec<String> = proving[0].sizes.iter().map(u16::to_string).collect();
    let sentence = format!(
        "In {} of {} rooms the members form up to {most} groups that never hear each other, though within a group every edge \
         opens; {} is in groups of {}.",
        count(rooms.len() as u64),
        count(record.evidence.rooms),
        proving[0].room,
        sizes.join(" and ")
    );
    let confidence = if proving.len() > 1 { FindingConfidence::High } else { FindingConfidence::Low };
    let remedy = "Look for several processes or workers behind one address that do not pass messages on to each other: an \
                  adapter, a shared bus, or sticky routing by room.";
    Some(fault("islands", confidence, sentence, remedy, share(rooms.len() as u64, record.evidence.rooms)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{RunEvidence, Summary};

    fn ids(rooms: &[(&[u16], bool)], whole_room_max: u16) -> Vec<&'static str> {
        let room = |(sizes, in_order): &(&[u16], bool)| RoomGroups {
            room: "room-0".into(),
            sizes: sizes.to_vec(),
            in_order: *in_order,
            whole: true,
            apart: true,
        };
        let split_rooms = rooms.iter().map(room).collect();
        let evidence = RunEvidence { split_rooms, rooms: 9, whole_room_max, ..RunEvidence::default() };
        let record = RunRecord { summary: &Summary::default(), evidence: &evidence };
        let found = [find(&record), super::super::split::find(&record)];
        let ids = ["islands", "rooms-split"].into_iter().zip(found).filter(|(_, found)| found.is_some());
        ids.map(|(id, _)| id).collect()
    }

    #[test]
    fn groups_in_the_order_of_joining_are_dealt_out_and_others_are_islands() {
        assert_eq!(ids(&[(&[8, 4], true)], 8), ["rooms-split"]);
        assert_eq!(ids(&[(&[8, 4], true), (&[8, 8, 1], true)], 3), ["rooms-split"]);
        assert_eq!(ids(&[(&[2, 2], false), (&[2, 2], false)], 0), ["islands"]);
        assert_eq!(ids(&[(&[2, 2], true), (&[3, 1], true)], 0), ["islands"]);
        assert_eq!(ids(&[(&[2, 2], true)], 4), ["islands"], "a whole room of 4 has more than 2 seats");
        // A peer that nobody hears.
        assert!(ids(&[(&[3, 1], false)], 0).is_empty());
        assert!(ids(&[(&[1, 1], true)], 0).is_empty());
    }
}
