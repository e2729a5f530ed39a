//! Edges with guests, of which only our end is seen: counted apart, so that nobody else's peer is in our figures.

use crate::metrics::recorder::{Recorder, Spot};
use crate::vocabulary::event::What;
use crate::vocabulary::ids::{RoomIndex, Seat};
use crate::vocabulary::phase::Phase;
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// Every peer's edges with the guests of its room.
#[derive(Clone, Debug, Default)]
pub(super) struct Guests {
    /// Guests of each room.
    each: u16,
    /// Those of the first peer, then those of the second.
    edges: Vec<Edge>,
    /// By room: edges that have not ended yet.
    undecided: Vec<u32>,
    /// Of the measured rooms, and of those of the warm-up.
    counts: [GuestCounts; 2],
}

#[derive(Clone, Copy, Debug, Default)]
struct Edge {
    decided: bool,
    open: bool,
    /// That the guest left was noticed: by its goodbye, or by the end of its channel.
    noticed: bool,
}

/// planned + rejoins = opened + failed + abandoned + unfinished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct GuestCounts {
    planned: u64,
    rejoins: u64,
    met: u64,
    opened: u64,
    failed: u64,
    failed_in: [u64; Phase::ALL.len()],
    /// One of the two left before, or ours never came.
    abandoned: u64,
    closed: u64,
    closed_early: u64,
    leaves_noticed: u64,
    glare: u64,
    surprises: u64,
    messages_sent: u64,
    messages_received: u64,
    messages_dropped: u64,
}

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

impl Guests {
    /// Takes in those of another worker, whose rooms and peers come after ours.
    pub fn merge(&mut self, other: Self) {
        self.each = self.each.max(other.each);
        self.edges.extend(other.edges);
        self.undecided.extend(other.undecided);
        self.counts.iter_mut().zip(other.counts).for_each(|(ours, theirs)| *ours += theirs);
    }

    /// As the summary has them; empty where no guest was to come. `half`: 0 measured, 1 warm-up.
    pub fn shown(&self, half: usize) -> BTreeMap<String, u64> {
        let counts = &self.counts[half];
        if counts.planned == 0 {
            return BTreeMap::new();
        }
        let unfinished = counts.planned + counts.rejoins - counts.opened - counts.failed - counts.abandoned;
        let always = [
            ("planned", counts.planned),
            ("met", counts.met),
            ("opened", counts.opened),
            ("failed", counts.failed),
            ("abandoned", counts.abandoned),
            ("unfinished", unfinished),
            ("rejoins", counts.rejoins),
            ("closed", counts.closed),
            ("closed_early", counts.closed_early),
            ("leaves_noticed", counts.leaves_noticed),
            ("glare", counts.glare),
            ("surprises", counts.surprises),
            ("messages_sent", counts.messages_sent),
            ("messages_received", counts.messages_received),
            ("messages_dropped", counts.messages_dropped),
        ];
        let failed_in = Phase::ALL.into_iter().map(|phase| (phase, counts.failed_in[phase as usize]));
        let failed_in = failed_in
            .filter(|(_, count)| *count > 0)
            .map(|(phase, count)| (format!("failed_in_{}", phase.name()), count));
        always.map(|(name, count)| (name.to_owned(), count)).into_iter().chain(failed_in).collect()
    }
}

impl AddAssign for GuestCounts {
    fn add_assign(&mut self, other: Self) {
        self.planned += other.planned;
        self.rejoins += other.rejoins;
        self.met += other.met;
        self.opened += other.opened;
        self.failed += other.failed;
        self.failed_in.iter_mut().zip(other.failed_in).for_each(|(ours, theirs)| *ours += theirs);
        self.abandoned += other.abandoned;
        self.closed += other.closed;
        self.closed_early += other.closed_early;
        self.leaves_noticed += other.leaves_noticed;
        self.glare += other.glare;
        self.surprises += other.surprises;
        self.messages_sent += other.messages_sent;
        self.messages_received += other.messages_received;
        self.messages_dropped += other.messages_dropped;
    }
}
