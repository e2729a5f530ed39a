//! The next wake-up of each of a peer's edges, without ever looking at all of them.

use crate::vocabulary::Seat;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// A heap of deadlines, one in force for each seat; what a later one replaced is skipped when it surfaces.
#[derive(Debug, Default)]
pub(super) struct EdgeTimers {
    heap: BinaryHeap<Reverse<(Instant, Seat)>>,
    in_force: Vec<Option<Instant>>,
}

impl EdgeTimers {
    /// Replaces the deadline of `seat`.
    pub(super) fn set(&mut self, seat: Seat, deadline: Option<Instant>) {
        let index = usize::from(seat.0);
        if self.in_force.len() <= index {
            self.in_force.resize(index + 1, None);
        }
        if self.in_force[index] == deadline {
            return;
        }
        self.in_force[index] = deadline;
        if let Some(deadline) = deadline {
            self.heap.push(Reverse((deadline, seat)));
        }
        // Replaced entries stay until they surface; rebuilt before they outnumber those in force.
        if self.heap.len() > 64 + 4 * self.in_force.len() {
            let in_force = &self.in_force;
            self.heap.retain(|Reverse((deadline, seat))| in_force[usize::from(seat.0)] == Some(*deadline));
        }
    }

    /// The earliest deadline in force.
    pub(super) fn first(&mut self) -> Option<Instant> {
        while let Some(Reverse((deadline, seat))) = self.heap.peek().copied() {
            if self.in_force[usize::from(seat.0)] == Some(deadline) {
                return Some(deadline);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes a seat whose deadline has passed.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Seat> {
        if self.first()? > now {
            return None;
        }
        let Reverse((_, seat)) = self.heap.pop()?;
        self.in_force[usize::from(seat.0)] = None;
        Some(seat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_last_deadline_set_is_the_one_in_force() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut timers = EdgeTimers::default();
        timers.set(Seat(1), Some(at(5)));
        timers.set(Seat(2), Some(at(7)));
        timers.set(Seat(1), Some(at(9)));
        assert_eq!(timers.first(), Some(at(7)));
        assert_eq!(timers.pop_due(at(6)), None);
        assert_eq!(timers.pop_due(at(9)), Some(Seat(2)));
        timers.set(Seat(1), None);
        assert_eq!(timers.pop_due(at(100)), None);
    }

    #[test]
    fn deadlines_moved_again_and_again_do_not_pile_up() {
        let start = Instant::now();
        let mut timers = EdgeTimers::default();
        for step in 0..10_000 {
            timers.set(Seat(0), Some(start + Duration::from_micros(step)));
        }
        assert!(timers.heap.len() <= 70, "{}", timers.heap.len());
    }
}
