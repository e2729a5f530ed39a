//! Two associations and the network between them, on a virtual clock.

use meshload::engine::lean::drive::Packets;
use meshload::engine::lean::sctp::{Association, ChannelPromise, Config, Draws, SctpEvent};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub const PPID: u32 = 53;

/// Most events in one `pass`, far more than any test has.
const STEPS_MAX: usize = 2_000_000;

/// Faults that the network adds to a packet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    pub loss: f64,
    pub duplicates: f64,
    /// Most delay one way beside the latency, in milliseconds; a later packet may come sooner.
    pub jitter_ms: u64,
}

pub type Tap = Box<dyn FnMut(usize, &[u8]) -> bool>;

pub struct World {
    pub ends: [Association; 2],
    pub now: Instant,
    pub weather: Weather,
    pub heard: [Vec<Vec<u8>>; 2],
    pub told: [Vec<String>; 2],
    pub packets: u64,
    /// Called with each packet before it is sent; `false`: it is lost.
    pub tap: Tap,
    wire: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    draws: ChaCha8Rng,
    out: Packets,
}

pub fn config() -> Config {
    Config { ports: (5000, 5000), send_bytes_max: 262_144, receive_bytes_max: 262_144 }
}

impl World {
    pub fn new(seed: u64, weather: Weather) -> Self {
        let mut draws = ChaCha8Rng::seed_from_u64(seed);
        let ends = [0; 2].map(|_| {
            let draws = Draws { tag: draws.random(), tsn: draws.random(), cookie: draws.random() };
            Association::new(config(), draws)
        });
        Self {
            ends,
            now: Instant::now(),
            weather,
            heard: [vec![], vec![]],
            told: [vec![], vec![]],
            packets: 0,
            tap: Box::new(|_, _| true),
            wire: BTreeMap::new(),
            draws,
            out: Packets::default(),
        }
    }

    /// As `new`, and both ends begin at once.
    pub fn connected(seed: u64, weather: Weather) -> Self {
        let mut world = Self::new(seed, Weather::default());
        world.connect(0, Duration::ZERO);
        world.connect(1, Duration::ZERO);
        world.pass(Duration::from_secs(1));
        assert!(world.stands(), "seed {seed}");
        world.weather = weather;
        world
    }

    pub fn connect(&mut self, end: usize, pause: Duration) {
        self.ends[end].connect(self.now, pause);
        self.flush(end);
    }

    pub fn say(&mut self, end: usize, stream: u16, promise: ChannelPromise, payload: &[u8]) -> bool {
        let said = self.ends[end].send(self.now, stream, PPID, promise, payload);
        self.flush(end);
        said
    }

    pub fn flush(&mut self, end: usize) {
        self.out.clear();
        self.ends[end].flush(self.now, &mut self.out);
        for (_, packet) in self.out.iter() {
            assert!(packet.len() <= 1_188, "{}", packet.len());
            if !(self.tap)(end, packet) || self.draws.random_bool(self.weather.loss) {
                continue;
            }
            let copies = 1 + u64::from(self.draws.random_bool(self.weather.duplicates));
            for _ in 0..copies {
                let jitter = self.draws.random_range(0..=self.weather.jitter_ms);
                self.packets += 1;
                let at = self.now + Duration::from_millis(1 + jitter);
                self.wire.insert((at, self.packets), (1 - end, packet.to_vec()));
            }
        }
    }

    /// Hands one packet to an end, as if it had come.
    pub fn feed(&mut self, end: usize, packet: &[u8]) {
        let mut events = vec![];
        let done = self.ends[end].handle(self.now, packet, &mut events);
        for event in events {
            match event {
                SctpEvent::Message { payload, .. } => self.heard[end].push(payload),
                other => self.told[end].push(format!("{other:?}")),
            }
        }
        self.told[end].extend(done.err().map(|ended| format!("{ended:?}")));
        self.flush(end);
    }

    /// Runs all events that are due within `time`.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..STEPS_MAX {
            let arrival = self.wire.first_key_value().map(|((at, _), _)| *at);
            let [first, second] = self.ends.each_ref().map(Association::wake_at);
            let Some(next) = [arrival, first, second].into_iter().flatten().min().filter(|next| *next <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let (_, (to, packet)) = self.wire.pop_first().expect("a packet");
                self.feed(to, &packet);
                continue;
            }
            let end = usize::from(first != Some(next));
            let done = self.ends[end].wake(self.now);
            self.told[end].extend(done.err().map(|ended| format!("{ended:?}")));
            self.flush(end);
        }
        panic!("more than {STEPS_MAX} things happened in {time:?}");
    }

    /// `true`: both ends are established and have told of nothing but messages.
    pub fn stands(&self) -> bool {
        self.ends.iter().all(Association::is_established) && self.told.iter().all(Vec::is_empty)
    }

    /// `true`: no packet is on its way and no timer runs.
    pub fn is_quiet(&self) -> bool {
        self.wire.is_empty() && self.ends.iter().all(|end| end.wake_at().is_none())
    }
}
