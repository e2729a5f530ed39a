//! Folds the events of edges with guests into the recorder.

use crate::metrics::context::Spot;
use crate::metrics::guests::{Edge, Guests};
use crate::metrics::recorder::Recorder;
use crate::vocabulary::event::What;
use crate::vocabulary::ids::{RoomIndex, Seat};
use crate::vocabulary::phase::Phase;

impl Recorder {
    /// Every room admits so many peers that are not ours. Must come before any event.
    pub fn admitting(mut self, guests: u16) -> Self {
        let each = usize::from(guests);
        let mut admitted =
            Guests { each: guests, edges: vec![Edge::default(); each * self.peers.len()], ..Guests::default() };
        for room in &self.rooms {
            let edges = u32::from(room.size) * u32::from(guests);
            admitted.undecided.push(edges);
            admitted.counts[usize::from(room.warmup)].planned += u64::from(edges);
            self.tally.guest_edges_undecided += u64::from(edges);
        }
        self.guests = admitted;
        self
    }

    /// Whether that seat of the event's room is a guest's.
    pub(super) fn is_guest(&self, spot: Spot, other: Seat) -> bool {
        let size = self.rooms[spot.room].size;
        other.0 >= size && other.0 - size < self.guests.each
    }

    /// A fact of an edge with a guest.
    pub(super) fn of_guest(&mut self, spot: Spot, other: Seat, what: &What) {
        let index = self.guest_edge(spot, other);
        let counts = &mut self.guests.counts[spot.half];
        match what {
            What::Met { .. } => {
                counts.met += 1;
                self.plan_guest_anew(spot, index);
            }
            What::Open { .. } => {
                counts.opened += u64::from(!self.guests.edges[index].decided);
                self.guests.edges[index].open = true;
                self.decide_guest(spot, index);
            }
            What::EdgeFailed { failure, .. } if !self.guests.edges[index].decided => {
                counts.failed += 1;
                counts.failed_in[failure.phase as usize] += 1;
                self.decide_guest(spot, index);
            }
            What::ChannelClosed { planned, .. } if self.guests.edges[index].open => {
                self.guests.edges[index].open = false;
                counts.closed += 1;
                counts.closed_early += u64::from(!planned);
            }
            What::NoticedLeave { .. } if !self.guests.edges[index].noticed => {
                self.guests.edges[index].noticed = true;
                counts.leaves_noticed += 1;
                counts.abandoned += u64::from(!self.guests.edges[index].decided);
                self.decide_guest(spot, index);
            }
            What::Glare { .. } => counts.glare += 1,
            What::Surprise { .. } => counts.surprises += 1,
            What::MessageSent { .. } => counts.messages_sent += 1,
            What::GuestMessage { .. } => counts.messages_received += 1,
            What::MessageDropped { .. } => counts.messages_dropped += 1,
            _ => {}
        }
    }

    /// A peer of ours has ended: `failed`, or gone by plan. Its edges end with it.
    pub(super) fn end_guests(&mut self, spot: Spot, failed: Option<Phase>) {
        for index in self.guest_edges_of(spot) {
            let counts = &mut self.guests.counts[spot.half];
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
            self.decide_guest(spot, index);
        }
    }

    /// A peer of ours that begins again meets its guests again.
    pub(super) fn renew_guests(&mut self, spot: Spot) {
        for index in self.guest_edges_of(spot) {
            self.plan_guest_anew(spot, index);
        }
    }

    pub(super) fn guests_decided(&self, room: RoomIndex) -> bool {
        let undecided = self.slot(room).and_then(|slot| self.guests.undecided.get(slot));
        undecided.is_none_or(|undecided| *undecided == 0)
    }

    fn plan_guest_anew(&mut self, spot: Spot, index: usize) {
        if self.guests.edges[index].decided {
            self.guests.edges[index] = Edge::default();
            self.guests.counts[spot.half].rejoins += 1;
            self.guests.undecided[spot.room] += 1;
            self.tally.guest_edges_undecided += 1;
        }
    }

    fn decide_guest(&mut self, spot: Spot, index: usize) {
        if !std::mem::replace(&mut self.guests.edges[index].decided, true) {
            self.guests.undecided[spot.room] -= 1;
            self.tally.guest_edges_undecided -= 1;
        }
    }

    fn guest_edge(&self, spot: Spot, other: Seat) -> usize {
        let guest = other.0 - self.rooms[spot.room].size;
        spot.peer * usize::from(self.guests.each) + usize::from(guest)
    }

    fn guest_edges_of(&self, spot: Spot) -> std::ops::Range<usize> {
        let each = usize::from(self.guests.each);
        spot.peer * each..(spot.peer + 1) * each
    }
}
