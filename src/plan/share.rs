//! Distribution of a plan's rooms over workers: whole rooms, each exactly once, with balanced edges.

use super::{Plan, RoomPlan};

/// The rooms that one worker runs.
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
    /// Share `index` of `of`. Each room, in order of arrival, goes to the share with the fewest edges so far: the load is
    /// balanced at all times, not only at the end.
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
