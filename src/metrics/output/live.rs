//! Figures that gates read during the run: each worker sends a small copy, the controller merges them.

use crate::metrics::record::recorder::Recorder;
use crate::summary::{Clock, Counts, Histogram, Readings};
use serde::{Deserialize, Serialize};

/// Figures of the measured rooms at one moment. The rates leave out undecided edges, and messages in flight
/// are not lost yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveMetrics {
    timers: Vec<(String, Clock, Histogram)>,
    counts: Counts,
}

impl Recorder {
    /// Copies the named timers, such as those of gates that can end the run; names are those of `Readings::timer`.
    /// `kinds`: the dialect's message types.
    pub fn live(&self, timers: &[(String, Clock)], kinds: &[String]) -> LiveMetrics {
        let totals = &self.all_totals[0];
        let copy = |(name, clock): &(String, Clock)| {
            totals.timers.named(name, *clock, kinds).map(|timer| (name.clone(), *clock, timer.clone()))
        };
        let mut counts = totals.counts(kinds);
        let measured = self.rooms.iter().filter(|room| !room.warmup);
        for window in measured.flat_map(|room| &self.edges[room.edge_range()]).flat_map(|edge| edge.windows) {
            counts.messages.lost += window.overtaken();
            counts.messages.sent += u64::from(window.sent());
            counts.messages.delivered += u64::from(window.received());
        }
        LiveMetrics { timers: timers.iter().filter_map(copy).collect(), counts }
    }
}

impl LiveMetrics {
    /// Adds another worker's figures of the same timers.
    pub fn merge(&mut self, other: Self) {
        for (name, clock, theirs) in other.timers {
            match self.timers.iter_mut().find(|(known, on, _)| *known == name && *on == clock) {
                Some((_, _, ours)) => ours.merge(&theirs),
                None => self.timers.push((name, clock, theirs)),
            }
        }
        self.counts += other.counts;
    }
}

impl Readings for LiveMetrics {
    fn timer(&self, name: &str, clock: Clock) -> Option<Histogram> {
        self.timers.iter().find(|(known, on, _)| known == name && *on == clock).map(|(_, _, timer)| timer.clone())
    }

    fn rate(&self, name: &str) -> Option<(f64, u64)> {
        let (peers, edges, messages) = (&self.counts.peers, &self.counts.edges, &self.counts.messages);
        let edges_decided = edges.opened + edges.failed + edges.dropped;
        let (part, of) = match name {
            "edges_failed" => (edges.failed + edges.dropped, edges_decided),
            "mesh_complete" => (edges.opened, edges_decided),
            "peers_failed" => (peers.failed + peers.dropped, peers.joined + peers.failed + peers.dropped),
            "messages_lost" => (messages.lost, messages.sent),
            _ => return None,
        };
        (of > 0).then(|| (part as f64 / of as f64, of))
    }

    fn counts(&self) -> &Counts {
        &self.counts
    }

    fn counter(&self, name: &str) -> Option<u64> {
        self.counts.named(name)
    }

    fn value(&self, name: &str) -> Option<f64> {
        match name {
            "amplification" => self.counts.signaling.amplification(),
            "signaling_bytes_per_edge" => self.counts.signaling_bytes_per_edge().map(|bytes| bytes as f64),
            _ => None,
        }
    }
}
