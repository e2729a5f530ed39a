//! The meshes of a run in progress, room by room, for a view of the run.

use crate::metrics::record::edge::{Closing, EdgeOutcome, EdgeRecord};
use crate::metrics::record::recorder::Recorder;
use crate::metrics::record::room::RoomRecord;
use crate::vocabulary::RoomIndex;

/// The part of the rooms' state that a view shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoomDetail {
    #[default]
    Nothing,
    /// Each room's counts of edges.
    Counts,
    /// The state of each edge as well.
    Edges,
}

/// A room of a run in progress; those of the warm-up are among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveRoom {
    pub index: RoomIndex,
    /// The room's name on the wire; empty without the edges' states.
    pub label: String,
    pub edges: u32,
    pub opened: u32,
    /// Failed, or never begun because the generator was late.
    pub failed: u32,
    /// Of every edge: those of seat 1 with seat 0, of seat 2 with seats 0 and 1, and so on; empty if only counts are wanted.
    pub states: Vec<EdgeState>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EdgeState {
    /// One of its peers is yet to come.
    #[default]
    Waiting,
    Connecting,
    Open,
    /// It was open until a peer left by plan.
    Closed,
    /// It was open, and closed early.
    Lost,
    Failed,
    /// Never begun, because the generator was late.
    Dropped,
}

impl Recorder {
    /// The rooms as they are; none if none are wanted.
    pub fn live_rooms(&self, detail: RoomDetail) -> Vec<LiveRoom> {
        let rooms = self.rooms.iter().filter(|room| detail != RoomDetail::Nothing && room.edges() > 0);
        rooms.map(|room| self.live_room(room, detail == RoomDetail::Edges)).collect()
    }

    fn live_room(&self, room: &RoomRecord, in_full: bool) -> LiveRoom {
        let label = if in_full { room.label.clone() } else { String::new() };
        let edges = room.edges() as u32;
        let mut live = LiveRoom { index: room.index, label, edges, opened: 0, failed: 0, states: vec![] };
        let pairs = (1..room.size).flat_map(|high| (0..high).map(move |low| (low, high)));
        for ((low, high), edge) in pairs.zip(&self.edges[room.edge_range()]) {
            let have_begun = [low, high].iter().all(|seat| self.peers[room.peer(*seat)].began.happened());
            let state = state(edge, have_begun);
            live.opened += u32::from(edge.fate == EdgeOutcome::Opened);
            live.failed += u32::from(matches!(state, EdgeState::Failed | EdgeState::Dropped));
            if in_full {
                live.states.push(state);
            }
        }
        live
    }
}

fn state(edge: &EdgeRecord, have_begun: bool) -> EdgeState {
    match (edge.fate, edge.closing) {
        (EdgeOutcome::Opened, Closing::Not) => EdgeState::Open,
        (EdgeOutcome::Opened, Closing::Planned) => EdgeState::Closed,
        (EdgeOutcome::Opened, Closing::Early) => EdgeState::Lost,
        (EdgeOutcome::Failed, _) => EdgeState::Failed,
        (EdgeOutcome::Dropped, _) => EdgeState::Dropped,
        (EdgeOutcome::Undecided, _) if have_begun => EdgeState::Connecting,
        (EdgeOutcome::Undecided | EdgeOutcome::Abandoned, _) => EdgeState::Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_waits_connects_opens_and_ends() {
        let check = |fate: EdgeOutcome, closing: Closing, expected: [EdgeState; 2]| {
            let edge = EdgeRecord { fate, closing, ..EdgeRecord::default() };
            assert_eq!([false, true].map(|have_begun| state(&edge, have_begun)), expected, "{fate:?} {closing:?}");
        };
        check(EdgeOutcome::Undecided, Closing::Not, [EdgeState::Waiting, EdgeState::Connecting]);
        check(EdgeOutcome::Opened, Closing::Not, [EdgeState::Open; 2]);
        check(EdgeOutcome::Opened, Closing::Planned, [EdgeState::Closed; 2]);
        check(EdgeOutcome::Opened, Closing::Early, [EdgeState::Lost; 2]);
        check(EdgeOutcome::Failed, Closing::Not, [EdgeState::Failed; 2]);
        check(EdgeOutcome::Dropped, Closing::Not, [EdgeState::Dropped; 2]);
        check(EdgeOutcome::Abandoned, Closing::Not, [EdgeState::Waiting; 2]);
    }
}
