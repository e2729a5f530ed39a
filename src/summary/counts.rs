//! How many of each thing: planned, and how every one of them ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    pub peers: Peers,
    pub edges: Edges,
    /// Edges to peers that are not ours.
    pub guest_edges: BTreeMap<String, u64>,
    pub rooms: Rooms,
    pub signaling: Signaling,
    pub messages: Messages,
}

/// planned + rejoins = joined + failed + dropped + unfinished.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Peers {
    pub planned: u64,
    pub joined: u64,
    pub failed: u64,
    /// Arrivals that were never started, because the generator was too late.
    pub dropped: u64,
    pub unfinished: u64,
    #[serde(default)]
    pub rejoins: u64,
    /// Times that a peer which had lost its server joined it again; it is the same arrival, and its channels live on.
    #[serde(default)]
    pub reconnects: u64,
}

/// planned + rejoins = opened + failed + dropped + unfinished.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edges {
    pub planned: u64,
    pub opened: u64,
    pub failed: u64,
    pub dropped: u64,
    pub unfinished: u64,
    /// Of the opened: closed again before the end of the run, by a leave of the plan or without one.
    pub closed_early: u64,
    /// Of those closed early: one of the two left by plan (`[churn]`).
    #[serde(default)]
    pub left: u64,
    /// Of those not opened: open on one side only.
    pub one_sided: u64,
    /// Edges planned anew because one of their peers came back.
    #[serde(default)]
    pub rejoins: u64,
    /// Pairs of which both sides offered at once.
    #[serde(default)]
    pub glare: u64,
    /// Milestones whose event came before their predecessor's.
    #[serde(default)]
    pub early: u64,
    /// Messages that the state of a pair had no use for.
    #[serde(default)]
    pub surprises: u64,
    /// Of the failed: those that timed out, which are in `time_to_open` at the timeout's value.
    #[serde(default)]
    pub timed_out: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rooms {
    pub planned: u64,
    pub complete: u64,
    pub incomplete: u64,
    /// Of the incomplete: those that are in `room_complete` at the timeout's value.
    #[serde(default)]
    pub timed_out: u64,
}

/// Signaling frames and their bytes, as the peers wrote and read them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signaling {
    pub sent: u64,
    pub received: u64,
    pub sent_bytes: u64,
    pub received_bytes: u64,
    /// Of the received: those that concerned the peer that read them.
    #[serde(default)]
    pub concerned: u64,
    /// Of the received: the right message on another channel than its own.
    #[serde(default)]
    pub elsewhere: u64,
    pub by_type: BTreeMap<String, Traffic>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Traffic {
    pub sent: u64,
    pub received: u64,
    pub sent_bytes: u64,
    pub received_bytes: u64,
}

/// sent = delivered + lost + cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Messages {
    pub sent: u64,
    pub delivered: u64,
    pub lost: u64,
    pub duplicated: u64,
    pub out_of_order: u64,
    /// In flight when their channel was closed by plan.
    #[serde(default)]
    pub cut: u64,
    /// Due, and never sent: the generator was too late, or the channel's queue was full.
    #[serde(default)]
    pub dropped: u64,
    /// Sent noticeably after they were due.
    #[serde(default)]
    pub late: u64,
}

impl Counts {
    /// Whether every planned thing ended in exactly one way; says which sum is off otherwise.
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
}

/// Sums are taken in 128 bits, so that a hostile summary can't overflow them.
fn adds_up(what: &str, whole: &[u64], parts: &[u64]) -> Result<(), String> {
    let sum = |terms: &[u64]| terms.iter().map(|term| u128::from(*term)).sum::<u128>();
    if sum(whole) == sum(parts) {
        Ok(())
    } else {
        Err(format!("{what} are {}, but their outcomes are {}", sum(whole), sum(parts)))
    }
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
}
