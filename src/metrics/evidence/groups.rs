//! Groups of a room's peers that opened edges connect: more than one group is a split room.

use crate::metrics::record::edge::EdgeOutcome;
use crate::metrics::record::recorder::Recorder;
use crate::metrics::record::room::RoomRecord;
use crate::metrics::run_time::RunTime;
use crate::summary::RoomGroups;
use crate::vocabulary::RoomIndex;
use serde::{Deserialize, Serialize};

/// The server may see joins in another order than their peers, if less than this lies between them, in microseconds.
const ORDER_SLACK_US: u64 = 20_000;

/// The rooms in which at least two peers joined, and those of them that are split.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::metrics) struct MetRooms {
    pub rooms: u64,
    /// The size of the largest room that is not split.
    pub whole_room_max: u16,
    pub split: Vec<(RoomIndex, RoomGroups)>,
}

impl MetRooms {
    pub(crate) fn merge(&mut self, other: Self) {
        self.rooms += other.rooms;
        self.whole_room_max = self.whole_room_max.max(other.whole_room_max);
        self.split.extend(other.split);
        self.split.sort_by_key(|(room, _)| *room);
    }
}

impl Recorder {
    pub(in crate::metrics) fn met_rooms(&self) -> MetRooms {
        let mut met = MetRooms::default();
        for room in self.rooms.iter().filter(|room| room.meshes) {
            let groups = self.groups(room);
            met.rooms += u64::from(groups.iter().map(Vec::len).sum::<usize>() > 1);
            match groups.as_slice() {
                [] => {}
                [whole] => met.whole_room_max = met.whole_room_max.max(whole.len() as u16),
                split => met.split.push((room.index, self.room_groups(room, split))),
            }
        }
        met.split.sort_by_key(|(room, _)| *room);
        met
    }

    /// The joined peers of a room in groups that opened edges connect, each in the order of joining.
    fn groups(&self, room: &RoomRecord) -> Vec<Vec<u16>> {
        let mut seats: Vec<u16> =
            (0..room.size).filter(|seat| self.peers[room.peer(*seat)].joined.happened()).collect();
        seats.sort_by_key(|seat| self.peers[room.peer(*seat)].joined);
        let mut groups: Vec<Vec<u16>> = vec![];
        for seat in seats {
            let is_linked = |group: &Vec<u16>| group.iter().any(|other| self.is_opened(room, seat, *other));
            let (linked, apart): (Vec<_>, Vec<_>) = groups.drain(..).partition(is_linked);
            groups = apart;
            let mut joined: Vec<u16> = linked.into_iter().flatten().chain([seat]).collect();
            joined.sort_by_key(|seat| self.peers[room.peer(*seat)].joined);
            groups.push(joined);
        }
        groups.sort_by_key(|group| self.peers[room.peer(group[0])].joined);
        groups
    }

    fn room_groups(&self, room: &RoomRecord, groups: &[Vec<u16>]) -> RoomGroups {
        let joined = |seat: u16| self.peers[room.peer(seat)].joined;
        let pairs = |group: &[u16]| -> Vec<(u16, u16)> {
            group
                .iter()
                .flat_map(|one| group.iter().filter(move |other| *other < one).map(|other| (*one, *other)))
                .collect()
        };
        let whole =
            groups.iter().all(|group| pairs(group).iter().all(|(one, other)| self.is_opened(room, *one, *other)));
        let group_of = |seat: u16| groups.iter().position(|group| group.contains(&seat));
        let all: Vec<u16> = groups.iter().flatten().copied().collect();
        let across = pairs(&all).into_iter().filter(|(one, other)| group_of(*one) != group_of(*other));
        let mut edges = across.map(|(one, other)| &self.edges[room.edge(one.min(other), one.max(other))]);
        RoomGroups {
            room: room.label.clone(),
            sizes: groups.iter().map(|group| group.len() as u16).collect(),
            in_order: in_order(groups, joined),
            whole,
            apart: edges.all(|edge| edge.met.iter().all(|met| !met.happened())),
        }
    }

    fn is_opened(&self, room: &RoomRecord, one: u16, other: u16) -> bool {
        self.edges[room.edge(one.min(other), one.max(other))].fate == EdgeOutcome::Opened
    }
}

/// Tells if each group had joined before the next one; `None` if their joins are too close to tell.
fn in_order(groups: &[Vec<u16>], joined: impl Fn(u16) -> RunTime) -> Option<bool> {
    let mut is_clear = true;
    for two in groups.windows(2) {
        let (Some(last), Some(first)) = (two[0].last(), two[1].first()) else { continue };
        let (last, first) = (joined(*last), joined(*first));
        if last.since(first) > ORDER_SLACK_US {
            return Some(false);
        }
        is_clear &= first.since(last) > ORDER_SLACK_US;
    }
    is_clear.then_some(true)
}
