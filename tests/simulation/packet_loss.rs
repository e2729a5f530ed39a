//! Edges over a network that loses, doubles and reorders datagrams, on a virtual clock: all of them open,
//! and what is open stays so.

use meshload::engine::lean::connection::{LeanConnection, SharedSettings};
use meshload::engine::lean::drive::Drive;
use meshload::engine::lean::ice::Credentials;
use meshload::engine::lean::identity::DtlsIdentity;
use meshload::engine::lean::sctp::ChannelPromise;
use meshload::engine::lean::sdp::Description;
use meshload::vocabulary::EngineEvent;
use meshload::vocabulary::seed::Seed;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Latency one way; a later datagram may come sooner by up to `Weather::jitter`.
const LATENCY: Duration = Duration::from_millis(3);

/// Handshake timeout of the profiles; ICE gives up a little earlier.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Most events in one `pass`, far more than any test has.
const STEPS_MAX: usize = 100_000;

/// Faults that the network adds to a datagram.
#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    loss: f64,
    duplicates: f64,
    jitter: Duration,
}

struct World {
    ends: [LeanConnection; 2],
    drives: [Drive; 2],
    wire: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    now: Instant,
    /// Datagrams so far, so that those of one time keep their order.
    datagrams: u64,
    draws: ChaCha8Rng,
    weather: Weather,
    open: [bool; 2],
    heard: [Vec<Vec<u8>>; 2],
    /// Number of times that an end's timers were served.
    served: u64,
    /// Reason for which an end has closed or failed.
    over: Option<String>,
}

impl World {
    fn new(identity: &Arc<DtlsIdentity>, seed: u64, weather: Weather) -> Self {
        let now = Instant::now();
        let common = SharedSettings { identity: identity.clone(), promise: ChannelPromise::RELIABLE };
        let mut drives = [0, 1].map(|end| Drive::new(Seed(seed).stream("ends", end)));
        let ends = [0, 1].map(|end: usize| {
            let credentials = Credentials { ufrag: format!("{end:04x}beef").into(), password: "0".repeat(32).into() };
            LeanConnection::new(end == 0, credentials, &common, &mut drives[end])
        });
        let mut world = Self {
            ends,
            drives,
            wire: BTreeMap::new(),
            now,
            datagrams: 0,
            draws: Seed(seed).stream("loss", 0),
            weather,
            open: [false; 2],
            heard: [vec![], vec![]],
            served: 0,
            over: None,
        };
        world.describe();
        world
    }

    fn describe(&mut self) {
        let (now, patience) = (self.now, TIMEOUT.mul_f64(0.9));
        let offer = self.ends[0].describe(None, None, &mut self.drives[0].random);
        let offer = Description::read(&offer).expect("an offer");
        let answer = self.ends[1].describe(Some(&offer), None, &mut self.drives[1].random);
        let answer = Description::read(&answer).expect("an answer");
        self.ends[1].apply(now, &offer, patience, &mut self.drives[1]).expect("an offer that fits");
        self.ends[0].apply(now, &answer, patience, &mut self.drives[0]).expect("an answer that fits");
        for end in 0..2 {
            self.ends[end].add_candidate(now, address(1 - end), &mut self.drives[end]);
            self.drain(end);
        }
    }

    /// Runs all events that are due within `time`.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..STEPS_MAX {
            let arrival = self.wire.first_key_value().map(|((at, _), _)| *at);
            let [first, second] = self.ends.each_ref().map(LeanConnection::wake_at);
            let Some(next) = [arrival, first, second].into_iter().flatten().min().filter(|next| *next <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let (_, (to, mut datagram)) = self.wire.pop_first().expect("a datagram");
                self.ends[to].handle(self.now, address(1 - to), &mut datagram, &mut self.drives[to]);
                self.drain(to);
                continue;
            }
            let end = usize::from(first != Some(next));
            self.served += 1;
            self.ends[end].wake(self.now, &mut self.drives[end]);
            self.drain(end);
        }
        panic!("more than {STEPS_MAX} things happened in {time:?}");
    }

    fn drain(&mut self, end: usize) {
        for (to, datagram) in self.drives[end].out.iter() {
            assert_eq!(to, address(1 - end));
            if self.draws.random_bool(self.weather.loss) {
                continue;
            }
            for _ in 0..=u8::from(self.draws.random_bool(self.weather.duplicates)) {
                self.datagrams += 1;
                let jitter = self.weather.jitter.mul_f64(self.draws.random());
                self.wire.insert((self.now + LATENCY + jitter, self.datagrams), (1 - end, datagram.to_vec()));
            }
        }
        self.drives[end].out.clear();
        for event in self.drives[end].events.drain(..) {
            match event {
                EngineEvent::Open => self.open[end] = true,
                EngineEvent::Message(payload) => self.heard[end].push(payload),
                EngineEvent::Closed | EngineEvent::Failed { .. } => self.over = Some(format!("end {end}: {event:?}")),
                _ => {}
            }
        }
    }

    fn say(&mut self, end: usize, payload: &[u8]) {
        assert!(self.ends[end].send(self.now, payload, &mut self.drives[end]), "no room for a message");
        self.drain(end);
    }

    fn is_open(&self) -> bool {
        self.open == [true; 2] && self.over.is_none()
    }
}

fn address(end: usize) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 40_001 + end as u16).into()
}

fn identity() -> Arc<DtlsIdentity> {
    Arc::new(DtlsIdentity::generate(1).expect("a certificate"))
}

/// Three hundred handshakes, each with draws of its own, all of which open within their timeout.
fn all_open(weather: Weather, hole: Option<Duration>) {
    let identity = identity();
    let mut slowest = Duration::ZERO;
    for seed in 0..300 {
        let mut world = World::new(&identity, seed, weather);
        let began = world.now;
        if let Some(length) = hole {
            // Anywhere in the handshake, which takes 9 latencies.
            world.pass(LATENCY.mul_f64(9.0 * seed as f64 / 300.0));
            let before = std::mem::replace(&mut world.weather, Weather { loss: 1.0, ..weather });
            world.pass(length);
            world.weather = before;
        }
        while !world.is_open() {
            assert!(world.over.is_none() && world.now < began + TIMEOUT, "{weather:?}, seed {seed}: {:?}", world.over);
            world.pass(Duration::from_millis(10));
        }
        slowest = slowest.max(world.now - began);
    }
    println!("{weather:?}, {hole:?}: 300 of 300, the slowest after {slowest:?}");
}

#[test]
fn every_handshake_opens_however_many_datagrams_are_lost() {
    for loss in [0.0, 0.05, 0.2] {
        all_open(Weather { loss, ..Weather::default() }, None);
    }
}

#[test]
fn every_handshake_opens_with_datagrams_that_are_doubled_and_reordered() {
    for loss in [0.0, 0.05, 0.2] {
        all_open(Weather { loss, duplicates: 0.3, jitter: Duration::from_millis(20) }, None);
    }
}

#[test]
fn every_handshake_opens_after_a_black_hole_of_a_second() {
    for loss in [0.0, 0.05] {
        all_open(Weather { loss, ..Weather::default() }, Some(Duration::from_secs(1)));
    }
}

#[test]
fn every_message_arrives_in_order_however_many_datagrams_are_lost() {
    let identity = identity();
    for seed in 0..100 {
        let mut world = World::new(&identity, seed, Weather { loss: 0.1, ..Weather::default() });
        world.pass(TIMEOUT);
        assert!(world.is_open(), "seed {seed}: {:?}", world.over);
        let said: Vec<Vec<u8>> = (0_u64..40).map(|ordinal| ordinal.to_be_bytes().repeat(3)).collect();
        for (ordinal, payload) in said.iter().enumerate() {
            world.say(0, payload);
            if ordinal % 3 == 0 {
                world.say(1, payload);
            }
            // Closer than an acknowledgement may be held back, and farther apart.
            world.pass(Duration::from_millis([40, 150, 700][ordinal % 3]));
        }
        world.pass(Duration::from_secs(60));
        let answers: Vec<Vec<u8>> = said.iter().step_by(3).cloned().collect();
        assert_eq!((&world.heard[1], &world.heard[0]), (&said, &answers), "seed {seed}");
    }
}

#[test]
fn an_open_channel_survives_a_hole_shorter_than_its_consent_and_not_a_longer_one() {
    let identity = identity();
    for (seconds, survives) in [(1, true), (10, true), (24, true), (40, false)] {
        let mut world = World::new(&identity, 1, Weather::default());
        world.pass(Duration::from_secs(20));
        assert!(world.is_open());
        world.weather.loss = 1.0;
        world.say(0, b"into the hole");
        world.pass(Duration::from_secs(seconds));
        world.weather.loss = 0.0;
        world.pass(Duration::from_secs(30));
        assert_eq!((world.is_open(), world.heard[1].len()), (survives, usize::from(survives)), "{seconds} s");
    }
}

#[test]
fn a_message_that_was_lost_is_sent_again_within_half_a_second() {
    let mut world = World::new(&identity(), 1, Weather::default());
    world.pass(Duration::from_secs(20));
    world.weather.loss = 1.0;
    world.say(0, &[7; 64]);
    world.weather.loss = 0.0;
    world.pass(Duration::from_millis(390));
    assert!(world.heard[1].is_empty());
    world.pass(Duration::from_millis(120));
    assert_eq!(world.heard[1].len(), 1);
}

#[test]
fn an_open_channel_is_not_served_more_often_than_something_can_be_due() {
    let mut world = World::new(&identity(), 1, Weather::default());
    world.pass(Duration::from_secs(20));
    assert!(world.is_open());
    let served_in = |world: &mut World, rounds: u32, talk: bool| {
        let before = world.served;
        for _ in 0..rounds {
            if talk {
                world.say(0, &[7; 64]);
            }
            world.pass(Duration::from_secs(1));
        }
        world.served - before
    };
    // Both ends ask for consent each 5 s, or look for it.
    let idle = served_in(&mut world, 60, false);
    assert!((1..=30).contains(&idle), "{idle} times in a minute");
    // And the one that hears acknowledges each message on its own.
    let talking = served_in(&mut world, 60, true);
    assert!((60..=60 + 30).contains(&talking), "{talking} times in a minute");
    assert_eq!(world.heard[1].len(), 60);
}
