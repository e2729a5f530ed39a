//! `Recorder` folds the events of a run into counts, histograms and per-edge state as they happen.

use crate::metrics::fold::deliveries::Deliveries;
use crate::metrics::fold::guests::GuestEdges;
use crate::metrics::fold::series::{SecondCounts, quantile, recent_latencies, recent_us};
use crate::metrics::fold::time_buckets::TimeBuckets;
use crate::metrics::fold::timers::TimerId;
use crate::metrics::fold::totals::Totals;
use crate::metrics::fold::traces::RankedTrace;
use crate::metrics::output::run_wide::RunWideFigures;
use crate::metrics::record::context::{EventContext, Pair};
use crate::metrics::record::edge::EdgeRecord;
use crate::metrics::record::peer::PeerRecord;
use crate::metrics::record::room::{RoomFacts, RoomRecord};
use crate::metrics::run_time::RunTime;
use crate::metrics::tally::Tally;
use crate::summary::{ArrivalClocks, CoarseHistogram};
use crate::vocabulary::{Event, EventKind, PeerEvent, RoomIndex, Seat, format::micros};
use std::time::{Duration, Instant};

const NOWHERE: u32 = u32::MAX;

/// Accepts the events of one share of the plan's rooms in any order, nonsensical ones included.
/// A frame with `Concern::Others`, of which a run has millions, allocates nothing.
#[derive(Clone, Debug)]
pub struct Recorder {
    pub(in crate::metrics) start: Instant,
    /// The position in `rooms` of each room of the plan, or `NOWHERE`.
    slots: Vec<u32>,
    pub(in crate::metrics) rooms: Vec<RoomRecord>,
    pub(in crate::metrics) peers: Vec<PeerRecord>,
    pub(in crate::metrics) edges: Vec<EdgeRecord>,
    pub(in crate::metrics) guests: GuestEdges,
    /// Of each scenario: those of its measured rooms, then those of its warm-up rooms.
    pub(in crate::metrics) all_totals: Vec<Totals>,
    pub(in crate::metrics) deliveries: Deliveries,
    /// By scenario.
    pub(in crate::metrics) series: Vec<TimeBuckets<SecondCounts>>,
    pub(in crate::metrics) run_wide: RunWideFigures,
    pub(in crate::metrics) slow: RankedTrace,
    /// Events that name a room or a seat outside this share.
    pub(in crate::metrics) unmatched: u64,
}

impl Recorder {
    /// A recorder of one share's rooms; `kinds` is the number of the dialect's message types.
    pub fn new(rooms: &[RoomFacts], start: Instant, kinds: usize) -> Self {
        let timeout = rooms.iter().map(|room| room.timeout).max().unwrap_or_default();
        let scenarios = rooms.iter().map(|room| room.scenario + 1).max().unwrap_or(0);
        let mut recorder = Self {
            start,
            slots: vec![],
            rooms: Vec::with_capacity(rooms.len()),
            peers: vec![],
            edges: vec![],
            guests: GuestEdges::new(2 * scenarios),
            all_totals: vec![Totals::new(kinds); 2 * scenarios],
            deliveries: Deliveries::new(micros(timeout)),
            series: vec![TimeBuckets::new(start); scenarios],
            run_wide: RunWideFigures::default(),
            slow: RankedTrace::default(),
            unmatched: 0,
        };
        rooms.iter().for_each(|facts| recorder.plan(facts));
        recorder
    }

    pub fn record(&mut self, event: &Event) {
        let Some(context) = self.context(event) else {
            self.unmatched += 1;
            return;
        };
        if let Some(trace) = &mut self.rooms[context.room].trace {
            trace.record(event, self.start);
        }
        match &event.kind {
            EventKind::Peer(event) => self.record_peer_event(context, event),
            EventKind::Edge { other, event } => match self.pair(context, *other) {
                None if self.is_guest(context, *other) => self.record_guest_event(context, *other, event),
                Some(pair) => self.record_edge_event(context, pair, event),
                None => self.unmatched += 1,
            },
        }
    }

    fn record_peer_event(&mut self, context: EventContext, event: &PeerEvent) {
        match event {
            PeerEvent::Frame { kind, bytes, concern } => self.frame_received(context, *kind, *bytes, *concern),
            PeerEvent::Said { kind, bytes, to } => self.frame_sent(context, *kind, *bytes, *to),
            PeerEvent::Began { due } => self.began(context, *due),
            PeerEvent::Dropped { due } => self.dropped(context, *due),
            PeerEvent::Upgraded => self.upgraded(context),
            PeerEvent::Prepared { took } => {
                self.all_totals[context.totals_at].timers.record(TimerId::Before, micros(*took));
            }
            PeerEvent::Joined => self.joined(context),
            PeerEvent::PeerFailed { failure } => self.peer_failed(context, failure),
            PeerEvent::ServerLost { failure } => self.server_lost(context, failure),
            PeerEvent::RedialFailed { failure } => self.redial_failed(context, failure),
            PeerEvent::Reconnected => self.reconnected(context),
            PeerEvent::Left { silent, early } => self.left(context, *silent, *early),
            PeerEvent::Surprise { other: Some(other) } if self.is_guest(context, *other) => {
                self.guests.counts[context.totals_at].surprises += 1;
            }
            PeerEvent::Note { note } => self.run_wide.frame_notes.add(note),
            PeerEvent::Written { .. } | PeerEvent::Read { .. } => {}
            PeerEvent::Surprise { other: _ } => self.all_totals[context.totals_at].edges.surprises += 1,
        }
    }

    /// Adds what a worker handled, by the clock that told its arrival.
    pub fn arrivals_told(&mut self, clocks: ArrivalClocks) {
        self.run_wide.arrival_clocks += clocks;
    }

    /// The counts so far; small enough to copy often.
    pub fn tally(&self) -> Tally {
        self.run_wide.tally
    }

    /// Every edge of the room, those with guests included, has opened, failed, been dropped or been abandoned.
    pub fn room_decided(&self, room: RoomIndex) -> bool {
        self.slot(room).is_some_and(|slot| self.rooms[slot].undecided == 0) && self.guests_decided(room)
    }

    pub fn all_decided(&self) -> bool {
        self.run_wide.tally.edges_undecided == 0 && self.run_wide.tally.guest_edges_undecided == 0
    }

    /// The p99 of `time_to_open` (due) over the newest five rows of the series; for the progress line.
    pub fn recent_p99(&self) -> Option<Duration> {
        quantile(&mut self.recent_us(), 0.99).map(Duration::from_micros)
    }

    /// The samples behind `recent_p99`, in microseconds; a quantile over several workers needs the samples of all.
    pub fn recent_us(&self) -> Vec<u32> {
        recent_us(&self.series)
    }

    /// The samples of `message_latency` in the same rows.
    pub fn recent_latencies(&self) -> CoarseHistogram {
        recent_latencies(&self.series)
    }

    /// The peer's number in the plan.
    pub(in crate::metrics) fn number(&self, context: EventContext) -> u32 {
        self.rooms[context.room].peer_index(context.seat)
    }

    pub(in crate::metrics) fn pair(&self, context: EventContext, other: Seat) -> Option<Pair> {
        let room = &self.rooms[context.room];
        if !room.meshes || other.0 >= room.size || other.0 == context.seat {
            return None;
        }
        let (low, high) = (context.seat.min(other.0), context.seat.max(other.0));
        Some(Pair {
            edge: room.edge(low, high),
            side: usize::from(context.seat == high),
            other: other.0,
            peers: [room.peer(low), room.peer(high)],
        })
    }

    fn plan(&mut self, facts: &RoomFacts) {
        let room = RoomRecord {
            index: facts.index,
            first: facts.first,
            size: u16::try_from(facts.due.len()).unwrap_or(u16::MAX),
            warmup: facts.warmup,
            meshes: facts.meshes,
            label: facts.label.clone(),
            totals_at: facts.totals_at(),
            timeout_us: micros(facts.timeout),
            guests: facts.guests,
            guest_edges_at: self.guests.edges.len(),
            peers_at: self.peers.len(),
            edges_at: self.edges.len(),
            undecided: 0,
            opened: 0,
            timed_out: 0,
            settled: false,
            trace: None,
        };
        let (edges, peers) = (room.edges(), u64::from(room.size));
        let due = |due: &Duration| RunTime::of(self.start + *due, self.start);
        self.peers.extend(
            facts
                .due
                .iter()
                .take(usize::from(room.size))
                .map(|offset| PeerRecord { due: due(offset), ..PeerRecord::default() }),
        );
        self.edges.resize_with(self.edges.len() + edges, EdgeRecord::default);
        self.plan_guests(&room);
        let totals = &mut self.all_totals[room.totals_at];
        totals.peers.planned += peers;
        totals.edges.planned += edges as u64;
        totals.rooms.planned += u64::from(facts.meshes);
        self.run_wide.tally.peers_planned += peers;
        self.run_wide.tally.peers_waiting += peers;
        self.run_wide.tally.edges_planned += edges as u64;
        self.run_wide.tally.edges_undecided += edges as u64;
        self.run_wide.tally.rooms_planned += u64::from(facts.meshes);
        self.place(RoomRecord { undecided: edges as u32, ..room });
    }

    fn place(&mut self, room: RoomRecord) {
        let index = room.index.0 as usize;
        if self.slots.len() <= index {
            self.slots.resize(index + 1, NOWHERE);
        }
        self.slots[index] = self.rooms.len() as u32;
        self.rooms.push(room);
    }

    pub(in crate::metrics) fn slot(&self, room: RoomIndex) -> Option<usize> {
        self.slots.get(room.0 as usize).filter(|slot| **slot != NOWHERE).map(|slot| *slot as usize)
    }

    fn context(&self, event: &Event) -> Option<EventContext> {
        let slot = self.slot(event.place.room)?;
        let room = &self.rooms[slot];
        let seat = event.place.seat.0;
        (seat < room.size).then(|| EventContext {
            when: event.at,
            at: RunTime::of(event.at, self.start),
            arrived: RunTime::of(event.arrived, self.start),
            room: slot,
            peer: room.peer(seat),
            seat,
            totals_at: room.totals_at,
        })
    }
}
