//! Folds handshakes into the recorder's traces, and forgets those that turned out well.

use crate::metrics::context::{Pair, Spot};
use crate::metrics::recorder::Recorder;
use crate::metrics::room::Room;
use crate::metrics::traces::{Sample, Slow, Trace, Traced};
use crate::vocabulary::failure::Failure;
use crate::vocabulary::ids::Seat;
use std::collections::BinaryHeap;

impl Recorder {
    /// Traces those of its rooms that are in the sample.
    pub fn tracing(mut self, sample: &Sample) -> Self {
        for room in &mut self.rooms {
            let seats = sample.seats(room.index);
            room.trace = (seats > 1).then(|| Box::new(Trace::new(seats)));
        }
        self.slow = Slow { wanted: sample.slowest, times_us: BinaryHeap::new() };
        self
    }

    /// What is kept, in the order of the plan.
    pub fn traced(&self) -> Vec<Traced<'_>> {
        let mut traced: Vec<_> = self.rooms.iter().filter_map(|room| shown(room, room.trace.as_deref()?)).collect();
        traced.sort_by_key(|traced| traced.room);
        traced
    }

    /// Keeps a failure that has just been counted.
    pub(super) fn trace_failure(&mut self, spot: Spot, pair: Pair, failure: &Failure) {
        let Some(trace) = self.rooms[spot.room].trace.as_deref_mut() else { return };
        let (low, high) = seats_of(spot, pair);
        if trace.sees(high) {
            // By the name that it was counted under, so that the two find each other.
            let counted = self.accounts[spot.half].failures.counted_as(failure);
            trace.failed.push((low, high, counted));
        }
    }

    pub(super) fn trace_open(&mut self, spot: Spot, pair: Pair, due_us: u64) {
        let Some(trace) = self.rooms[spot.room].trace.as_deref_mut() else { return };
        let (low, high) = seats_of(spot, pair);
        if self.slow.wanted > 0 && trace.sees(high) {
            trace.opened.push((due_us, low, high));
        }
    }

    /// The room's last edge is decided: what turned out well is forgotten. Who leaves comes back after that, to peers
    /// whose own joins are long over: a return is counted, and no part of a trace.
    pub(super) fn trace_end(&mut self, spot: Spot) {
        let place = &mut self.rooms[spot.room].trace;
        let Some(trace) = place.as_deref_mut() else { return };
        trace.is_over = true;
        let slow = trace.opened.iter().filter(|(due_us, ..)| self.slow.takes(*due_us)).count() > 0;
        if trace.failed.is_empty() && !slow {
            *place = None;
        }
    }
}

fn shown<'a>(room: &'a Room, trace: &'a Trace) -> Option<Traced<'a>> {
    let is_special = !trace.failed.is_empty() || !trace.opened.is_empty();
    is_special.then_some(Traced {
        room: room.index,
        label: &room.label,
        first: room.first,
        seats: trace.seats,
        facts: &trace.facts,
        is_cut: trace.is_cut,
        failed: &trace.failed,
        opened: &trace.opened,
    })
}

fn seats_of(spot: Spot, pair: Pair) -> (Seat, Seat) {
    (Seat(spot.seat.min(pair.other)), Seat(spot.seat.max(pair.other)))
}
