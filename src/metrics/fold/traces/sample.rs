//! The choice of the rooms that are traced, and of the slowest edges among them.

use crate::vocabulary::RoomIndex;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Most edges traced in a whole run: enough for shares in percent, and about 1 MiB.
const EDGES_MAX: usize = 2_000;

/// The choice of traced rooms; the same on any number of workers.
#[derive(Clone, Debug, Default)]
pub struct TraceSample {
    /// By the room's index: how many of its first seats are traced.
    seats: Vec<u16>,
    /// Number of opened edges to keep, the slowest.
    pub(in crate::metrics) slowest: usize,
}

/// The times of the slowest traced edges so far, in microseconds; the heap's top is the fastest of them.
#[derive(Clone, Debug, Default)]
pub(in crate::metrics) struct RankedTrace {
    pub wanted: usize,
    pub times_us: BinaryHeap<Reverse<u64>>,
}

impl TraceSample {
    /// Samples rooms, given by index and size, until `EDGES_MAX` edges are reached. `slowest`: how many opened
    /// edges are kept.
    pub fn of(rooms: impl Iterator<Item = (RoomIndex, u16)>, slowest: usize) -> Self {
        let mut rooms: Vec<_> = rooms.collect();
        rooms.sort_by_key(|(room, _)| shuffled(*room));
        let mut sample = Self { seats: vec![], slowest };
        let mut left = EDGES_MAX;
        for (room, size) in rooms {
            let seats = (2..=size).rev().find(|seats| edges_of(*seats) <= left).unwrap_or(0);
            // Only the first room of the sample may be traced in part; later ones must fit whole.
            if seats < size && left < EDGES_MAX {
                continue;
            }
            left -= edges_of(seats);
            let index = room.0 as usize;
            if sample.seats.len() <= index {
                sample.seats.resize(index + 1, 0);
            }
            sample.seats[index] = seats;
        }
        sample
    }

    pub(in crate::metrics) fn seats(&self, room: RoomIndex) -> u16 {
        self.seats.get(room.0 as usize).copied().unwrap_or(0)
    }
}

pub(super) fn edges_of(seats: u16) -> usize {
    let seats = usize::from(seats);
    seats * seats.saturating_sub(1) / 2
}

/// A sort key unrelated to the plan's order and the same in every run (the finalizer of MurmurHash3).
fn shuffled(room: RoomIndex) -> (u32, u32) {
    let mut mixed = room.0;
    mixed = (mixed ^ (mixed >> 16)).wrapping_mul(0x85eb_ca6b);
    mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae35);
    (mixed ^ (mixed >> 16), room.0)
}

impl RankedTrace {
    /// Adds the edge if it is among the slowest so far, and returns true if so.
    pub(crate) fn takes(&mut self, due_us: u64) -> bool {
        if self.times_us.len() >= self.wanted {
            if self.times_us.peek().is_none_or(|Reverse(fastest)| due_us <= *fastest) {
                return false;
            }
            self.times_us.pop();
        }
        self.times_us.push(Reverse(due_us));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(sizes: &[u16]) -> Vec<u16> {
        let rooms = || sizes.iter().enumerate().map(|(index, size)| (RoomIndex(index as u32), *size));
        let sample = TraceSample::of(rooms(), 0);
        rooms().map(|(room, _)| sample.seats(room)).collect()
    }

    #[test]
    fn a_small_run_is_traced_whole_and_a_large_one_in_whole_rooms() {
        assert_eq!(seats(&[2, 3, 4]), [2, 3, 4]);
        let many = seats(&[4; 1_000]);
        assert_eq!(many.iter().filter(|seats| **seats == 4).count(), EDGES_MAX / 6);
        assert!(many.iter().all(|seats| [0, 4].contains(seats)));
        let (first, second) = many.split_at(500);
        assert!(first.contains(&4) && second.contains(&4), "not the first rooms only");
    }

    #[test]
    fn of_a_room_that_is_too_large_the_first_seats_are_traced() {
        assert_eq!(seats(&[63]), [63]);
        assert_eq!(seats(&[64]), [63]);
    }

    #[test]
    fn the_slowest_so_far_are_taken_and_no_more_than_wanted() {
        let mut slow = RankedTrace { wanted: 2, ..RankedTrace::default() };
        let taken: Vec<bool> = [5, 1, 3, 1, 4].into_iter().map(|time| slow.takes(time)).collect();
        assert_eq!(taken, [true, true, true, false, true]);
        assert!(!RankedTrace::default().takes(7));
    }
}
