//! The names of all metrics (timers, rates, counters, values) and access to them by name.

use crate::summary::distribution::Clock;
use crate::summary::histogram::Histogram;
use crate::summary::{Counts, Rates, ScenarioFigures, Severity, Summary};

/// All timers except those of single message types, `signal_delivery.<type>`.
pub const TIMERS: [&str; 16] = [
    "connect",
    "before",
    "join",
    "discovery",
    "negotiation",
    "ice",
    "dtls",
    "channel",
    "time_to_open",
    "room_complete",
    "own_work",
    "own_wait",
    "signal_delivery",
    "leave_notice",
    "message_latency",
    "message_rtt",
];

/// The prefix of the timer of one message type.
pub const DELIVERY_OF_A_KIND: &str = "signal_delivery.";

pub const RATES: [&str; 4] = ["edges_failed", "peers_failed", "messages_lost", "mesh_complete"];

pub const VALUES: [&str; 2] = ["amplification", "signaling_bytes_per_edge"];

/// Counters by their keys in `counts`.
pub const COUNTERS: [&str; 40] = [
    "peers.planned",
    "peers.joined",
    "peers.failed",
    "peers.dropped",
    "peers.unfinished",
    "peers.rejoins",
    "peers.reconnects",
    "peers.stayed",
    "peers.lost",
    "edges.planned",
    "edges.opened",
    "edges.failed",
    "edges.dropped",
    "edges.unfinished",
    "edges.closed_early",
    "edges.left",
    "edges.one_sided",
    "edges.rejoins",
    "edges.glare",
    "edges.early",
    "edges.surprises",
    "edges.timed_out",
    "edges.ours",
    "rooms.planned",
    "rooms.complete",
    "rooms.incomplete",
    "rooms.timed_out",
    "signaling.sent",
    "signaling.received",
    "signaling.sent_bytes",
    "signaling.received_bytes",
    "signaling.elsewhere",
    "messages.sent",
    "messages.delivered",
    "messages.lost",
    "messages.duplicated",
    "messages.out_of_order",
    "messages.cut",
    "messages.dropped",
    "messages.late",
];

/// Counters that are not in `counts`; a run in progress has none of them.
pub const FINAL_COUNTERS: [&str; 3] = ["findings", "findings.fault", "outages.unrecovered"];

/// Access to metrics by name, for the gates: a summary, or a run in progress.
pub trait Readings {
    /// The samples of a timer, without the warm-up.
    fn timer(&self, name: &str, clock: Clock) -> Option<Histogram>;
    /// A rate from 0 to 1, and the number of things that it is a share of.
    fn rate(&self, name: &str) -> Option<(f64, u64)>;
    fn counts(&self) -> &Counts;

    fn counter(&self, name: &str) -> Option<u64> {
        self.counts().named(name)
    }

    fn value(&self, name: &str) -> Option<f64> {
        match name {
            "amplification" => self.counts().signaling.amplification(),
            "signaling_bytes_per_edge" => self.counts().signaling_bytes_per_edge().map(|bytes| bytes as f64),
            _ => None,
        }
    }

    /// The same metrics of one scenario's rooms alone; `None` if the figures are not split by such a name.
    fn scenario(&self, _name: &str) -> Option<&dyn Readings> {
        None
    }

    /// The rate without what this generator may have cost.
    fn net_rate(&self, name: &str) -> Option<(f64, u64)> {
        self.rate(name).map(|(rate, of)| (self.counts().net_rate(name, rate, of), of))
    }
}

impl Readings for Summary {
    fn timer(&self, name: &str, clock: Clock) -> Option<Histogram> {
        self.timers.get(name)?.on(clock).histogram().ok()
    }

    fn rate(&self, name: &str) -> Option<(f64, u64)> {
        self.rates.named(name, &self.counts)
    }

    fn counts(&self) -> &Counts {
        &self.counts
    }

    fn counter(&self, name: &str) -> Option<u64> {
        match name {
            "findings" => Some(self.findings_counted(None)),
            "findings.fault" => Some(self.findings_counted(Some(Severity::Fault))),
            "outages.unrecovered" => Some(self.outages.iter().filter(|outage| outage.never > 0).count() as u64),
            _ => self.counts.named(name),
        }
    }

    fn value(&self, name: &str) -> Option<f64> {
        match name {
            "amplification" => self.amplification,
            "signaling_bytes_per_edge" => self.signaling_bytes_per_edge.map(|bytes| bytes as f64),
            _ => None,
        }
    }

    fn scenario(&self, name: &str) -> Option<&dyn Readings> {
        self.scenarios.get(name).map(|figures| figures as &dyn Readings)
    }
}

impl Readings for ScenarioFigures {
    fn timer(&self, name: &str, clock: Clock) -> Option<Histogram> {
        self.timers.get(name)?.on(clock).histogram().ok()
    }

    fn rate(&self, name: &str) -> Option<(f64, u64)> {
        self.rates.named(name, &self.counts)
    }

    fn counts(&self) -> &Counts {
        &self.counts
    }
}

impl Rates {
    /// The rate of that name, and the number of things in `counts` that it is a share of.
    fn named(&self, name: &str, counts: &Counts) -> Option<(f64, u64)> {
        let (edges, peers) = (&counts.edges, &counts.peers);
        let (rate, of) = match name {
            "edges_failed" => (self.edges_failed, edges.planned.saturating_add(edges.rejoins)),
            "mesh_complete" => (self.mesh_complete, edges.planned.saturating_add(edges.rejoins)),
            "peers_failed" => (self.peers_failed, peers.planned.saturating_add(peers.rejoins)),
            "messages_lost" => (self.messages_lost, counts.messages.sent),
            _ => return None,
        };
        rate.map(|rate| (rate, of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_named_is_a_number_in_the_counts() {
        let summary = Summary::default();
        for name in COUNTERS {
            assert_eq!(summary.counter(name), Some(0), "{name}");
        }
    }

    #[test]
    fn a_map_in_the_counts_is_no_counter() {
        assert_eq!(Summary::default().counter("signaling.by_type"), None);
    }
}
