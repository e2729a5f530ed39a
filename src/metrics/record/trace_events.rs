//! Keeps the event traces of failed and slow handshakes, and drops those of the others.

use crate::metrics::fold::traces::{KeptTrace, RankedTrace, RoomTrace, TraceSample};
use crate::metrics::record::context::{EventContext, Pair};
use crate::metrics::record::recorder::Recorder;
use crate::metrics::record::room::RoomRecord;
use crate::vocabulary::{Event, Failure, PeerIndex, RoomIndex, Seat};
use std::collections::BinaryHeap;
use std::time::Instant;

impl Recorder {
    /// Traces the rooms that are in the sample.
    pub fn tracing(mut self, sample: &TraceSample) -> Self {
        for room in &mut self.rooms {
            let seats = sample.seats(room.index);
            room.trace = (seats > 1).then(|| Box::new(RoomTrace::new(seats)));
        }
        self.slow = RankedTrace { wanted: sample.slowest, times_us: BinaryHeap::new() };
        self
    }

    /// Ends the traces of all rooms, and hands over the kept ones, in the order of the plan.
    pub(in crate::metrics) fn take_traces(&mut self) -> Vec<KeptTrace> {
        let mut kept = vec![];
        for room in &mut self.rooms {
            let Some(trace) = room.trace.take() else { continue };
            if !trace.is_over && trace.is_whole(room.size) {
                self.run_wide.trace_check.add(&events(&trace, room.index, room.first, self.start));
            }
            kept.extend(kept_trace(room, *trace));
        }
        kept.sort_by_key(|trace| trace.room);
        kept
    }

    /// Marks the edge of a failure that has just been counted.
    pub(in crate::metrics) fn trace_failure(&mut self, context: EventContext, pair: Pair, failure: &Failure) {
        let Some(trace) = self.rooms[context.room].trace.as_deref_mut() else { return };
        let (low, high) = seats_of(context, pair);
        if trace.sees(high) {
            // Under the group it was counted in, so that diagnosis finds the failure row of the trace.
            let counted = self.all_totals[context.totals_at].failures.counted_as(failure);
            trace.failed.push((low, high, counted));
        }
    }

    pub(in crate::metrics) fn trace_open(&mut self, context: EventContext, pair: Pair, due_us: u64) {
        let Some(trace) = self.rooms[context.room].trace.as_deref_mut() else { return };
        let (low, high) = seats_of(context, pair);
        if self.slow.wanted > 0 && trace.sees(high) {
            trace.opened.push((due_us, low, high));
        }
    }

    /// Ends a room's trace at the decision of its last edge, and drops it unless it holds a failed or slow edge.
    /// A later rejoin is counted but not traced: the joins of the peers it meets are long over.
    pub(in crate::metrics) fn trace_end(&mut self, context: EventContext) {
        let room = &mut self.rooms[context.room];
        let Some(trace) = room.trace.as_deref_mut() else { return };
        trace.is_over = true;
        if trace.is_whole(room.size) {
            self.run_wide.trace_check.add(&events(trace, room.index, room.first, self.start));
        }
        let slow = trace.opened.iter().filter(|(due_us, ..)| self.slow.takes(*due_us)).count() > 0;
        if trace.failed.is_empty() && !slow {
            room.trace = None;
        }
    }
}

fn events(trace: &RoomTrace, room: RoomIndex, first: PeerIndex, start: Instant) -> Vec<Event> {
    trace.events.events(room, first, start).collect()
}

fn kept_trace(room: &RoomRecord, trace: RoomTrace) -> Option<KeptTrace> {
    let is_special = !trace.failed.is_empty() || !trace.opened.is_empty();
    is_special.then(|| KeptTrace {
        room: room.index,
        label: room.label.clone(),
        first: room.first,
        seats: trace.seats,
        events: trace.events,
        is_cut: trace.is_cut,
        failed: trace.failed,
        opened: trace.opened,
    })
}

fn seats_of(context: EventContext, pair: Pair) -> (Seat, Seat) {
    (Seat(context.seat.min(pair.other)), Seat(context.seat.max(pair.other)))
}
