//! Sums over all measured rooms, or over all warm-up rooms.

use crate::metrics::fold::failures::Failures;
use crate::metrics::fold::milestones::Milestones;
use crate::metrics::fold::slowest::Slowest;
use crate::metrics::fold::timers::{TimerId, TimerSet};
use crate::metrics::record::edge::EdgeRecord;
use crate::summary::{Counts, Edges, Messages, Peers, PhaseTimes, Rooms, Shares, Signaling, Traffic};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::metrics) struct Totals {
    pub peers: Peers,
    pub edges: Edges,
    pub rooms: Rooms,
    /// Messages of edges that were replanned; those of the others are still in their delivery windows.
    pub messages: Messages,
    /// By message type; the last entry holds the types that the dialect does not name.
    pub traffic: Vec<Traffic>,
    /// By message type: received frames that concerned their reader.
    pub concerned_by_kind: Vec<u64>,
    pub concerned: u64,
    pub elsewhere: u64,
    pub timers: TimerSet,
    pub failures: Failures,
    pub slowest: Slowest,
    /// Microseconds that the opened edges spent in each phase, and in the generator's own work.
    phase_sums_us: [u64; 7],
    own_work_sum_us: u64,
    /// Microseconds of the generator in each phase of the opened edges, its own work included.
    own_sums_us: [u64; 7],
}

impl Totals {
    pub(crate) fn new(kinds: usize) -> Self {
        Self {
            peers: Peers::default(),
            edges: Edges::default(),
            rooms: Rooms::default(),
            messages: Messages::default(),
            traffic: vec![Traffic::default(); kinds + 1],
            concerned_by_kind: vec![0; kinds + 1],
            concerned: 0,
            elsewhere: 0,
            timers: TimerSet::new(kinds + 1),
            failures: Failures::default(),
            slowest: Slowest::default(),
            phase_sums_us: [0; 7],
            own_work_sum_us: 0,
            own_sums_us: [0; 7],
        }
    }

    /// Nothing, for the same message types.
    pub(crate) fn none_like(other: &Self) -> Self {
        Self::new(other.traffic.len().saturating_sub(1))
    }

    /// Records an edge that is open on both sides.
    pub(crate) fn opened(&mut self, milestones: &Milestones, edge: &EdgeRecord) {
        let own_work_us = u64::from(edge.own_work_us);
        let own_us = |phase: usize| u64::from(edge.own_us[phase]).min(milestones.phase_us(phase));
        self.edges.opened += 1;
        self.edges.early += milestones.early;
        self.timers.record_both(TimerId::TimeToOpen, milestones.due_us(), milestones.began_us());
        self.timers.record_net(TimerId::TimeToOpen, milestones.began_us().saturating_sub(edge.own_total_us()));
        self.timers.record(TimerId::OwnWait, edge.own_total_us().saturating_sub(own_work_us));
        let timed = if milestones.transport { &TimerId::PHASES[..] } else { &TimerId::PHASES[..3] };
        for (phase, of) in timed.iter().enumerate() {
            self.timers.record(*of, milestones.phase_us(phase + 1));
            self.timers.record_net(*of, milestones.phase_us(phase + 1) - own_us(phase + 1));
        }
        if own_work_us > 0 {
            self.timers.record(TimerId::OwnWork, own_work_us);
        }
        for (phase, sum) in self.phase_sums_us.iter_mut().enumerate() {
            *sum = sum.saturating_add(milestones.phase_us(phase));
        }
        for (phase, sum) in self.own_sums_us.iter_mut().enumerate() {
            *sum = sum.saturating_add(own_us(phase));
        }
        self.own_work_sum_us = self.own_work_sum_us.saturating_add(own_work_us.min(milestones.phase_us(3)));
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.peers += other.peers;
        self.edges += other.edges;
        self.rooms += other.rooms;
        self.messages += other.messages;
        self.traffic.iter_mut().zip(other.traffic).for_each(|(ours, theirs)| *ours += theirs);
        self.concerned_by_kind.iter_mut().zip(other.concerned_by_kind).for_each(|(ours, theirs)| *ours += theirs);
        self.concerned += other.concerned;
        self.elsewhere += other.elsewhere;
        self.timers.merge(&other.timers);
        self.failures.merge(&other.failures);
        self.slowest.merge(other.slowest);
        self.phase_sums_us.iter_mut().zip(other.phase_sums_us).for_each(|(ours, theirs)| *ours += theirs);
        self.own_work_sum_us += other.own_work_sum_us;
        self.own_sums_us.iter_mut().zip(other.own_sums_us).for_each(|(ours, theirs)| *ours += theirs);
    }

    /// The counts so far; everything planned that has no other end is unfinished.
    pub(crate) fn counts(&self, kinds: &[String]) -> Counts {
        let mut peers = self.peers.clone();
        peers.unfinished = peers.planned + peers.rejoins - peers.joined - peers.failed - peers.dropped;
        let mut edges = self.edges.clone();
        edges.unfinished = edges.planned + edges.rejoins - edges.opened - edges.failed - edges.dropped;
        let mut rooms = self.rooms.clone();
        rooms.incomplete = rooms.planned - rooms.complete;
        let signaling = self.signaling(kinds);
        Counts { peers, edges, guest_edges: Default::default(), rooms, signaling, messages: self.messages.clone() }
    }

    /// Counts and timers for `kinds` message types, and one more for the types that the dialect does not name.
    pub(crate) fn has_kinds(&self, kinds: usize) -> bool {
        [self.traffic.len(), self.concerned_by_kind.len(), self.timers.kinds()].iter().all(|len| *len == kinds + 1)
    }

    /// No more has ended than was planned, and the generator's share of a time is no longer than the time.
    pub(crate) fn is_sound(&self) -> bool {
        let Self { peers, edges, rooms, .. } = self;
        let own_fits = |part: std::ops::Range<usize>| {
            self.own_sums_us[part.clone()].iter().sum::<u64>() <= self.phase_sums_us[part].iter().sum()
        };
        peers.planned + peers.rejoins >= peers.joined + peers.failed + peers.dropped
            && edges.planned + edges.rejoins >= edges.opened + edges.failed + edges.dropped
            && rooms.planned >= rooms.complete
            && own_fits(0..4)
            && own_fits(4..7)
    }

    /// `None` when no edge opened.
    pub(crate) fn shares(&self) -> Option<Shares> {
        let whole = self.phase_sums_us.iter().sum::<u64>() as f64;
        let sum = |of: &[u64]| of.iter().sum::<u64>();
        // Own work that began before its phase is charged to the phase before.
        let own_work = self.own_work_sum_us.min(sum(&self.own_sums_us[..4]));
        let target = sum(&self.phase_sums_us[..4]) - sum(&self.own_sums_us[..4]);
        let peers = sum(&self.phase_sums_us[4..]) - sum(&self.own_sums_us[4..]);
        let own_wait = sum(&self.own_sums_us) - own_work;
        (whole > 0.0).then(|| Shares {
            target: target as f64 / whole,
            peers: peers as f64 / whole,
            own_work: own_work as f64 / whole,
            own_wait: own_wait as f64 / whole,
        })
    }

    /// The mean opened edge; `None` when no edge opened. Each phase is the difference of two rounded running means,
    /// so that the phases add up to the rounded mean `time_to_open`.
    pub(crate) fn mean_edge(&self) -> Option<PhaseTimes> {
        self.means(self.phase_sums_us)
    }

    /// The generator's share of the mean opened edge, phase by phase; `None` when no edge opened.
    pub(crate) fn mean_edge_own(&self) -> Option<PhaseTimes> {
        self.means(self.own_sums_us)
    }

    fn means(&self, sums_us: [u64; 7]) -> Option<PhaseTimes> {
        let mut sum = 0u64;
        let ends = sums_us.map(|us| {
            sum = sum.saturating_add(us);
            sum.checked_div(self.edges.opened).unwrap_or(0)
        });
        let mean = |phase: usize| ends[phase] - phase.checked_sub(1).map_or(0, |before| ends[before]);
        let had_transport = self.phase_sums_us[4..].iter().any(|us| *us > 0);
        let of_transport = |phase| had_transport.then(|| mean(phase));
        (self.edges.opened > 0).then(|| PhaseTimes {
            connect_us: mean(0),
            join_us: mean(1),
            discovery_us: mean(2),
            negotiation_us: mean(3),
            ice_us: of_transport(4),
            dtls_us: of_transport(5),
            channel_us: of_transport(6),
        })
    }

    fn signaling(&self, kinds: &[String]) -> Signaling {
        let sum = |field: fn(&Traffic) -> u64| self.traffic.iter().map(field).sum();
        let name = |kind: usize| kinds.get(kind).map_or("other", String::as_str).to_owned();
        let seen = self.traffic.iter().enumerate().filter(|(_, traffic)| **traffic != Traffic::default());
        Signaling {
            sent: sum(|traffic| traffic.sent),
            received: sum(|traffic| traffic.received),
            sent_bytes: sum(|traffic| traffic.sent_bytes),
            received_bytes: sum(|traffic| traffic.received_bytes),
            concerned: self.concerned,
            elsewhere: self.elsewhere,
            by_type: seen.map(|(kind, traffic)| (name(kind), *traffic)).collect(),
        }
    }
}
