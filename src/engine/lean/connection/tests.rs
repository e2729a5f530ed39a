//! Two connections in one process, on a clock of their own, over a wire that loses, repeats, reorders and breaks.

use super::*;
use proptest::prelude::*;
use rand::SeedableRng;
use std::sync::LazyLock;

static IDENTITY: LazyLock<Arc<DtlsIdentity>> = LazyLock::new(|| Arc::new(DtlsIdentity::generate(1).unwrap()));

const PATIENCE: Duration = Duration::from_secs(27);

fn address(end: usize) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4_000 + end as u16))
}

struct World {
    ends: [LeanConnection; 2],
    events: [Vec<EngineEvent>; 2],
    /// Arrival time, receiving end, and datagram.
    wire: Vec<(Instant, usize, Vec<u8>)>,
    drive: Drive,
    dice: ChaCha8Rng,
    began: Instant,
    now: Instant,
    datagrams: usize,
    loss: f64,
    twice: f64,
    late: f64,
    /// Datagrams sent before this time are lost.
    hole_until: Instant,
}

impl World {
    /// End 0 offers.
    fn new(seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        let mut drive = Drive::new(random.clone());
        let common = SharedSettings { identity: IDENTITY.clone(), promise: ChannelPromise::RELIABLE };
        let ends = [true, false].map(|offers| {
            let name = if offers { "0000" } else { "0001" };
            let credentials = Credentials { ufrag: name.into(), password: name.repeat(6).into() };
            LeanConnection::new(offers, credentials, &common, &mut drive)
        });
        let now = Instant::now();
        let (events, dice) = ([vec![], vec![]], random);
        let (loss, twice, late) = (0.0, 0.0, 0.0);
        let (began, hole_until) = (now, now);
        Self { ends, events, wire: vec![], drive, dice, began, now, datagrams: 0, loss, twice, late, hole_until }
    }

    fn describe(&mut self, end: usize, offer: Option<&str>) -> String {
        let offer = offer.map(|offer| Description::read(offer).unwrap());
        self.ends[end].describe(offer.as_ref(), None, &mut self.drive.random)
    }

    fn apply(&mut self, end: usize, text: &str) -> Result<(), &'static str> {
        let description = Description::read(text).unwrap();
        let done = self.ends[end].apply(self.now, &description, PATIENCE, &mut self.drive);
        self.collect(end);
        done
    }

    /// Exchanges descriptions and candidates between both ends.
    fn introduce(&mut self) {
        let offer = self.describe(0, None);
        let answer = self.describe(1, Some(&offer));
        self.apply(1, &offer).unwrap();
        self.add(1);
        self.apply(0, &answer).unwrap();
        self.add(0);
    }

    fn add(&mut self, end: usize) {
        self.ends[end].add_candidate(self.now, address(1 - end), &mut self.drive);
        self.collect(end);
    }

    fn collect(&mut self, from: usize) {
        self.events[from].append(&mut self.drive.events);
        for (to, datagram) in self.drive.out.iter() {
            self.datagrams += 1;
            assert_eq!(to, address(1 - from));
            let copies = if self.dice.random_bool(self.twice) { 2 } else { 1 };
            for _ in 0..copies {
                if self.now < self.hole_until || self.dice.random_bool(self.loss) {
                    continue;
                }
                let delay = if self.dice.random_bool(self.late) { self.dice.random_range(1..50) } else { 1 };
                self.wire.push((self.now + Duration::from_millis(delay), 1 - from, datagram.to_vec()));
            }
        }
        self.drive.out.clear();
    }

    /// Handles the next datagram or timer. `false`: none is left.
    fn step(&mut self) -> bool {
        let arrival =
            self.wire.iter().enumerate().min_by_key(|(_, (at, ..))| *at).map(|(index, (at, ..))| (*at, index));
        let timer = (0..2).filter_map(|end| Some((self.ends[end].wake_at()?, end))).min();
        match (arrival, timer) {
            (Some((at, index)), timer) if timer.is_none_or(|(due, _)| at <= due) => {
                let (_, to, mut datagram) = self.wire.remove(index);
                self.now = self.now.max(at);
                self.ends[to].handle(self.now, address(1 - to), &mut datagram, &mut self.drive);
                self.collect(to);
            }
            (_, Some((due, end))) => {
                self.now = self.now.max(due);
                self.ends[end].wake(self.now, &mut self.drive);
                self.collect(end);
            }
            _ => return false,
        }
        true
    }

    fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let deadline = self.now + limit;
        for _ in 0..1_000_000 {
            if done(self) {
                return true;
            }
            if self.now > deadline || !self.step() {
                return false;
            }
        }
        panic!("a million steps");
    }

    fn are_open(&self) -> bool {
        self.events.iter().all(|events| events.contains(&EngineEvent::Open))
    }

    fn say(&mut self, from: usize, payload: &[u8]) -> bool {
        let sent = self.ends[from].send(self.now, payload, &mut self.drive);
        self.collect(from);
        sent
    }

    fn heard(&self, end: usize) -> Vec<&[u8]> {
        let messages = self.events[end].iter().filter_map(|event| match event {
            EngineEvent::Message(payload) => Some(payload.as_slice()),
            _ => None,
        });
        messages.collect()
    }
}

#[test]
fn two_ends_open_in_twelve_datagrams_and_tell_of_it_in_order() {
    let mut world = World::new(1);
    world.introduce();
    assert!(world.run_until(Duration::from_secs(1), World::are_open), "{:?}", world.events);
    assert_eq!(world.events[0], [EngineEvent::IceUp, EngineEvent::DtlsUp, EngineEvent::Open]);
    assert_eq!(world.events[1], world.events[0]);
    assert!(world.now - world.began < Duration::from_millis(30), "nothing waits for a timer");
    // The last acknowledgement may be delayed; after it no datagram is sent until the first consent check.
    assert!(world.run_until(Duration::from_secs(1), |world| world.datagrams == 12));
    assert!(world.wire.len() == 1 && world.now - world.began < Duration::from_millis(250));
    for (end, text) in [(0, "to the right"), (1, "to the left")] {
        assert!(world.say(end, text.as_bytes()));
        assert!(world.run_until(Duration::from_secs(1), |world| world.heard(1 - end) == [text.as_bytes()]));
    }
}

#[test]
fn messages_of_every_size_arrive_whole() {
    let mut world = World::new(2);
    world.introduce();
    assert!(world.run_until(Duration::from_secs(1), World::are_open));
    for size in [0, 1, 1_200, 16_384, 65_536, 262_144] {
        for from in 0..2 {
            assert!(world.say(from, &vec![7; size]), "{size}");
            let came = |world: &World| world.heard(1 - from).last().is_some_and(|last| last.len() == size);
            assert!(world.run_until(Duration::from_secs(5), came), "{size}");
        }
    }
    assert!(!world.say(0, &vec![7; 262_145]));
}

#[test]
fn a_candidate_that_comes_late_or_never_costs_nothing() {
    let mut world = World::new(3);
    let offer = world.describe(0, None);
    let answer = world.describe(1, Some(&offer));
    world.apply(1, &offer).unwrap();
    world.add(1);
    world.apply(0, &answer).unwrap();
    assert!(world.run_until(Duration::from_secs(1), World::are_open), "the offering end learns it from a check");
}

#[test]
fn an_altered_fingerprint_fails_dtls_at_both_ends() {
    let mut world = World::new(4);
    let offer = world.describe(0, None);
    let answer = world.describe(1, Some(&offer));
    let at = offer.find("sha-256 ").unwrap() + 8;
    let altered = format!("{}{}{}", &offer[..at], "00:00", &offer[at + 5..]);
    world.apply(1, &altered).unwrap();
    world.add(1);
    world.apply(0, &answer).unwrap();
    world.run_until(Duration::from_secs(1), |_| false);
    for events in &world.events {
        assert!(matches!(events.last(), Some(EngineEvent::Failed { reason: Reason::DtlsFailed, .. })), "{events:?}");
    }
}

#[test]
fn an_altered_password_fails_ice_in_time() {
    let mut world = World::new(5);
    let offer = world.describe(0, None);
    let answer = world.describe(1, Some(&offer));
    world.apply(1, &offer.replace("a=ice-pwd:0000", "a=ice-pwd:1111")).unwrap();
    world.add(1);
    world.apply(0, &answer.replace("a=ice-pwd:0001", "a=ice-pwd:1111")).unwrap();
    world.add(0);
    world.run_until(Duration::from_secs(60), |_| false);
    for events in &world.events {
        assert_eq!(*events, [EngineEvent::Failed { reason: Reason::IceFailed, detail: NO_ANSWER.into() }]);
    }
    assert!(world.now - world.began <= PATIENCE);
}

#[test]
fn a_goodbye_closes_the_other_end_with_one_datagram() {
    let mut world = World::new(6);
    world.introduce();
    assert!(world.run_until(Duration::from_secs(1), World::are_open));
    let before = world.datagrams;
    world.ends[0].close(world.now, &mut world.drive);
    world.collect(0);
    assert_eq!(world.datagrams - before, 1);
    assert!(world.run_until(Duration::from_secs(1), |world| world.events[1].contains(&EngineEvent::Closed)));
    assert!(!world.say(1, b"late") && !world.say(0, b"late"));
    assert_eq!(world.ends[0].wake_at(), None);
}

#[test]
fn an_open_channel_survives_a_hole_of_twenty_seconds_and_not_one_of_a_minute() {
    let mut world = World::new(7);
    world.introduce();
    assert!(world.run_until(Duration::from_secs(1), World::are_open));
    world.hole_until = world.now + Duration::from_secs(20);
    assert!(world.say(0, b"through the hole"));
    assert!(world.run_until(Duration::from_secs(60), |world| world.heard(1).len() == 1));
    assert!(!world.events.iter().flatten().any(|event| *event == EngineEvent::Closed));
    world.hole_until = world.now + Duration::from_secs(60);
    world.run_until(Duration::from_secs(60), |_| false);
    assert!(world.events.iter().all(|events| events.last() == Some(&EngineEvent::Closed)));
}

#[test]
fn an_answer_cannot_leave_the_role_open_and_a_second_one_changes_nothing() {
    let mut world = World::new(8);
    let offer = world.describe(0, None);
    let answer = world.describe(1, Some(&offer));
    assert!(world.apply(0, &answer.replace("setup:active", "setup:actpass")).is_err());
    world.apply(0, &answer).unwrap();
    assert!(world.apply(0, &answer).is_err());
}

/// All 300 connections open despite loss, repeats, reordering and outages (issue 23).
#[test]
fn three_hundred_of_three_hundred_open_whatever_the_wire_does() {
    for (loss, twice, late, hole) in
        [(0.05, 0.0, 0.0, 0), (0.2, 0.1, 0.2, 0), (0.0, 0.0, 0.0, 1_000), (0.05, 0.05, 0.1, 1_000)]
    {
        for seed in 0..300 {
            let mut world = World::new(seed);
            (world.loss, world.twice, world.late) = (loss, twice, late);
            // The outage begins at some point of the handshake.
            let begins = world.now + Duration::from_millis(seed % 16);
            world.introduce();
            world.run_until(begins - world.now, World::are_open);
            world.hole_until = world.now + Duration::from_millis(hole);
            let opened = world.run_until(PATIENCE, World::are_open);
            assert!(opened, "seed {seed}, loss {loss}: {:?} after {:?}", world.events, world.now - world.began);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn messages_arrive_once_and_in_order(seed: u64, loss in 0.0..0.3, twice in 0.0..0.3, late in 0.0..0.5) {
        let mut world = World::new(seed);
        world.introduce();
        prop_assert!(world.run_until(Duration::from_secs(1), World::are_open));
        (world.loss, world.twice, world.late) = (loss, twice, late);
        for number in 0..50_u8 {
            prop_assert!(world.say(usize::from(number % 2), &vec![number; 1 + usize::from(number) * 40]));
        }
        let all = |world: &World| (0..2).all(|end| world.heard(end).len() == 25);
        prop_assert!(world.run_until(Duration::from_secs(600), all));
        for end in 0..2 {
            let numbers: Vec<u8> = world.heard(end).iter().map(|payload| payload[0]).collect();
            let sent: Vec<u8> = (0..50).filter(|number| usize::from(number % 2) != end).collect();
            prop_assert_eq!(numbers, sent);
        }
    }

    #[test]
    fn garbage_on_the_way_harms_nothing(seed: u64, garbage in proptest::collection::vec(any::<u8>(), 1..100)) {
        let mut world = World::new(seed);
        world.introduce();
        while !world.are_open() {
            for end in 0..2 {
                let mut garbage = garbage.clone();
                world.ends[end].handle(world.now, address(1 - end), &mut garbage, &mut world.drive);
                world.collect(end);
            }
            prop_assert!(world.step());
        }
    }
}
