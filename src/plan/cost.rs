//! The resources that a plan needs, estimated from counts, and the check against a machine's limits.

use super::arrivals::Curve;
use super::share::SHARES_MAX;
use super::{LeaveManner, Plan};
use crate::profile::{MessagePattern, Profile};
use crate::vocabulary::{Approval, EngineKind, format::micros};
use serde::Serialize;
use std::time::Duration;

/// Memory of one end of a connection of the `lean` engine (docs/density.md, "What an edge costs").
const LEAN_END_BYTES: u64 = 12 * 1024;
/// Memory of one end of a connection of the `webrtc` engine, with its own socket and task.
const ASYNC_END_BYTES: u64 = 240 * 1024;
/// Memory of a peer's socket, buffers and state.
const PEER_BYTES: u64 = 30 * 1024;
/// Memory of a run of any size: threads, logs, histograms and the report.
const OWN_BYTES: u64 = 32 << 20;
/// Memory of one end's state and its metrics without WebRTC.
const BARE_END_BYTES: u64 = 1024;
/// Descriptors of a run of any size: logs, reports, event queues of the workers.
const OWN_DESCRIPTORS: u64 = 64;
/// Bytes of a room and of a peer in a registry's list, with ids of this program's length.
const LISTED_ROOM_BYTES: u64 = 190;
const LISTED_PEER_BYTES: u64 = 45;

/// The share of the machine's memory that a plan may need; the rest is for the system and the target.
const MEMORY_SHARE: f64 = 0.9;

/// The resources that a plan needs, or an upper bound of them before room sizes are drawn.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    pub rooms: u64,
    pub peers: u64,
    pub edges: u64,
    /// Edges between our peers and guests.
    pub guest_edges: u64,
    /// File descriptors of this process, including the embedded server's.
    pub descriptors: u64,
    /// Local UDP ports.
    pub udp_ports: u64,
    /// Local TCP ports.
    pub tcp_ports: u64,
    pub memory_bytes: u64,
    /// Signaling frames that peers send.
    pub frames_sent: u64,
    /// Frames delivered by a server that addresses each frame.
    pub frames_addressed: u64,
    /// Frames delivered, at most, by a server that broadcasts each frame to all other peers.
    pub frames_broadcast: u64,
    /// Bytes of a registry's list of all rooms and peers, roughly.
    pub room_list_bytes: u64,
    /// DataChannel messages per second while all channels are open.
    pub messages_per_second: f64,
    /// The time from the first arrival to the end of the steady phase.
    #[serde(rename = "duration_us", serialize_with = "as_micros")]
    pub duration: Duration,
    /// The same if handshakes time out and the drain takes its full length.
    #[serde(rename = "duration_max_us", serialize_with = "as_micros")]
    pub duration_max: Duration,
}

/// The arrivals and goodbyes that churn adds to a plan; at most, since other peers may be away too.
#[derive(Clone, Copy, Debug, Default)]
struct ChurnArrivals {
    returns: u64,
    edges: u64,
    goodbyes: u64,
    goodbyes_heard: u64,
}

/// The limits of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineLimits {
    /// The hard limit of open files, to which the soft limit can be raised.
    pub nofile_hard: u64,
    pub memory_bytes: u64,
    /// Local ports of one address, for each of UDP and TCP.
    pub ports: u64,
}

impl Cost {
    /// An upper bound for `profile`, without building its plan. Frames of leaves and rejoins are left out: they are drawn
    /// with the rooms, and no plan is refused because of them.
    pub fn of(profile: &Profile) -> Self {
        let (rooms, size) = (u64::from(profile.rooms.count), u64::from(profile.rooms.size.max));
        let peers = rooms * size;
        let last_due = Curve::new(&profile.arrivals).due(peers.saturating_sub(1) as f64);
        Self::estimate(profile, peers, rooms.saturating_mul(size * (size - 1) / 2), last_due, ChurnArrivals::default())
    }

    /// As `of`, for the largest of so many shares.
    pub fn of_share(profile: &Profile, shares: u32) -> Self {
        let mut own = profile.clone();
        own.rooms.count = own.rooms.count.div_ceil(shares.max(1));
        Self::of(&own)
    }

    /// The least number of machines of these limits that carry the plan; `None` if no number does.
    pub fn machines(profile: &Profile, limits: &MachineLimits) -> Option<u32> {
        let most = profile.rooms.count.min(SHARES_MAX);
        (1..=most).find(|shares| Self::of_share(profile, *shares).check(limits).is_empty())
    }

    fn estimate(profile: &Profile, peers: u64, edges: u64, last_due: Duration, churn: ChurnArrivals) -> Self {
        let rooms = u64::from(profile.rooms.count);
        let guest_edges = peers.saturating_mul(profile.rooms.guests.into());
        // An edge with a guest has one end here.
        let ends = edges.saturating_mul(2).saturating_add(guest_edges);
        // The engine `webrtc` binds a socket per end, the engine `lean` one per peer.
        let (end_bytes, udp_ports) = match profile.engine.kind {
            EngineKind::Lean => (LEAN_END_BYTES, peers),
            EngineKind::Webrtc => (ASYNC_END_BYTES, ends),
            EngineKind::None => (BARE_END_BYTES, 0),
        };
        // The embedded server has the other end of every connection in this process.
        let is_embedded = profile.target.url.is_none();
        let descriptors = OWN_DESCRIPTORS + udp_ports + if is_embedded { 2 * peers } else { peers };

        // An edge takes an offer and an answer, and with trickle ICE a candidate each way.
        let pairs = edges.saturating_add(guest_edges).saturating_add(churn.edges);
        let handshakes = pairs.saturating_mul(if profile.handshake.trickle { 4 } else { 2 });
        // A peer announces itself in three frames, and each pair answers once; a goodbye takes two frames; a request to
        // join takes one, and its answer another (docs/spec/protocol.md).
        let replies = pairs;
        let asked = match profile.handshake.approval {
            Approval::Off => 0,
            Approval::Ignore => peers - rooms,
            Approval::Approve | Approval::Reject => 2 * (peers - rooms),
        };
        let between_two = handshakes.saturating_add(replies).saturating_add(asked);
        let frames_sent = between_two.saturating_add(3 * (peers + churn.returns)).saturating_add(2 * churn.goodbyes);
        let heard = ends.saturating_add(churn.edges).saturating_mul(3);
        let frames_addressed = between_two.saturating_add(heard).saturating_add(2 * churn.goodbyes_heard);
        let messages = match profile.messages.pattern {
            MessagePattern::Broadcast => profile.messages.rate,
            MessagePattern::PingPong => 2.0 * profile.messages.rate,
            MessagePattern::None => 0.0,
        };
        let duration = last_due.saturating_add(profile.phases.steady);
        Self {
            rooms,
            peers,
            edges,
            guest_edges,
            descriptors,
            udp_ports,
            tcp_ports: peers,
            memory_bytes: ends.saturating_mul(end_bytes).saturating_add(peers * PEER_BYTES),
            frames_sent,
            frames_addressed,
            frames_broadcast: frames_sent.saturating_mul(peers.saturating_sub(1)),
            room_list_bytes: rooms.saturating_mul(LISTED_ROOM_BYTES).saturating_add(peers * LISTED_PEER_BYTES),
            messages_per_second: messages * ends as f64,
            duration,
            duration_max: duration.saturating_add(profile.handshake.timeout).saturating_add(profile.phases.drain),
        }
    }

    /// The resources that `machine` lacks, as sentences with figures; empty if it has enough.
    pub fn check(&self, machine: &MachineLimits) -> Vec<String> {
        let share = (machine.memory_bytes as f64 * MEMORY_SHARE) as u64;
        let needs = [
            ("file descriptors", self.descriptors, machine.nofile_hard, "raise the hard limit (ulimit -Hn)"),
            ("local UDP ports", self.udp_ports, machine.ports, "widen net.ipv4.ip_local_port_range"),
            ("local TCP ports", self.tcp_ports, machine.ports, "widen net.ipv4.ip_local_port_range"),
        ];
        let mut problems: Vec<_> = needs
            .iter()
            .filter(|(_, needed, granted, _)| needed > granted)
            .map(|(what, needed, granted, cure)| {
                format!(
                    "{} peers need {needed} {what}, and this machine grants {granted}; {cure}, or plan fewer peers",
                    self.peers
                )
            })
            .collect();
        let memory_bytes = self.memory_bytes.saturating_add(OWN_BYTES);
        if memory_bytes > share {
            problems.push(format!(
                "{} edges between {} peers need about {} of memory, and this machine can give {}; plan fewer or smaller \
                 rooms, or raise the limit (ulimit -v, the container's)",
                self.edges,
                self.peers,
                mebibytes(memory_bytes),
                mebibytes(share)
            ));
        }
        problems
    }
}

impl Plan {
    /// The resources that this plan needs.
    pub fn cost(&self) -> Cost {
        let peers = self.rooms.iter().map(|room| u64::from(room.size())).sum();
        let edges = self.rooms.iter().map(super::RoomPlan::edges).sum();
        let last_due = self.rooms.last().and_then(|room| room.due.last()).copied().unwrap_or_default();
        Cost::estimate(&self.profile, peers, edges, last_due, self.churn_arrivals())
    }

    fn churn_arrivals(&self) -> ChurnArrivals {
        let mut sum = ChurnArrivals::default();
        for room in &self.rooms {
            let others = u64::from(room.size()).saturating_sub(1);
            for departure in &room.departures {
                let (returns, goodbye) =
                    (u64::from(departure.back.is_some()), u64::from(departure.manner == LeaveManner::Goodbye));
                sum.returns += returns;
                sum.edges += returns * others;
                sum.goodbyes += goodbye;
                sum.goodbyes_heard += goodbye * others;
            }
        }
        sum
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

fn as_micros<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(micros(*duration))
}
