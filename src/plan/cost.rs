//! What a plan costs, from counts alone, and whether a machine can pay it.

use super::Plan;
use super::arrivals::Curve;
use crate::profile::{Pattern, Profile};
use crate::vocabulary::choice::{Approval, EngineKind};
use crate::vocabulary::quantity::micros;
use serde::Serialize;
use std::time::Duration;

/// Measured (architecture.md, "Decisions already measured"): one end of a connection of the `rtc` engine.
const CONNECTION_END_BYTES: u64 = 150 * 1024;
/// The same of the engine `lean`.
const LEAN_END_BYTES: u64 = 12 * 1024;
/// The same of the engine `webrtc`, with a socket and a task of its own.
const ASYNC_END_BYTES: u64 = 240 * 1024;
/// A peer's socket, buffers and state.
const PEER_BYTES: u64 = 30 * 1024;
/// An edge's ledger and one end's state without WebRTC.
const BARE_END_BYTES: u64 = 1024;
/// Files that a run holds open whatever its size: logs, reports, event queues of the workers.
const OWN_DESCRIPTORS: u64 = 64;
/// A share of the memory that a run may plan to take; the rest belongs to the system and to the target.
const MEMORY_SHARE: f64 = 0.9;

/// The figures of a plan. Where sizes are drawn and no plan is built yet, the largest that can come.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    pub rooms: u64,
    pub peers: u64,
    pub edges: u64,
    /// Between our peers and the guests that the rooms admit.
    pub guest_edges: u64,
    /// File descriptors of this process; those of the embedded server included.
    pub descriptors: u64,
    /// Local ports, UDP.
    pub udp_ports: u64,
    /// Local ports, TCP.
    pub tcp_ports: u64,
    pub memory_bytes: u64,
    /// Signaling frames that peers send.
    pub frames_sent: u64,
    /// Frames delivered by a server that sends each to those it concerns.
    pub frames_addressed: u64,
    /// Frames delivered, at most, by a server that sends each to everybody else.
    pub frames_broadcast: u64,
    /// DataChannel messages a second while all channels are open.
    pub messages_per_second: f64,
    /// From the first arrival to the end of the steady phase.
    #[serde(rename = "duration_us", serialize_with = "as_micros")]
    pub duration: Duration,
    /// With every handshake timing out and the drain at its bound.
    #[serde(rename = "duration_max_us", serialize_with = "as_micros")]
    pub duration_max: Duration,
}

/// What churn adds to a plan: at most, since not all others need be there.
#[derive(Clone, Copy, Debug, Default)]
struct Comings {
    returns: u64,
    edges: u64,
    goodbyes: u64,
    goodbyes_heard: u64,
}

/// What the machine at hand has to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The hard limit of open files: the soft one can be raised to it.
    pub nofile_hard: u64,
    pub memory_bytes: u64,
    /// Local ports that one address can give, for each of UDP and TCP.
    pub ports: u64,
}

impl Cost {
    /// The most that a run of `profile` can cost; no room is built for it, so that the frames of those who leave and
    /// come back are left out: they are drawn with the rooms, and nothing is refused for their sake.
    pub fn of(profile: &Profile) -> Self {
        let (rooms, size) = (u64::from(profile.rooms.count), u64::from(profile.rooms.size.max));
        let peers = rooms * size;
        let last_due = Curve::new(&profile.arrivals).due(peers.saturating_sub(1) as f64);
        Self::figure(profile, peers, rooms.saturating_mul(size * (size - 1) / 2), last_due, Comings::default())
    }

    fn figure(profile: &Profile, peers: u64, edges: u64, last_due: Duration, churn: Comings) -> Self {
        let rooms = u64::from(profile.rooms.count);
        let guest_edges = peers.saturating_mul(profile.rooms.guests.into());
        // Of an edge with a guest, one end is here.
        let ends = edges.saturating_mul(2).saturating_add(guest_edges);
        // The engine webrtc binds a socket an end, the engine rtc one a peer.
        let (end_bytes, udp_ports) = match profile.engine.kind {
            EngineKind::Rtc => (CONNECTION_END_BYTES, peers),
            EngineKind::Lean => (LEAN_END_BYTES, peers),
            EngineKind::Webrtc => (ASYNC_END_BYTES, ends),
            EngineKind::None => (BARE_END_BYTES, 0),
        };
        // The embedded server holds the other end of every connection in this process.
        let is_embedded = profile.target.url.is_none();
        let descriptors = OWN_DESCRIPTORS + udp_ports + if is_embedded { 2 * peers } else { peers };

        // An edge is an offer and an answer, and with trickling a candidate each way; a peer has one socket.
        let pairs = edges.saturating_add(guest_edges).saturating_add(churn.edges);
        let handshakes = pairs.saturating_mul(if profile.handshake.trickle { 4 } else { 2 });
        // A peer says three times that it is there, and each pair answers once; a goodbye has two words; who has to ask
        // the host says one more, and is answered (protocol.md).
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
            Pattern::Broadcast => profile.messages.rate,
            Pattern::PingPong => 2.0 * profile.messages.rate,
            Pattern::None => 0.0,
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
            messages_per_second: messages * ends as f64,
            duration,
            duration_max: duration.saturating_add(profile.handshake.timeout).saturating_add(profile.phases.drain),
        }
    }

    /// Why `machine` can't carry this, with the figures; empty if it can.
    pub fn check(&self, machine: &Machine) -> Vec<String> {
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
        if self.memory_bytes > share {
            problems.push(format!(
                "{} edges between {} peers need about {} of memory, and this machine can give {}; plan fewer or smaller rooms",
                self.edges,
                self.peers,
                mebibytes(self.memory_bytes),
                mebibytes(share)
            ));
        }
        problems
    }
}

impl Plan {
    /// What this very plan costs.
    pub fn cost(&self) -> Cost {
        let peers = self.rooms.iter().map(|room| u64::from(room.size())).sum();
        let edges = self.rooms.iter().map(super::RoomPlan::edges).sum();
        let last_due = self.rooms.last().and_then(|room| room.due.last()).copied().unwrap_or_default();
        Cost::figure(&self.profile, peers, edges, last_due, self.comings())
    }

    fn comings(&self) -> Comings {
        let mut comings = Comings::default();
        for room in &self.rooms {
            let others = u64::from(room.size()).saturating_sub(1);
            for departure in &room.departures {
                let (returns, goodbye) = (u64::from(departure.back.is_some()), u64::from(!departure.silent));
                comings.returns += returns;
                comings.edges += returns * others;
                comings.goodbyes += goodbye;
                comings.goodbyes_heard += goodbye * others;
            }
        }
        comings
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

fn as_micros<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(micros(*duration))
}
