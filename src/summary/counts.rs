//! Counters of a run: everything planned, and the outcome of each.

use derive_more::AddAssign;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::AddAssign;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    pub peers: Peers,
    pub edges: Edges,
    /// Counters of edges to guests, by name.
    pub guest_edges: BTreeMap<String, u64>,
    pub rooms: Rooms,
    pub signaling: Signaling,
    pub messages: Messages,
}

/// Peers by outcome: planned + rejoins = joined + failed + dropped + unfinished.
#[derive(AddAssign, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Peers {
    pub planned: u64,
    pub joined: u64,
    pub failed: u64,
    /// Arrivals never started, because the generator was too late.
    pub dropped: u64,
    pub unfinished: u64,
    #[serde(default)]
    pub rejoins: u64,
    /// Joins after the loss of the server: the same arrivals, whose channels stay open.
    #[serde(default)]
    pub reconnects: u64,
    /// Joined peers that were there until the end of the run.
    #[serde(default)]
    pub stayed: u64,
    /// Those of `stayed` that had lost the server and were not back.
    #[serde(default)]
    pub lost: u64,
}

/// Edges by outcome: planned + rejoins = opened + failed + dropped + unfinished.
#[derive(AddAssign, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edges {
    pub planned: u64,
    pub opened: u64,
    pub failed: u64,
    pub dropped: u64,
    pub unfinished: u64,
    /// Opened edges that closed before the end of the run, by a planned leave or without one.
    pub closed_early: u64,
    /// Edges closed early because one of their peers left by plan (`[churn]`).
    #[serde(default)]
    pub left: u64,
    /// Edges not opened that are open on one side.
    pub one_sided: u64,
    /// Edges planned again because one of their peers rejoined.
    #[serde(default)]
    pub rejoins: u64,
    /// Pairs whose two sides offered at the same time.
    #[serde(default)]
    pub glare: u64,
    /// Milestones whose event came before that of the preceding milestone.
    #[serde(default)]
    pub early: u64,
    /// Messages that the state of their pair did not expect.
    #[serde(default)]
    pub surprises: u64,
    /// Failed edges that timed out; `time_to_open` has them with the timeout's value.
    #[serde(default)]
    pub timed_out: u64,
    /// Failed and dropped edges that this machine may have cost: never started, out of its own limits, or timed out after
    /// more than a tenth of the timeout had been spent waiting for this process.
    #[serde(default)]
    pub ours: u64,
}

#[derive(AddAssign, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rooms {
    pub planned: u64,
    pub complete: u64,
    pub incomplete: u64,
    /// Incomplete rooms that timed out; `room_complete` has them with the timeout's value.
    #[serde(default)]
    pub timed_out: u64,
}

/// Signaling frames and bytes that the peers wrote and read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signaling {
    pub sent: u64,
    pub received: u64,
    pub sent_bytes: u64,
    pub received_bytes: u64,
    /// Received frames that concerned their reader.
    #[serde(default)]
    pub concerned: u64,
    /// Received frames on another channel than their message belongs on.
    #[serde(default)]
    pub elsewhere: u64,
    pub by_type: BTreeMap<String, Traffic>,
}

#[derive(AddAssign, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Traffic {
    pub sent: u64,
    pub received: u64,
    pub sent_bytes: u64,
    pub received_bytes: u64,
}

/// DataChannel messages: sent = delivered + lost + cut.
#[derive(AddAssign, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Messages {
    pub sent: u64,
    pub delivered: u64,
    pub lost: u64,
    pub duplicated: u64,
    pub out_of_order: u64,
    /// Messages in flight when their channel closed by plan.
    #[serde(default)]
    pub cut: u64,
    /// Messages due and never sent: the generator was too late, or the channel's queue was full.
    #[serde(default)]
    pub dropped: u64,
    /// Messages sent more than 50 ms after they were due.
    #[serde(default)]
    pub late: u64,
}

impl Counts {
    /// `rate`, a share of `of`, without the edges and peers that this generator may have cost.
    pub fn net_rate(&self, name: &str, rate: f64, of: u64) -> f64 {
        let share = |count: u64| if of == 0 { 0.0 } else { count as f64 / of as f64 };
        match name {
            "edges_failed" => (rate - share(self.edges.ours)).max(0.0),
            "mesh_complete" => (rate + share(self.edges.ours)).min(1.0),
            "peers_failed" => (rate - share(self.peers.dropped)).max(0.0),
            _ => rate,
        }
    }

    /// Checks that everything planned has exactly one outcome.
    ///
    /// # Errors
    /// The first sum that does not add up, in a sentence.
    pub fn conserved(&self) -> Result<(), String> {
        let Self { peers, edges, rooms, messages, .. } = self;
        adds_up(
            "peers planned + rejoins",
            &[peers.planned, peers.rejoins],
            &[peers.joined, peers.failed, peers.dropped, peers.unfinished],
        )?;
        adds_up(
            "edges planned + rejoins",
            &[edges.planned, edges.rejoins],
            &[edges.opened, edges.failed, edges.dropped, edges.unfinished],
        )?;
        adds_up("rooms planned", &[rooms.planned], &[rooms.complete, rooms.incomplete])?;
        adds_up("messages sent", &[messages.sent], &[messages.delivered, messages.lost, messages.cut])
    }

    /// The counter of a name of `summary::metric::COUNTERS`, such as `edges.failed`.
    pub fn named(&self, name: &str) -> Option<u64> {
        let counts = serde_json::to_value(self).ok()?;
        let (group, key) = name.split_once('.')?;
        counts.get(group)?.get(key)?.as_u64()
    }

    /// Bytes that peers wrote and read, divided by the opened edges; `None` if no edge opened.
    pub fn signaling_bytes_per_edge(&self) -> Option<u64> {
        self.signaling.sent_bytes.saturating_add(self.signaling.received_bytes).checked_div(self.edges.opened)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.peers += other.peers;
        self.edges += other.edges;
        for (name, count) in other.guest_edges {
            *self.guest_edges.entry(name).or_default() += count;
        }
        self.rooms += other.rooms;
        self.signaling += other.signaling;
        self.messages += other.messages;
    }
}

impl AddAssign for Signaling {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.sent_bytes += other.sent_bytes;
        self.received_bytes += other.received_bytes;
        self.concerned += other.concerned;
        self.elsewhere += other.elsewhere;
        for (name, traffic) in other.by_type {
            *self.by_type.entry(name).or_default() += traffic;
        }
    }
}

impl Signaling {
    /// Frames received, divided by those that concerned their reader; `None` if none did.
    pub fn amplification(&self) -> Option<f64> {
        (self.concerned > 0).then(|| self.received as f64 / self.concerned as f64)
    }
}

/// Compares the sums of outcomes and of the whole. They have 128 bits, which no hostile summary can overflow.
fn adds_up(what: &str, whole: &[u64], parts: &[u64]) -> Result<(), String> {
    let sum = |terms: &[u64]| terms.iter().map(|term| u128::from(*term)).sum::<u128>();
    if sum(whole) == sum(parts) {
        Ok(())
    } else {
        Err(format!("{what} are {}, but their outcomes are {}", sum(whole), sum(parts)))
    }
}

/// Shares of the counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rates {
    pub edges_failed: Option<f64>,
    pub peers_failed: Option<f64>,
    pub messages_lost: Option<f64>,
    pub mesh_complete: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Counts), expected: Result<(), &str>) {
        let mut counts = Counts {
            peers: Peers { planned: 4, joined: 3, failed: 1, dropped: 1, rejoins: 1, ..Peers::default() },
            edges: Edges { planned: 6, opened: 3, failed: 2, unfinished: 1, ..Edges::default() },
            rooms: Rooms { planned: 1, complete: 0, incomplete: 1, timed_out: 0 },
            messages: Messages { sent: 10, delivered: 7, lost: 2, cut: 1, ..Messages::default() },
            ..Counts::default()
        };
        change(&mut counts);
        assert_eq!(counts.conserved(), expected.map_err(str::to_owned));
    }

    #[test]
    fn outcomes_add_up_to_what_was_planned() {
        check(|_| {}, Ok(()));
    }

    #[test]
    fn one_lost_edge_is_noticed() {
        check(|counts| counts.edges.opened -= 1, Err("edges planned + rejoins are 6, but their outcomes are 5"));
    }

    #[test]
    fn one_message_too_many_is_noticed() {
        check(|counts| counts.messages.cut += 1, Err("messages sent are 10, but their outcomes are 11"));
    }

    #[test]
    fn a_hostile_sum_does_not_overflow() {
        check(
            |counts| counts.peers = Peers { joined: u64::MAX, failed: u64::MAX, ..Peers::default() },
            Err("peers planned + rejoins are 0, but their outcomes are 36893488147419103230"),
        );
    }

    #[test]
    fn the_sum_has_every_counter_of_its_parts() {
        let part = Counts {
            peers: Peers {
                planned: 1,
                joined: 2,
                failed: 3,
                dropped: 4,
                unfinished: 5,
                rejoins: 6,
                reconnects: 7,
                stayed: 8,
                lost: 9,
            },
            edges: Edges {
                planned: 1,
                opened: 2,
                failed: 3,
                dropped: 4,
                unfinished: 5,
                closed_early: 6,
                one_sided: 7,
                left: 13,
                rejoins: 8,
                glare: 9,
                early: 10,
                surprises: 11,
                timed_out: 12,
                ours: 14,
            },
            rooms: Rooms { planned: 1, complete: 2, incomplete: 3, timed_out: 4 },
            messages: Messages {
                sent: 1,
                delivered: 2,
                lost: 3,
                duplicated: 4,
                out_of_order: 5,
                cut: 6,
                dropped: 7,
                late: 8,
            },
            ..Counts::default()
        };
        let mut whole = part.clone();
        whole += part.clone();
        for name in crate::summary::metric::COUNTERS {
            assert_eq!(whole.named(name), part.named(name).map(|count| 2 * count), "{name}");
        }
    }

    #[test]
    fn amplification_is_one_when_every_frame_concerns_its_reader() {
        let signaling = |received, concerned| Signaling { received, concerned, ..Signaling::default() };
        assert_eq!(signaling(6, 6).amplification(), Some(1.0));
        assert_eq!(signaling(90, 6).amplification(), Some(15.0));
        assert_eq!(signaling(90, 0).amplification(), None);
    }
}
