//! `islands`: the members of a room form groups that never hear each other, though within a group all works.

use super::super::record::{RunRecord, fault, share};
use super::{Dealing, dealing, grouped};
use crate::summary::{FindingConfidence, RoomGroups, RunFinding};
use crate::vocabulary::format::count;

pub(in super::super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    // A group of one may be a peer whose words are lost, and proves nothing.
    let has_islands = |room: &RoomGroups| room.sizes.iter().filter(|size| **size > 1).count() > 1;
    let rooms = grouped(record);
    let proving: Vec<&RoomGroups> = rooms.iter().copied().filter(|room| has_islands(room)).collect();
    let dealing = dealing(record);
    if proving.is_empty() || matches!(dealing, Dealing::Shown(_)) {
        return None;
    }
    let or_dealt = match dealing {
        Dealing::Possible(seats) => format!(", or the server seats at most {seats} members together"),
        Dealing::Excluded | Dealing::Shown(_) => String::new(),
    };
    let most = rooms.iter().map(|room| room.sizes.len()).max().unwrap_or(2);
    let sizes: Vec<String> = proving[0].sizes.iter().map(u16::to_string).collect();
    let sentence = format!(
        "In {} of {} rooms the members form up to {most} groups that never hear each other, though within a group every edge \
         opens; {} is in groups of {}{or_dealt}.",
        count(rooms.len() as u64),
        count(record.evidence.rooms),
        proving[0].room,
        sizes.join(" and ")
    );
    let is_sure = proving.len() > 1 && dealing == Dealing::Excluded;
    let confidence = if is_sure { FindingConfidence::High } else { FindingConfidence::Low };
    let remedy = "Look for several processes or workers behind one address that do not pass messages on to each other: an \
                  adapter, a shared bus, or sticky routing by room.";
    Some(fault("islands", confidence, sentence, remedy, share(rooms.len() as u64, record.evidence.rooms)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{RunEvidence, Summary};

    /// The id and the confidence of what is found in rooms of these groups.
    fn check(
        rooms: &[(&[u16], Option<bool>)],
        whole_room_max: u16,
        rejoins: u64,
        expected: Option<(&str, FindingConfidence)>,
    ) {
        let room = |(sizes, in_order): &(&[u16], Option<bool>)| RoomGroups {
            room: "room-0".into(),
            sizes: sizes.to_vec(),
            in_order: *in_order,
            whole: true,
            apart: true,
        };
        let split_rooms = rooms.iter().map(room).collect();
        let evidence = RunEvidence { split_rooms, rooms: 9, whole_room_max, ..RunEvidence::default() };
        let mut summary = Summary::default();
        summary.counts.peers.rejoins = rejoins;
        let record = RunRecord { summary: &summary, evidence: &evidence };
        let found: Vec<_> = [find(&record), super::super::split::find(&record)].into_iter().flatten().collect();
        let found: Vec<_> = found.iter().map(|found| (found.id.as_str(), found.confidence)).collect();
        assert_eq!(found, Vec::from_iter(expected), "{rooms:?}");
    }

    #[test]
    fn groups_in_the_order_of_joining_are_dealt_out_and_others_are_islands() {
        use FindingConfidence::{High, Low};
        let (yes, no) = (Some(true), Some(false));
        check(&[(&[8, 4], yes)], 8, 0, Some(("rooms-split", High)));
        check(&[(&[8, 4], yes), (&[8, 8, 1], None)], 3, 0, Some(("rooms-split", High)));
        check(&[(&[2, 2], no), (&[2, 2], yes)], 0, 0, Some(("islands", High)));
        check(&[(&[2, 2, 3], yes), (&[3, 2], yes)], 0, 0, Some(("islands", High)));
        check(&[(&[2, 2], yes), (&[2, 2], yes)], 4, 0, Some(("islands", High)));
        // A burst, or peers that came back: nothing tells the two apart.
        check(&[(&[3, 2], None), (&[3, 2], None)], 0, 0, Some(("islands", Low)));
        check(&[(&[3, 2], no), (&[3, 2], no)], 0, 9, Some(("islands", Low)));
        // A peer that nobody hears.
        check(&[(&[3, 1], no)], 0, 0, None);
        check(&[(&[1, 1], yes)], 0, 0, None);
    }
}
