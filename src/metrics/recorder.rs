//! The fold over events: everything a run is asked about later, kept as it happens.

use crate::metrics::account::Account;
use crate::metrics::context::{Pair, Spot};
use crate::metrics::deliveries::Deliveries;
use crate::metrics::edge::Edge;
use crate::metrics::grid::Grid;
use crate::metrics::guests::Guests;
use crate::metrics::outages::Outages;
use crate::metrics::peer::Peer;
use crate::metrics::room::{Room, RoomFacts};
use crate::metrics::series::{Deeds, quantile, recent_us};
use crate::metrics::stamp::Stamp;
use crate::metrics::tally::Tally;
use crate::metrics::traces::Slow;
use crate::vocabulary::event::{Event, What};
use crate::vocabulary::ids::{RoomIndex, Seat};
use crate::vocabulary::quantity::micros;
use std::time::{Duration, Instant};

const NOWHERE: u32 = u32::MAX;

/// Takes the facts of a share of the plan's rooms, in any order and however absurd; nothing is allocated
/// for a frame that concerns nobody, of which a run has millions.
#[derive(Clone, Debug)]
pub struct Recorder {
    pub(super) start: Instant,
    pub(super) timeout_us: u64,
    /// The position in `rooms` of each room of the plan, or `NOWHERE`.
    slots: Vec<u32>,
    pub(super) rooms: Vec<Room>,
    pub(super) peers: Vec<Peer>,
    pub(super) edges: Vec<Edge>,
    pub(super) guests: Guests,
    /// Of the measured rooms, and of those of the warm-up.
    pub(super) accounts: [Account; 2],
    pub(super) deliveries: Deliveries,
    pub(super) series: Grid<Deeds>,
    pub(super) outages: Outages,
    pub(super) tally: Tally,
    pub(super) slow: Slow,
    /// Events of rooms or seats that are not ours.
    pub(super) strays: u64,
}

impl Recorder {
    /// For the rooms of one share. `timeout`: of a handshake; `kinds`: how many message types the dialect names.
    pub fn new(rooms: &[RoomFacts], start: Instant, timeout: Duration, kinds: usize) -> Self {
        let timeout_us = micros(timeout);
        let mut recorder = Self {
            start,
            timeout_us,
            slots: vec![],
            rooms: Vec::with_capacity(rooms.len()),
            peers: vec![],
            edges: vec![],
            guests: Guests::default(),
            accounts: [Account::new(kinds), Account::new(kinds)],
            deliveries: Deliveries::new(timeout_us),
            series: Grid::new(start),
            outages: Outages::default(),
            tally: Tally::default(),
            slow: Slow::default(),
            strays: 0,
        };
        rooms.iter().for_each(|facts| recorder.plan(facts));
        recorder
    }

    pub fn record(&mut self, event: &Event) {
        let Some(spot) = self.spot(event) else {
            self.strays += 1;
            return;
        };
        if let Some(trace) = &mut self.rooms[spot.room].trace {
            trace.note(event);
        }
        match &event.what {
            What::Frame { kind, bytes, concern } => self.frame(spot, *kind, *bytes, *concern),
            What::Said { kind, bytes, to } => self.said(spot, *kind, *bytes, *to),
            What::Began { due } => self.began(spot, *due),
            What::Dropped { due } => self.dropped(spot, *due),
            What::Upgraded => self.upgraded(spot),
            What::Joined => self.joined(spot),
            What::PeerFailed { failure } => self.peer_failed(spot, failure),
            What::ServerLost { failure } => self.outages.lost(spot.at, self.number(spot), failure),
            What::RedialFailed { failure } => self.outages.redial_failed(spot.at, self.number(spot), failure),
            What::Reconnected => self.reconnected(spot),
            What::Left { silent: _, early } => self.left(spot, *early),
            // Evidence for a diagnosis, and no measurement: the frame that carried it is counted.
            What::Signal { .. } => {}
            What::Surprise { other: Some(other) } if self.is_guest(spot, *other) => {
                self.of_guest(spot, *other, &event.what);
            }
            What::Surprise { other: _ } => self.accounts[spot.half].edges.surprises += 1,
            What::Met { other }
            | What::Offers { other }
            | What::Answered { other }
            | What::OwnWork { other, .. }
            | What::Glare { other }
            | What::IceUp { other }
            | What::DtlsUp { other }
            | What::Open { other }
            | What::EdgeFailed { other, .. }
            | What::ChannelClosed { other, .. }
            | What::NoticedLeave { other }
            | What::MessageSent { other, .. }
            | What::MessageReceived { other, .. }
            | What::MessageDropped { other }
            | What::GuestMessage { other, .. }
            | What::Echoed { other, .. } => match self.pair(spot, *other) {
                None if self.is_guest(spot, *other) => self.of_guest(spot, *other, &event.what),
                Some(pair) => self.of_pair(spot, pair, &event.what),
                None => self.strays += 1,
            },
        }
    }

    /// Cheap: read as often as progress is shown.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Every edge of the room, those with guests included, has opened, failed, been dropped, or been abandoned by a leave.
    pub fn room_decided(&self, room: RoomIndex) -> bool {
        self.slot(room).is_some_and(|slot| self.rooms[slot].undecided == 0) && self.guests_decided(room)
    }

    pub fn all_decided(&self) -> bool {
        self.tally.edges_undecided == 0 && self.tally.guest_edges_undecided == 0
    }

    /// The p99 of `time_to_open` (due) over the last seconds in which an event came; for the progress line.
    pub fn recent_p99(&self) -> Option<Duration> {
        quantile(&mut self.recent_us(), 0.99).map(Duration::from_micros)
    }

    /// The samples behind `recent_p99`, microseconds: those of several workers are read together.
    pub fn recent_us(&self) -> Vec<u32> {
        recent_us(&self.series)
    }

    /// Takes in another worker's rooms, of the same run.
    pub fn merge(&mut self, other: Self) {
        let (peers_at, edges_at) = (self.peers.len(), self.edges.len());
        for mut room in other.rooms {
            room.peers_at += peers_at;
            room.edges_at += edges_at;
            self.place(room);
        }
        self.peers.extend(other.peers);
        self.edges.extend(other.edges);
        self.guests.merge(other.guests);
        self.accounts.iter_mut().zip(other.accounts).for_each(|(ours, theirs)| ours.merge(theirs));
        self.deliveries.merge(other.deliveries);
        self.series.merge(other.series);
        self.outages.merge(other.outages);
        self.tally += other.tally;
        self.strays += other.strays;
    }

    /// What reports call a room.
    pub(super) fn label(&self, room: RoomIndex) -> String {
        self.slot(room).map_or_else(|| room.to_string(), |slot| self.rooms[slot].label.clone())
    }

    /// The peer's position in the plan.
    pub(super) fn number(&self, spot: Spot) -> u32 {
        self.rooms[spot.room].peer_index(spot.seat)
    }

    pub(super) fn pair(&self, spot: Spot, other: Seat) -> Option<Pair> {
        let room = &self.rooms[spot.room];
        if other.0 >= room.size || other.0 == spot.seat {
            return None;
        }
        let (low, high) = (spot.seat.min(other.0), spot.seat.max(other.0));
        Some(Pair {
            edge: room.edge(low, high),
            side: usize::from(spot.seat == high),
            other: other.0,
            peers: [room.peer(low), room.peer(high)],
        })
    }

    fn plan(&mut self, facts: &RoomFacts) {
        let room = Room {
            index: facts.index,
            first: facts.first,
            size: u16::try_from(facts.due.len()).unwrap_or(u16::MAX),
            warmup: facts.warmup,
            label: facts.label.clone(),
            peers_at: self.peers.len(),
            edges_at: self.edges.len(),
            undecided: 0,
            opened: 0,
            timed_out: 0,
            settled: false,
            trace: None,
        };
        let (edges, peers) = (room.edges(), u64::from(room.size));
        let due = |due: &Duration| Stamp::of(self.start + *due, self.start);
        self.peers.extend(
            facts.due.iter().take(usize::from(room.size)).map(|offset| Peer { due: due(offset), ..Peer::default() }),
        );
        self.edges.resize_with(self.edges.len() + edges, Edge::default);
        let account = &mut self.accounts[usize::from(facts.warmup)];
        account.peers.planned += peers;
        account.edges.planned += edges as u64;
        account.rooms.planned += 1;
        self.tally.peers_planned += peers;
        self.tally.peers_waiting += peers;
        self.tally.edges_planned += edges as u64;
        self.tally.edges_undecided += edges as u64;
        self.tally.rooms_planned += 1;
        self.place(Room { undecided: edges as u32, ..room });
    }

    fn place(&mut self, room: Room) {
        let index = room.index.0 as usize;
        if self.slots.len() <= index {
            self.slots.resize(index + 1, NOWHERE);
        }
        self.slots[index] = self.rooms.len() as u32;
        self.rooms.push(room);
    }

    pub(super) fn slot(&self, room: RoomIndex) -> Option<usize> {
        self.slots.get(room.0 as usize).filter(|slot| **slot != NOWHERE).map(|slot| *slot as usize)
    }

    fn spot(&self, event: &Event) -> Option<Spot> {
        let slot = self.slot(event.place.room)?;
        let room = &self.rooms[slot];
        let seat = event.place.seat.0;
        (seat < room.size).then(|| Spot {
            when: event.at,
            at: Stamp::of(event.at, self.start),
            room: slot,
            peer: room.peer(seat),
            seat,
            half: usize::from(room.warmup),
        })
    }
}
