//! Records events of edges with guests.

use crate::metrics::fold::guests::GuestEdge;
use crate::metrics::record::context::EventContext;
use crate::metrics::record::recorder::Recorder;
use crate::metrics::record::room::RoomRecord;
use crate::vocabulary::{EdgeEvent, Phase, RoomIndex, Seat};

impl Recorder {
    /// Plans the edges of a room's peers with its guests.
    pub(in crate::metrics) fn plan_guests(&mut self, room: &RoomRecord) {
        let edges = u32::from(room.size) * u32::from(room.guests);
        self.guests.edges.resize_with(self.guests.edges.len() + edges as usize, GuestEdge::default);
        self.guests.undecided.push(edges);
        self.guests.counts[room.totals_at].planned += u64::from(edges);
        self.run_wide.tally.guest_edges_undecided += u64::from(edges);
    }

    /// True if `other` is a guest's seat in the event's room.
    pub(in crate::metrics) fn is_guest(&self, context: EventContext, other: Seat) -> bool {
        let RoomRecord { size, guests, .. } = self.rooms[context.room];
        other.0 >= size && other.0 - size < guests
    }

    /// Records an event of an edge with a guest.
    pub(in crate::metrics) fn record_guest_event(&mut self, context: EventContext, other: Seat, event: &EdgeEvent) {
        let index = self.guest_edge(context, other);
        let counts = &mut self.guests.counts[context.totals_at];
        match event {
            EdgeEvent::Met { .. } => {
                counts.met += 1;
                self.replan_guest(context, index);
            }
            EdgeEvent::Open => {
                counts.opened += u64::from(!self.guests.edges[index].decided);
                self.guests.edges[index].open = true;
                self.decide_guest(context, index);
            }
            EdgeEvent::Failed { failure, .. } if !self.guests.edges[index].decided => {
                counts.failed += 1;
                counts.failed_in[failure.phase as usize] += 1;
                self.decide_guest(context, index);
            }
            EdgeEvent::Closed { planned, .. } if self.guests.edges[index].open => {
                self.guests.edges[index].open = false;
                counts.closed += 1;
                counts.closed_early += u64::from(!planned);
            }
            EdgeEvent::NoticedLeave if !self.guests.edges[index].noticed => {
                self.guests.edges[index].noticed = true;
                counts.leaves_noticed += 1;
                counts.abandoned += u64::from(!self.guests.edges[index].decided);
                self.decide_guest(context, index);
            }
            EdgeEvent::Glare => counts.glare += 1,
            EdgeEvent::MessageSent { .. } => counts.messages_sent += 1,
            EdgeEvent::GuestMessage { .. } => counts.messages_received += 1,
            EdgeEvent::MessageDropped => counts.messages_dropped += 1,
            _ => {}
        }
    }

    /// Ends the guest edges of a peer that failed in the phase `failed`, or left by plan (`None`).
    pub(in crate::metrics) fn end_guests(&mut self, context: EventContext, failed: Option<Phase>) {
        for index in self.guest_edges_of(context) {
            let counts = &mut self.guests.counts[context.totals_at];
            if !self.guests.edges[index].decided {
                match failed {
                    Some(phase) => {
                        counts.failed += 1;
                        counts.failed_in[phase as usize] += 1;
                    }
                    None => counts.abandoned += 1,
                }
            }
            self.guests.edges[index].open = false;
            self.decide_guest(context, index);
        }
    }

    /// Plans the guest edges of a returning peer anew.
    pub(in crate::metrics) fn replan_guests(&mut self, context: EventContext) {
        for index in self.guest_edges_of(context) {
            self.replan_guest(context, index);
        }
    }

    pub(in crate::metrics) fn guests_decided(&self, room: RoomIndex) -> bool {
        let undecided = self.slot(room).and_then(|slot| self.guests.undecided.get(slot));
        undecided.is_none_or(|undecided| *undecided == 0)
    }

    fn replan_guest(&mut self, context: EventContext, index: usize) {
        if self.guests.edges[index].decided {
            self.guests.edges[index] = GuestEdge::default();
            self.guests.counts[context.totals_at].rejoins += 1;
            self.guests.undecided[context.room] += 1;
            self.run_wide.tally.guest_edges_undecided += 1;
        }
    }

    fn decide_guest(&mut self, context: EventContext, index: usize) {
        if !std::mem::replace(&mut self.guests.edges[index].decided, true) {
            self.guests.undecided[context.room] -= 1;
            self.run_wide.tally.guest_edges_undecided -= 1;
        }
    }

    fn guest_edge(&self, context: EventContext, other: Seat) -> usize {
        let guest = other.0 - self.rooms[context.room].size;
        self.guest_edges_of(context).start + usize::from(guest)
    }

    fn guest_edges_of(&self, context: EventContext) -> std::ops::Range<usize> {
        let room = &self.rooms[context.room];
        let each = usize::from(room.guests);
        let first = room.guest_edges_at + usize::from(context.seat) * each;
        first..first + each
    }
}
