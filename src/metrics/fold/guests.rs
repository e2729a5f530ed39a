//! Counts of edges with guests, kept apart from the run's own figures because only one end is observed.

use crate::vocabulary::Phase;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// The edges of every peer with the guests of its room.
#[derive(Clone, Debug)]
pub(in crate::metrics) struct GuestEdges {
    /// The edges of the first peer, then those of the second, and so on.
    pub edges: Vec<GuestEdge>,
    /// By room: the number of edges that are not decided.
    pub undecided: Vec<u32>,
    /// As the recorder's totals: of each scenario, those of its measured rooms, then those of its warm-up rooms.
    pub counts: Vec<GuestCounts>,
}

impl GuestEdges {
    /// No guest yet, with as many counts as the recorder has totals.
    pub(crate) fn new(totals: usize) -> Self {
        Self { edges: vec![], undecided: vec![], counts: vec![GuestCounts::default(); totals] }
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(in crate::metrics) struct GuestEdge {
    pub decided: bool,
    pub open: bool,
    /// The guest's leave was noticed, by its goodbye or by the end of its channel.
    pub noticed: bool,
}

/// planned + rejoins = opened + failed + abandoned + unfinished, where unfinished is computed at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::metrics) struct GuestCounts {
    pub planned: u64,
    pub rejoins: u64,
    pub met: u64,
    pub opened: u64,
    pub failed: u64,
    pub failed_in: [u64; Phase::ALL.len()],
    /// One of the two left before the edge was decided, or the peer never started.
    pub abandoned: u64,
    pub closed: u64,
    pub closed_early: u64,
    pub leaves_noticed: u64,
    pub glare: u64,
    pub surprises: u64,
    pub messages_sent: u64,
    pub messages_received: u64,
    pub messages_dropped: u64,
}

impl GuestCounts {
    /// No more edges have ended than were planned.
    pub(crate) fn is_sound(&self) -> bool {
        self.planned + self.rejoins >= self.opened + self.failed + self.abandoned
    }

    /// The counts by the summary's names; empty if no guest was planned.
    pub(crate) fn by_name(&self) -> BTreeMap<String, u64> {
        let counts = self;
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
