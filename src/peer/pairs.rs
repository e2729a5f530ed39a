//! A peer's edges: one handshake for each other seat of the room, and their deadlines.

use super::Output;
use super::handshake::{Cue, Handshake};
use crate::vocabulary::ids::Seat;
use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// All handshakes of one peer.
#[derive(Debug)]
pub struct Pairs {
    own: Seat,
    timeout: Duration,
    trickle: bool,
    began: bool,
    edges: Vec<Edge>,
    deadlines: BTreeSet<(Instant, Seat)>,
}

#[derive(Debug, Default)]
struct Edge {
    handshake: Handshake,
    other_began: bool,
    deadline: Option<Instant>,
}

impl Pairs {
    pub fn new(own: Seat, room_size: u16, timeout: Duration, trickle: bool) -> Self {
        let edges = (0..room_size).map(|_| Edge::default()).collect();
        Self { own, timeout, trickle, began: false, edges, deadlines: BTreeSet::new() }
    }

    /// Every seat but this peer's own.
    pub fn others(&self) -> impl Iterator<Item = Seat> + use<> {
        let own = self.own;
        (0..self.edges.len() as u16).map(Seat).filter(move |seat| *seat != own)
    }

    pub fn is_open(&self, seat: Seat) -> bool {
        self.edges.get(usize::from(seat.0)).is_some_and(|edge| edge.handshake.is_open())
    }

    pub fn wake_at(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// This peer begins: the time of its edges to those who began before runs from now.
    pub fn begin(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        self.began = true;
        for seat in self.others() {
            if self.edges[usize::from(seat.0)].other_began {
                self.handle(now, seat, Cue::BothBegan, out);
            }
        }
    }

    /// Another of the room begins.
    pub fn companion(&mut self, now: Instant, seat: Seat, out: &mut VecDeque<Output>) {
        let Some(edge) = self.edges.get_mut(usize::from(seat.0)) else { return };
        edge.other_began = true;
        if self.began {
            self.handle(now, seat, Cue::BothBegan, out);
        }
    }

    /// The same cue for every edge.
    pub fn handle_all(&mut self, now: Instant, cue: &Cue, out: &mut VecDeque<Output>) {
        for seat in self.others() {
            self.handle(now, seat, cue.clone(), out);
        }
    }

    /// A cue for one edge. A seat that the room does not have, or this peer's own, is nobody.
    pub fn handle(&mut self, now: Instant, seat: Seat, cue: Cue, out: &mut VecDeque<Output>) {
        if seat == self.own {
            return;
        }
        let Some(edge) = self.edges.get_mut(usize::from(seat.0)) else { return };
        edge.handshake.handle(seat, self.trickle, cue, out);
        match edge.deadline {
            None if edge.handshake.is_pending() => {
                let deadline = now + self.timeout;
                edge.deadline = Some(deadline);
                self.deadlines.insert((deadline, seat));
            }
            Some(deadline) if edge.handshake.is_decided() => {
                edge.deadline = None;
                self.deadlines.remove(&(deadline, seat));
            }
            _ => {}
        }
    }

    pub fn wake(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        while let Some((deadline, seat)) = self.deadlines.first().copied()
            && deadline <= now
        {
            self.handle(now, seat, Cue::TimeIsUp, out);
        }
    }
}
