//! Two ends of one edge in one process, on a clock of their own: what one says, the other hears at once.

use crate::two_ends::{address, two_ends};
use bytes::BytesMut;
use meshload::engine::{Drained, RtcConnection, RtcSetup};
use meshload::vocabulary::EngineEvent;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// More than any handshake takes; one that does is stuck.
const STEPS_MAX: usize = 10_000;

/// An edge whose channel is open on both ends.
pub struct Edge {
    ends: [RtcConnection; 2],
    wire: VecDeque<(usize, BytesMut)>,
    drained: Drained,
    began: Instant,
    now: Instant,
    pub datagrams: usize,
    pub delivered: usize,
    opened: usize,
}

impl Edge {
    pub fn open(setup: &RtcSetup) -> Self {
        Self::open_abreast(setup, 1).remove(0)
    }

    /// Edges that take turns, a batch of datagrams each, as the edges of a room do.
    pub fn open_abreast(setup: &RtcSetup, edges: usize) -> Vec<Self> {
        let mut abreast: Vec<Self> = (0..edges).map(|_| Self::begin(setup)).collect();
        for _ in 0..STEPS_MAX {
            if abreast.iter().all(|edge| edge.opened == 2 && edge.wire.is_empty()) {
                return abreast;
            }
            for edge in &mut abreast {
                if !edge.deliver() {
                    edge.turn_clock();
                }
            }
        }
        panic!("edges in memory did not open in {STEPS_MAX} turns");
    }

    /// What the clock was turned by until the channel was open: waiting for timers, where nothing should wait.
    pub fn waited(&self) -> Duration {
        self.now - self.began
    }

    fn begin(setup: &RtcSetup) -> Self {
        let now = Instant::now();
        let ends = two_ends(setup, now);
        let wire = VecDeque::new();
        let mut edge =
            Self { ends, wire, drained: Drained::default(), began: now, now, datagrams: 0, delivered: 0, opened: 0 };
        edge.drain(0);
        edge.drain(1);
        edge
    }

    /// Puts a message into the channel of `end`; `settle` carries it.
    fn put(&mut self, end: usize, payload: &[u8]) -> bool {
        self.ends[end].send(self.now, payload)
    }

    /// Passes datagrams until nobody has one to send.
    fn settle(&mut self) {
        while self.deliver() {}
    }

    /// Gives one end what has come for it. Like a socket: all that has come is taken in before anything is answered.
    fn deliver(&mut self) -> bool {
        let Some((to, _)) = self.wire.front() else { return false };
        let to = *to;
        while let Some((_, datagram)) = self.wire.pop_front_if(|(next, _)| *next == to) {
            let (local, from) = (address(to), address(1 - to));
            self.ends[to].receive(self.now, local, from, &datagram).expect("the other end's datagram");
        }
        self.drain(to);
        true
    }

    /// To the next timer.
    fn turn_clock(&mut self) {
        if self.opened == 2 {
            return;
        }
        let now = self.now;
        let next = self.ends.iter_mut().filter_map(RtcConnection::wake_at).min();
        self.now = next.map_or(now, |next| next.max(now));
        for end in 0..2 {
            if self.ends[end].wake_at().is_some_and(|at| at <= self.now) {
                self.ends[end].tick(self.now).expect("a timer");
                self.drain(end);
            }
        }
    }

    fn drain(&mut self, end: usize) {
        self.ends[end].drain(self.now, &mut self.drained);
        self.datagrams += self.drained.datagrams.len();
        self.wire.extend(self.drained.datagrams.drain(..).map(|(_, datagram)| (1 - end, datagram)));
        for notice in self.drained.notices.drain(..) {
            match notice {
                EngineEvent::Open => self.opened += 1,
                EngineEvent::Message(_) => self.delivered += 1,
                EngineEvent::Failed { detail, .. } => panic!("an edge in memory failed: {detail}"),
                _ => {}
            }
        }
    }
}

/// Messages of 64 bytes delivered for each second of CPU, `burst` at a time over each of so many edges in turn.
pub fn messages_per_cpu_second(setup: &RtcSetup, edges: usize, burst: usize) -> f64 {
    let mut edges: Vec<Edge> = (0..edges).map(|_| Edge::open(setup)).collect();
    let before = cpu_seconds();
    for _ in 0..480_000 / edges.len() / burst {
        for edge in &mut edges {
            for _ in 0..burst {
                edge.put(0, &[7; 64]);
            }
            edge.drain(0);
            edge.settle();
        }
    }
    let delivered: usize = edges.iter().map(|edge| edge.delivered).sum();
    delivered as f64 / (cpu_seconds() - before)
}

/// CPU that this thread has used so far (proc_pid_schedstat: nanoseconds first).
pub fn cpu_seconds() -> f64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedstat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

/// Memory that this process holds now, in pages of 4 KiB (proc_pid_statm(5)).
pub fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4_096
}
