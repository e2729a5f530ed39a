//! The twenty slowest edges of a run.

use crate::summary::{PhaseTimes, SlowEdge};
use crate::vocabulary::RoomIndex;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const KEPT: usize = 20;

/// The heap's top is the fastest of those kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::metrics) struct Slowest {
    heap: BinaryHeap<Reverse<RankedEdge>>,
}

/// Ordered by time, then by the plan, so that any split of a run among workers keeps the same edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::metrics) struct RankedEdge {
    pub due_us: u64,
    pub began_us: u64,
    pub peers: [u32; 2],
    pub room: RoomIndex,
    pub phases: PhaseTimes,
}

impl Slowest {
    pub(crate) fn offer(&mut self, slow: RankedEdge) {
        if self.heap.len() == KEPT {
            if self.heap.peek().is_some_and(|Reverse(fastest)| slow <= *fastest) {
                return;
            }
            self.heap.pop();
        }
        self.heap.push(Reverse(slow));
    }

    pub(crate) fn merge(&mut self, other: Self) {
        other.heap.into_iter().for_each(|Reverse(slow)| self.offer(slow));
    }

    pub(crate) fn rooms(&self) -> impl Iterator<Item = RoomIndex> {
        self.heap.iter().map(|Reverse(slow)| slow.room)
    }

    /// Rows of the summary, slowest first.
    pub(crate) fn rows(&self, label: impl Fn(RoomIndex) -> String) -> Vec<SlowEdge> {
        let mut kept: Vec<RankedEdge> = self.heap.iter().map(|Reverse(slow)| *slow).collect();
        kept.sort_by_key(|slow| Reverse(*slow));
        kept.into_iter()
            .map(|slow| SlowEdge {
                room: label(slow.room),
                peers: slow.peers,
                due_us: slow.due_us,
                began_us: slow.began_us,
                phases: slow.phases,
                // The controller adds them.
                trace_ids: vec![],
            })
            .collect()
    }
}

impl Ord for RankedEdge {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due_us, self.began_us, Reverse(self.peers)).cmp(&(other.due_us, other.began_us, Reverse(other.peers)))
    }
}

impl PartialOrd for RankedEdge {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twenty_slowest_stay_whatever_their_order() {
        let slow = |n: u64| RankedEdge {
            due_us: n / 2,
            began_us: n / 2,
            peers: [n as u32, n as u32 + 1],
            room: RoomIndex(0),
            phases: PhaseTimes::default(),
        };
        let rows = |order: &mut dyn Iterator<Item = u64>| {
            let mut slowest = Slowest::default();
            order.for_each(|n| slowest.offer(slow(n)));
            slowest.rows(|_| "room-0".into())
        };
        let upwards = rows(&mut (0..101));
        assert_eq!(upwards, rows(&mut (0..101).rev()));
        assert_eq!((upwards.len(), upwards[0].due_us, upwards[19].due_us), (20, 50, 40));
    }
}
