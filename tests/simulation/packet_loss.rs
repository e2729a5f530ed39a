//! One edge over a network that loses datagrams, on a virtual clock: every timer of the core that matters is served.

use bytes::BytesMut;
use meshload::engine::{Drained, RtcConnection};
use meshload::vocabulary::{EngineEvent, Seed};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use support::two_ends::{address, setup, two_ends};

/// One way.
const LATENCY: Duration = Duration::from_millis(3);

/// What may happen while one span of time passes: far more than ever does.
const STEPS_MAX: usize = 100_000;

struct World {
    ends: [RtcConnection; 2],
    wire: BTreeMap<(Instant, u64), (usize, BytesMut)>,
    now: Instant,
    /// Datagrams so far, so that those of one time keep their order.
    datagrams: u64,
    draws: ChaCha8Rng,
    /// The share of datagrams that are lost.
    loss: f64,
    open: [bool; 2],
    heard: [Vec<Vec<u8>>; 2],
    /// How often an end's timers were served.
    served: u64,
}

impl World {
    fn new(seed: u64, loss: f64) -> Self {
        let now = Instant::now();
        let mut world = Self {
            ends: two_ends(&setup(), now),
            wire: BTreeMap::new(),
            now,
            datagrams: 0,
            draws: Seed(seed).stream("loss", 0),
            loss,
            open: [false; 2],
            heard: [vec![], vec![]],
            served: 0,
        };
        world.drain(0);
        world.drain(1);
        world
    }

    /// Lets happen all that is due within `time`.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..STEPS_MAX {
            let arrival = self.wire.first_key_value().map(|((at, _), _)| *at);
            let [first, second] = self.ends.each_mut().map(RtcConnection::wake_at);
            let Some(next) = [arrival, first, second].into_iter().flatten().min().filter(|next| *next <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let (_, (to, datagram)) = self.wire.pop_first().expect("a datagram");
                self.ends[to].receive(self.now, address(to), address(1 - to), &datagram).expect("the other's datagram");
                self.drain(to);
                continue;
            }
            let end = usize::from(first != Some(next));
            self.served += 1;
            self.ends[end].tick(self.now).expect("a timer");
            self.drain(end);
        }
        panic!("more than {STEPS_MAX} things happened in {time:?}");
    }

    fn drain(&mut self, end: usize) {
        let mut drained = Drained::default();
        self.ends[end].drain(self.now, &mut drained);
        for (_, datagram) in drained.datagrams {
            self.datagrams += 1;
            if !self.draws.random_bool(self.loss) {
                self.wire.insert((self.now + LATENCY, self.datagrams), (1 - end, datagram));
            }
        }
        for notice in drained.notices {
            match notice {
                EngineEvent::Open => self.open[end] = true,
                EngineEvent::Message(payload) => self.heard[end].push(payload),
                EngineEvent::Failed { detail, .. } => panic!("end {end} failed: {detail}"),
                EngineEvent::Closed => panic!("end {end} closed"),
                _ => {}
            }
        }
    }

    fn say(&mut self, end: usize, payload: &[u8]) {
        assert!(self.ends[end].send(self.now, payload), "no room for a message");
        self.drain(end);
    }
}

#[test]
fn every_message_arrives_in_order_however_many_datagrams_are_lost() {
    for seed in 0..100 {
        let mut world = World::new(seed, 0.1);
        world.pass(Duration::from_secs(30));
        assert_eq!(world.open, [true; 2], "seed {seed}");
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
fn a_message_that_was_lost_is_sent_again_after_a_second() {
    let mut world = World::new(1, 0.0);
    world.pass(Duration::from_secs(20));
    world.loss = 1.0;
    world.say(0, &[7; 64]);
    world.loss = 0.0;
    world.pass(Duration::from_millis(950));
    assert!(world.heard[1].is_empty());
    world.pass(Duration::from_millis(100));
    assert_eq!(world.heard[1].len(), 1);
}

#[test]
fn an_open_channel_is_not_served_more_often_than_something_can_be_due() {
    let mut world = World::new(1, 0.0);
    world.pass(Duration::from_secs(20));
    assert_eq!(world.open, [true; 2]);
    let served_in = |world: &mut World, rounds: u32, traffic: bool| {
        let before = world.served;
        for _ in 0..rounds {
            if traffic {
                world.say(0, &[7; 64]);
            }
            world.pass(Duration::from_secs(1));
        }
        world.served - before
    };
    // Both ends ask for consent each 5 s, or look for it.
    let idle = served_in(&mut world, 60, false);
    assert!((12..=26).contains(&idle), "{idle} times in a minute");
    // And the one that hears acknowledges each message on its own.
    let talking = served_in(&mut world, 60, true);
    assert!((60..=60 + 26).contains(&talking), "{talking} times in a minute");
    assert_eq!(world.heard[1].len(), 60);
}
