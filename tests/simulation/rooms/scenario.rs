//! Differences from seed to seed: the choices of the profile, the arrivals, the network and the mishaps.

use super::foreign::Flaw;
use meshload::dialect::Dialect;
use meshload::server::faults::FaultRule;
use meshload::server::{RoomModel, Routing};
use meshload::vocabulary::{Initiator, Naming, PeerIndex, Place, RoomIndex, Seat, Seed, Trigger};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Scenario {
    pub seed: Seed,
    pub kind: RoomModel,
    pub routing: Routing,
    pub list_interval: Duration,
    pub trigger: Trigger,
    pub initiator: Initiator,
    pub trickle: bool,
    pub settle: Duration,
    pub timeout: Duration,
    /// The longest that a frame travels one way.
    pub delay_max: Duration,
    /// `NoneEngine` opens the channels; else the stand-in, which takes its time.
    pub no_webrtc: bool,
    /// When each seat of each room begins, from the start; never decreasing within a room.
    pub rooms: Vec<Vec<Duration>>,
    /// One for each peer.
    pub fates: Vec<Fate>,
    /// Connections in a thousand that never get through the network.
    pub lame_per_mille: u32,
    /// Faults of the server.
    pub rules: Vec<FaultRule>,
    /// A peer that lost its socket after it had joined dials again.
    pub redials: bool,
    /// Other mishaps, with their times.
    pub turns: Vec<Turn>,
    /// Another server than the reference one, with its dialect.
    pub foreign: Option<Foreign>,
    /// Frames that the server makes up and sends to every peer, and when.
    pub made_up: Vec<(Duration, String)>,
}

/// A server of another dialect, and its fault.
#[derive(Clone, Copy, Debug)]
pub struct Foreign {
    pub dialect: &'static str,
    pub flaw: Flaw,
}

#[derive(Clone, Copy, Debug)]
pub struct Turn {
    pub at: Duration,
    /// The peer's position in the plan.
    pub peer: usize,
    pub deed: Deed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Depart {
        silent: bool,
    },
    Return,
    /// Its socket closes.
    Cut,
    /// The server is killed, and comes back with nothing remembered.
    Restart {
        down: Duration,
    },
    /// It leaves with all others.
    End,
}

/// Mishap of a peer. Times count from its dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Healthy,
    /// Its frames vanish in the server.
    Mute,
    /// Frames to it vanish in the server.
    Numb,
    /// Its dial is never answered.
    Unanswered,
    /// Its dial is refused.
    Refused,
    /// Its socket closes.
    Cut(Duration),
    /// It leaves by plan.
    Leaves(Duration),
}

impl Scenario {
    pub fn drawn(seed: u64) -> Self {
        let seed = Seed(seed);
        let draws = &mut seed.stream("scenario", 0);
        let gap_max = *[0, 0, 1, 20, 200].choose(draws).unwrap();
        let rooms: Vec<Vec<Duration>> = (0..draws.random_range(1..=3)).map(|_| arrivals(gap_max, draws)).collect();
        let peers = rooms.iter().map(Vec::len).sum();
        let faulty = draws.random_bool(0.5);
        let mut fates = vec![Fate::Healthy; peers];
        if faulty {
            let rate = draws.random_range(0.05..0.5);
            fates.fill_with(|| if draws.random_bool(rate) { mishap(draws) } else { Fate::Healthy });
        }
        Self {
            seed,
            kind: *[RoomModel::Relay, RoomModel::Registry].choose(draws).unwrap(),
            routing: *[Routing::All, Routing::Room].choose(draws).unwrap(),
            list_interval: millis(*[0, 10, 100, 1_000].choose(draws).unwrap()),
            trigger: *Trigger::ALL.choose(draws).unwrap(),
            initiator: *[Initiator::LowerId, Initiator::Existing, Initiator::Newcomer].choose(draws).unwrap(),
            trickle: draws.random(),
            settle: millis(*[0, 0, 1, 50, 300].choose(draws).unwrap()),
            timeout: millis(10_000),
            delay_max: millis(*[0, 1, 20, 150].choose(draws).unwrap()),
            no_webrtc: draws.random_bool(0.2),
            rooms,
            fates,
            lame_per_mille: if faulty { *[0, 100].choose(draws).unwrap() } else { 0 },
            rules: vec![],
            redials: false,
            turns: vec![],
            foreign: None,
            made_up: vec![],
        }
    }

    /// The same with a server that names 200 strangers beside one peer of each room, as soon as any has joined, and again.
    pub fn crowded(seed: u64) -> Self {
        let mut scenario = Self::drawn(seed);
        scenario.fates.fill(Fate::Healthy);
        scenario.trigger = Trigger::UserJoinedRoom;
        let draws = &mut scenario.seed.stream("crowded", 0);
        let strangers: Vec<String> =
            (0..200).map(|index| format!(r#"{{"id":"stranger-{index}","name":""}}"#)).collect();
        let mut first = 0;
        for (room, begins) in scenario.rooms.iter().enumerate() {
            let peer = Naming::new("s", scenario.fates.len() as u32).peer(PeerIndex(first));
            first += begins.len() as u32;
            for _ in 0..4 {
                let frame = format!(
                    r#"{{"type":"user-joined-room","channel":"webrtc-dashboard-rooms","sender":"{peer}","data":{{"roomId":"s-room-{room}","userId":"{peer}","existingParticipants":[{}]}}}}"#,
                    strangers.join(",")
                );
                scenario.made_up.push((begins[0] + millis(draws.random_range(0..600)), frame));
            }
        }
        scenario
    }

    /// The same with nothing wrong but churn: peers leave and come back; `troubled`: sockets are cut and the server
    /// restarts besides.
    pub fn lively(seed: u64, troubled: bool) -> Self {
        let mut scenario = Self::drawn(seed);
        scenario.fates.fill(Fate::Healthy);
        scenario.lame_per_mille = 0;
        scenario.redials = true;
        let draws = &mut scenario.seed.stream("lively", 0);
        let last = scenario.rooms.iter().flatten().copied().max().unwrap_or_default();
        for peer in 0..scenario.fates.len() {
            // From then on all is settled, as in a run's steady phase.
            let mut at = last + millis(11_000 + draws.random_range(0..4_000));
            for _ in 0..draws.random_range(0..=2) {
                let silent = draws.random_bool(0.3);
                scenario.turns.push(Turn { at, peer, deed: Deed::Depart { silent } });
                at += millis(draws.random_range(1_000..3_000));
                scenario.turns.push(Turn { at, peer, deed: Deed::Return });
                at += millis(draws.random_range(0..4_000));
            }
            if troubled && draws.random_bool(0.3) {
                let at = last + millis(draws.random_range(0..20_000));
                scenario.turns.push(Turn { at, peer, deed: Deed::Cut });
            }
        }
        if troubled {
            let (at, down) = (last + millis(draws.random_range(0..20_000)), millis(draws.random_range(0..3_000)));
            scenario.turns.push(Turn { at, peer: 0, deed: Deed::Restart { down } });
        }
        scenario
    }

    /// Nothing goes wrong, so every edge has to open.
    pub fn must_open(&self) -> bool {
        self.is_healthy() && !self.is_hopeless()
    }

    pub fn is_healthy(&self) -> bool {
        self.lame_per_mille == 0 && self.fates.iter().all(|fate| *fate == Fate::Healthy)
    }

    /// A relay sends no lists, so nothing can start an edge.
    pub fn is_hopeless(&self) -> bool {
        self.kind == RoomModel::Relay && self.trigger == Trigger::RoomList
    }

    /// Every peer with the size of its room and when it begins, in the order of their indices.
    pub fn peers(&self) -> impl Iterator<Item = (Place, u16, Duration)> {
        let seats = self.rooms.iter().enumerate().flat_map(|(room, begins)| {
            let size = begins.len() as u16;
            begins.iter().enumerate().map(move |(seat, begin)| (room as u32, seat as u16, size, *begin))
        });
        seats.enumerate().map(|(index, (room, seat, size, begin))| {
            (Place { room: RoomIndex(room), seat: Seat(seat), peer: PeerIndex(index as u32) }, size, begin)
        })
    }

    pub fn dialect(&self) -> Dialect {
        Dialect::named(self.foreign.map_or("dashboard", |foreign| foreign.dialect)).unwrap()
    }

    pub fn brief(&self) -> String {
        let Self { foreign, kind, routing, trigger, initiator, trickle, settle, delay_max, list_interval, .. } = self;
        let sizes: Vec<usize> = self.rooms.iter().map(Vec::len).collect();
        format!(
            "{foreign:?}, {kind:?}, routing {routing:?}, {trigger:?}, {initiator:?} offers, trickle {trickle}, settle {settle:?}, \
             delays to {delay_max:?}, lists {list_interval:?}, rooms of {sizes:?}, healthy {}",
            self.is_healthy()
        )
    }
}

fn arrivals(gap_max: u64, draws: &mut ChaCha8Rng) -> Vec<Duration> {
    // Small rooms are most of the seeds, as they are quick to play and their failures quick to read.
    let size_max = *[2, 3, 4, 8].choose(draws).unwrap();
    let size = draws.random_range(2..=size_max);
    let mut at = millis(draws.random_range(0..=gap_max));
    let mut begins = vec![];
    for seat in 0..size {
        begins.push(at);
        at += Duration::from_micros(draws.random_range(0..=gap_max * 1_000));
        // A latecomer finds a room that has long been complete.
        if seat + 2 == size && draws.random_bool(0.2) {
            at += millis(draws.random_range(1_000..7_000));
        }
    }
    begins
}

fn mishap(draws: &mut ChaCha8Rng) -> Fate {
    // Handshakes last a second at most, so most mishaps have to fall into the first one to matter.
    let latest = *[10, 100, 1_000, 9_000].choose(draws).unwrap();
    let at = Duration::from_micros(draws.random_range(0..latest * 1_000));
    *[Fate::Mute, Fate::Numb, Fate::Unanswered, Fate::Refused, Fate::Cut(at), Fate::Cut(at), Fate::Leaves(at)]
        .choose(draws)
        .unwrap()
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
