//! Traces: the events of the handshakes in a sample of the rooms, from which diagnosis finds causes.

use crate::vocabulary::{Event, EventKind, Failure, PeerEvent, PeerIndex, Place, RoomIndex, Seat};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// Most edges traced in a whole run: enough for shares in percent, and about 10 MiB.
const EDGES_MAX: usize = 2_000;
/// These two bound the events that a target can make a room keep.
const EVENTS_MAX_PER_EDGE: usize = 120;
const EVENTS_MAX_PER_PEER: usize = 64;
/// A registry repeats its member list; diagnosis needs only the first few.
const LISTS_MAX_PER_PEER: u32 = 8;

/// The choice of traced rooms; the same on any number of workers.
#[derive(Clone, Debug, Default)]
pub struct TraceSample {
    /// By the room's index: how many of its first seats are traced.
    seats: Vec<u16>,
    /// Number of opened edges to keep, the slowest.
    pub(in crate::metrics) slowest: usize,
}

/// The trace of a room.
#[derive(Clone, Debug)]
pub(in crate::metrics) struct RoomTrace {
    pub seats: u16,
    pub events: Vec<Event>,
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
#[derive(Clone, Debug)]
pub struct Traced<'a> {
    pub room: RoomIndex,
    pub label: &'a str,
    /// The peer at seat 0.
    pub first: PeerIndex,
    /// The first so many seats are traced: all, unless the room is too large for the sample.
    pub seats: u16,
    /// Events of these seats until the room's last edge was decided, in the order in which they were recorded.
    pub events: Vec<Event>,
    /// Some events are missing: there were more than any handshake has.
    pub is_cut: bool,
    /// The failures, as `Failures` counted them.
    pub failed: &'a [(Seat, Seat, Failure)],
    /// `time_to_open` (due) in microseconds.
    pub opened: &'a [(u64, Seat, Seat)],
}

/// A kept trace without any `Instant`, so that another process can read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::metrics) struct KeptTrace {
    pub room: RoomIndex,
    pub label: String,
    pub first: PeerIndex,
    pub seats: u16,
    pub events: Vec<KeptEvent>,
    pub is_cut: bool,
    pub failed: Vec<(Seat, Seat, Failure)>,
    pub opened: Vec<(u64, Seat, Seat)>,
}

/// An event with its times in nanoseconds since the start of the run, negative before it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::metrics) struct KeptEvent {
    at_ns: i64,
    arrived_ns: i64,
    place: Place,
    kind: KeptKind,
}

/// An event of a handshake. The due time of a start is not kept: a trace's reader needs only when it began.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum KeptKind {
    Began,
    Dropped,
    Other(EventKind),
}

impl KeptEvent {
    pub(crate) fn of(event: Event, start: Instant) -> Self {
        let kind = match event.kind {
            EventKind::Peer(PeerEvent::Began { .. }) => KeptKind::Began,
            EventKind::Peer(PeerEvent::Dropped { .. }) => KeptKind::Dropped,
            other => KeptKind::Other(other),
        };
        Self { at_ns: since_ns(event.at, start), arrived_ns: since_ns(event.arrived, start), place: event.place, kind }
    }

    /// True if the event is of the trace's seats, and of one of `kinds` message types.
    pub(crate) fn is_of(&self, trace: &KeptTrace, kinds: usize) -> bool {
        let KeptKind::Other(kind) = &self.kind else { return self.is_placed(trace) };
        let is_known = match kind {
            EventKind::Peer(PeerEvent::Said { kind, .. } | PeerEvent::Frame { kind, .. }) => {
                usize::from(kind.0) < kinds
            }
            _ => true,
        };
        let is_pair = |other: Seat| other.0 < trace.seats && other != self.place.seat;
        is_known && self.is_placed(trace) && kind.other().is_none_or(is_pair)
    }

    fn is_placed(&self, trace: &KeptTrace) -> bool {
        let Place { room, seat, peer } = self.place;
        room == trace.room && seat.0 < trace.seats && peer.0 == trace.first.0.saturating_add(u32::from(seat.0))
    }

    fn event(&self, start: Instant) -> Event {
        let at = instant(self.at_ns, start);
        let kind = match &self.kind {
            KeptKind::Began => EventKind::Peer(PeerEvent::Began { due: at }),
            KeptKind::Dropped => EventKind::Peer(PeerEvent::Dropped { due: at }),
            KeptKind::Other(other) => other.clone(),
        };
        Event { at, arrived: instant(self.arrived_ns, start), place: self.place, kind }
    }
}

impl KeptTrace {
    /// The trace as if the run had begun at `start`.
    pub(crate) fn traced(&self, start: Instant) -> Traced<'_> {
        Traced {
            room: self.room,
            label: &self.label,
            first: self.first,
            seats: self.seats,
            events: self.events.iter().map(|event| event.event(start)).collect(),
            is_cut: self.is_cut,
            failed: &self.failed,
            opened: &self.opened,
        }
    }
}

fn since_ns(at: Instant, start: Instant) -> i64 {
    let ns = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    if at >= start { ns(at - start) } else { -ns(start - at) }
}

/// `start` itself for a time that this machine's clock can't hold.
fn instant(ns: i64, start: Instant) -> Instant {
    let apart = Duration::from_nanos(ns.unsigned_abs());
    let at = if ns < 0 { start.checked_sub(apart) } else { start.checked_add(apart) };
    at.unwrap_or(start)
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

fn edges_of(seats: u16) -> usize {
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

impl RoomTrace {
    pub(crate) fn new(seats: u16) -> Self {
        Self { seats, events: vec![], lists: 0, failed: vec![], opened: vec![], is_over: false, is_cut: false }
    }

    pub(crate) fn sees(&self, seat: Seat) -> bool {
        !self.is_over && seat.0 < self.seats
    }

    /// Every seat of a room of `size` is traced, and no event was dropped.
    pub(crate) fn is_whole(&self, size: u16) -> bool {
        self.seats == size && !self.is_cut
    }

    /// Keeps the event if it belongs to a handshake between traced seats.
    pub(crate) fn record(&mut self, event: &Event) {
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
        self.events.push(event.clone());
    }
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
