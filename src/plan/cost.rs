//! The resources that a plan needs, estimated from counts, and the check against a machine's limits.

use super::arrivals::Curve;
use super::share::SHARES_MAX;
use super::{LeaveManner, Plan, RoomPlan};
use crate::profile::{MessagePattern, Profile, Scenario};
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

/// The rooms of one scenario.
struct ScenarioLoad<'a> {
    scenario: &'a Scenario,
    rooms: u64,
    peers: u64,
    edges: u64,
    churn: ChurnArrivals,
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
        let loads = largest_loads(profile);
        let peers: u64 = loads.iter().map(|load| load.peers).sum();
        let last_due = Curve::new(&profile.arrivals).due(peers.saturating_sub(1) as f64);
        Self::estimate(profile, &loads, last_due)
    }

    /// As `of`, for the largest of so many shares.
    pub fn of_share(profile: &Profile, shares: u32) -> Self {
        let mut own = profile.clone();
        own.room_count = own.room_count.div_ceil(shares.max(1));
        Self::of(&own)
    }

    /// The least number of machines of these limits that carry the plan; `None` if no number does.
    pub fn machines(profile: &Profile, limits: &MachineLimits) -> Option<u32> {
        let most = profile.room_count.min(SHARES_MAX);
        (1..=most).find(|shares| Self::of_share(profile, *shares).check(limits).is_empty())
    }

    fn estimate<'a>(profile: &Profile, loads: &[ScenarioLoad<'a>], last_due: Duration) -> Self {
        let sum = |of: fn(&ScenarioLoad<'a>) -> u64| loads.iter().map(of).fold(0, u64::saturating_add);
        let (peers, edges) = (sum(|load| load.peers), sum(|load| load.edges));
        let guest_edges = sum(ScenarioLoad::guest_edges);
        let ends = sum(ScenarioLoad::ends);
        // The engine `webrtc` binds a socket per end, the engine `lean` one per peer.
        let (end_bytes, udp_ports) = match profile.engine.kind {
            EngineKind::Lean => (LEAN_END_BYTES, peers),
            EngineKind::Webrtc => (ASYNC_END_BYTES, ends),
            EngineKind::None => (BARE_END_BYTES, 0),
        };
        // The embedded server has the other end of every connection in this process.
        let is_embedded = profile.target.url.is_none();
        let descriptors = OWN_DESCRIPTORS + udp_ports + if is_embedded { 2 * peers } else { peers };
        let frames_sent = sum(ScenarioLoad::frames_sent);
        let duration = last_due.saturating_add(profile.phases.steady);
        let timeout = loads.iter().map(|load| load.scenario.handshake.timeout).max().unwrap_or_default();
        Self {
            rooms: profile.room_count.into(),
            peers,
            edges,
            guest_edges,
            descriptors,
            udp_ports,
            tcp_ports: peers,
            memory_bytes: ends.saturating_mul(end_bytes).saturating_add(peers * PEER_BYTES),
            frames_sent,
            frames_addressed: sum(ScenarioLoad::frames_addressed),
            frames_broadcast: frames_sent.saturating_mul(peers.saturating_sub(1)),
            room_list_bytes: u64::from(profile.room_count)
                .saturating_mul(LISTED_ROOM_BYTES)
                .saturating_add(peers * LISTED_PEER_BYTES),
            messages_per_second: loads.iter().map(ScenarioLoad::messages_per_second).sum(),
            duration,
            duration_max: duration.saturating_add(timeout).saturating_add(profile.phases.drain),
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

impl<'a> ScenarioLoad<'a> {
    /// So many rooms of the largest size.
    fn full(scenario: &'a Scenario, rooms: u64) -> Self {
        let size = u64::from(scenario.rooms.size.max);
        let edges = rooms.saturating_mul(size * (size - 1) / 2);
        Self { scenario, rooms, peers: rooms * size, edges, churn: ChurnArrivals::default() }
    }

    fn guest_edges(&self) -> u64 {
        self.peers.saturating_mul(self.scenario.rooms.guests.into())
    }

    /// Ends of edges here; an edge with a guest has one.
    fn ends(&self) -> u64 {
        self.edges.saturating_mul(2).saturating_add(self.guest_edges())
    }

    /// Frames from one peer to another: an edge takes an offer and an answer, with trickle ICE a candidate each way, and a
    /// reply; a request to join takes one, and its answer another (docs/spec/protocol.md).
    fn frames_between_two(&self) -> u64 {
        let handshake = &self.scenario.handshake;
        let pairs = self.edges.saturating_add(self.guest_edges()).saturating_add(self.churn.edges);
        let newcomers = self.peers - self.rooms.min(self.peers);
        let asked = match handshake.approval {
            Approval::Off => 0,
            Approval::Ignore => newcomers,
            Approval::Approve | Approval::Reject => 2 * newcomers,
        };
        pairs.saturating_mul(if handshake.trickle { 5 } else { 3 }).saturating_add(asked)
    }

    /// A peer announces itself in three frames; a goodbye takes two.
    fn frames_sent(&self) -> u64 {
        let announced = 3 * (self.peers + self.churn.returns);
        self.frames_between_two().saturating_add(announced).saturating_add(2 * self.churn.goodbyes)
    }

    fn frames_addressed(&self) -> u64 {
        let heard = self.ends().saturating_add(self.churn.edges).saturating_mul(3);
        self.frames_between_two().saturating_add(heard).saturating_add(2 * self.churn.goodbyes_heard)
    }

    fn messages_per_second(&self) -> f64 {
        let messages = &self.scenario.messages;
        let each = match messages.pattern {
            MessagePattern::Broadcast => messages.rate,
            MessagePattern::PingPong => 2.0 * messages.rate,
            MessagePattern::None => 0.0,
        };
        each * self.ends() as f64
    }
}

/// The most that each scenario can have, if all rooms are as large as they may be.
fn largest_loads(profile: &Profile) -> Vec<ScenarioLoad<'_>> {
    let size = |scenario: &Scenario| f64::from(scenario.rooms.size.max);
    let rooms_a_peer: f64 = profile.scenarios.iter().map(|scenario| scenario.share / size(scenario)).sum();
    let peers_in_all = f64::from(profile.room_count) / rooms_a_peer;
    let rooms = |scenario: &Scenario| match profile.scenarios.len() {
        1 => profile.room_count.into(),
        // A scenario may be one of its rooms ahead of its share.
        _ => (scenario.share * peers_in_all / size(scenario)).ceil() as u64 + 1,
    };
    profile.scenarios.iter().map(|scenario| ScenarioLoad::full(scenario, rooms(scenario))).collect()
}

impl Plan {
    /// The resources that this plan needs.
    pub fn cost(&self) -> Cost {
        let mut loads: Vec<_> = self.profile.scenarios.iter().map(|scenario| ScenarioLoad::full(scenario, 0)).collect();
        for room in &self.rooms {
            let load = &mut loads[room.scenario];
            load.rooms += 1;
            load.peers += u64::from(room.size());
            load.edges += room.edges();
            load.churn.add(room);
        }
        let last_due = self.rooms.last().and_then(|room| room.due.last()).copied().unwrap_or_default();
        Cost::estimate(&self.profile, &loads, last_due)
    }
}

impl ChurnArrivals {
    fn add(&mut self, room: &RoomPlan) {
        let others = u64::from(room.size()).saturating_sub(1);
        for departure in &room.departures {
            let (returns, goodbye) =
                (u64::from(departure.back.is_some()), u64::from(departure.manner == LeaveManner::Goodbye));
            self.returns += returns;
            self.edges += returns * others;
            self.goodbyes += goodbye;
            self.goodbyes_heard += goodbye * others;
        }
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

fn as_micros<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(micros(*duration))
}
