//! Collects the evidence of a whole run from the recorder.

use crate::metrics::record::edge::EdgeOutcome;
use crate::metrics::record::recorder::Recorder;
use crate::metrics::record::room::RoomRecord;
use crate::metrics::run_time::RunTime;
use crate::summary::{DialectFacts, RoomGroups, RunEvidence, TimedSecond};

/// The server may see joins in another order than their peers, if less than this lies between them, in microseconds.
const ORDER_SLACK_US: u64 = 20_000;

impl Recorder {
    /// The facts that findings rest on.
    pub fn evidence(&self, dialect: DialectFacts) -> RunEvidence {
        let (connections, losses, refusal) = self.connections.rows();
        let mut checks = self.trace_check.clone();
        for room in &self.rooms {
            if let Some(trace) = room.trace.as_deref().filter(|trace| !trace.is_over && trace.is_whole(room.size)) {
                checks.add(&trace.events);
            }
        }
        let groups: Vec<(&RoomRecord, Vec<Vec<u16>>)> =
            self.rooms.iter().map(|room| (room, self.groups(room))).collect();
        let is_met = |groups: &&(&RoomRecord, Vec<Vec<u16>>)| groups.1.iter().map(Vec::len).sum::<usize>() > 1;
        let rooms = groups.iter().filter(is_met).count() as u64;
        let whole = groups.iter().filter(|(_, groups)| groups.len() == 1).map(|(_, groups)| groups[0].len() as u16);
        let whole_room_max = whole.max().unwrap_or(0);
        let split = groups.iter().filter(|(_, groups)| groups.len() > 1);
        let received = (0..dialect.kinds.len()).map(|kind| {
            let sum = |of: fn(&crate::metrics::fold::totals::Totals, usize) -> u64| {
                self.all_totals.iter().map(|totals| of(totals, kind)).sum()
            };
            (sum(|totals, kind| totals.traffic[kind].received), sum(|totals, kind| totals.concerned_by_kind[kind]))
        });
        RunEvidence {
            losses,
            connections,
            refusal,
            split_rooms: split.map(|(room, groups)| self.room_groups(room, groups)).collect(),
            rooms,
            whole_room_max,
            signals: checks.signals,
            announcements: checks.announcements,
            leaves: self.leaves,
            seconds: self
                .series
                .rows()
                .map(|(second, _, row)| TimedSecond { second, frames: row.frames, timers: row.timers })
                .collect(),
            received: received.collect(),
            dialect,
        }
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
