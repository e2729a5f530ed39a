//! Deals the rooms of a plan to workers or machines: whole rooms, each exactly once, edges in balance.

use super::{Plan, RoomPlan};

/// What one worker, or one machine, runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    pub rooms: Vec<RoomPlan>,
}

impl Share {
    pub fn edges(&self) -> u64 {
        self.rooms.iter().map(RoomPlan::edges).sum()
    }

    pub fn peers(&self) -> u64 {
        self.rooms.iter().map(|room| u64::from(room.size())).sum()
    }
}

impl Plan {
    /// Share `index` of `of`. Rooms arrive in order, so each goes to the share that is lightest so far and the
    /// load is in balance at all times, not only at the end.
    pub fn share(&self, index: usize, of: usize) -> Share {
        let mut edges = vec![0u64; of.max(1)];
        let mut rooms = vec![];
        for room in &self.rooms {
            let lightest = (0..edges.len()).min_by_key(|&share| edges[share]).unwrap_or(0);
            edges[lightest] += room.edges();
            if lightest == index {
                rooms.push(room.clone());
            }
        }
        Share { rooms }
    }
}
