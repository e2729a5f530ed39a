//! Traces: the events of the handshakes in a sample of the rooms, from which diagnosis finds causes.

mod packed_events;
mod sample;

pub(in crate::metrics) use packed_events::{KeptEvent, PackedEvents};
pub(in crate::metrics) use sample::RankedTrace;
pub use sample::TraceSample;

use crate::vocabulary::{Event, EventKind, Failure, PeerEvent, PeerIndex, RoomIndex, Seat};
use sample::edges_of;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// These two bound the events that a target can make a room keep.
const EVENTS_MAX_PER_EDGE: usize = 120;
const EVENTS_MAX_PER_PEER: usize = 64;
/// A registry repeats its member list; diagnosis needs only the first few.
const LISTS_MAX_PER_PEER: u32 = 8;
/// The largest room that a trace has whole, and more than any trace's seats.
const SEATS_MAX: u16 = 1_000;

/// The trace of a room.
#[derive(Clone, Debug)]
pub(in crate::metrics) struct RoomTrace {
    pub seats: u16,
    pub events: PackedEvents,
    /// Frames from the server itself, such as member lists.
    pub lists: u32,
    pub failed: Vec<(Seat, Seat, Failure)>,
    /// `time_to_open` (due) in microseconds.
    pub opened: Vec<(u64, Seat, Seat)>,
    /// The room's last edge is decided.
    pub is_over: bool,
    /// Events beyond the bounds were dropped.
    pub is_cut: bool,
}

/// The kept trace of a room in which an edge failed or was among the slowest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptTrace {
    pub room: RoomIndex,
    pub label: String,
    /// The peer at seat 0.
    pub first: PeerIndex,
    /// The first so many seats are traced: all, unless the room is too large for the sample.
    pub seats: u16,
    pub(in crate::metrics) events: PackedEvents,
    /// Some events are missing: there were more than any handshake has.
    pub is_cut: bool,
    /// The failures, as `Failures` counted them.
    pub failed: Vec<(Seat, Seat, Failure)>,
    /// `time_to_open` (due) in microseconds.
    pub opened: Vec<(u64, Seat, Seat)>,
}

impl KeptTrace {
    /// Events of the traced seats until the room's last edge was decided, in the order in which they were recorded, as
    /// if the run had begun at `start`.
    pub fn events(&self, start: Instant) -> impl Iterator<Item = Event> {
        self.events.events(self.room, self.first, start)
    }

    /// True if every event and edge is of the trace's seats, and every frame of one of `kinds` message types.
    pub(in crate::metrics) fn is_sound(&self, kinds: usize) -> bool {
        let has = |seat: Seat| seat.0 < self.seats;
        let pairs = self.failed.iter().map(|(low, high, _)| (low, high));
        let mut pairs = pairs.chain(self.opened.iter().map(|(_, low, high)| (low, high)));
        self.seats <= SEATS_MAX
            && self.first.0.checked_add(u32::from(self.seats)).is_some()
            && pairs.all(|(low, high)| low < high && has(*high))
            && self.events.iter().all(|event| has(event.seat) && event.is_between(has, kinds))
    }
}

impl RoomTrace {
    pub(crate) fn new(seats: u16) -> Self {
        Self {
            seats,
            events: PackedEvents::default(),
            lists: 0,
            failed: vec![],
            opened: vec![],
            is_over: false,
            is_cut: false,
        }
    }

    pub(crate) fn sees(&self, seat: Seat) -> bool {
        !self.is_over && seat.0 < self.seats
    }

    /// Every seat of a room of `size` is traced, and no event was dropped.
    pub(crate) fn is_whole(&self, size: u16) -> bool {
        self.seats == size && !self.is_cut
    }

    /// Keeps the event, of a run that began at `start`, if it belongs to a handshake between traced seats.
    pub(crate) fn record(&mut self, event: &Event, start: Instant) {
        if !event.kind.is_handshake() {
            return;
        }
        let other = event.kind.other();
        if !self.sees(event.place.seat) || other.is_some_and(|other| !self.sees(other)) {
            return;
        }
        if other.is_none() && matches!(event.kind, EventKind::Peer(PeerEvent::Frame { .. } | PeerEvent::Note { .. })) {
            self.lists += 1;
            if self.lists > LISTS_MAX_PER_PEER * u32::from(self.seats) {
                return;
            }
        }
        let events_max = EVENTS_MAX_PER_EDGE * edges_of(self.seats) + EVENTS_MAX_PER_PEER * usize::from(self.seats);
        if self.events.len() >= events_max {
            self.is_cut = true;
            return;
        }
        self.events.push(&KeptEvent::of(event, start));
    }
}
