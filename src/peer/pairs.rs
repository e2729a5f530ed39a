//! A peer's edges: one handshake for each other seat of the room, and their deadlines.

use super::handshake::{Handshake, HandshakeInput};
use super::ports::Output;
use crate::vocabulary::{EngineCommand, Seat};
use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// All handshakes of one peer.
#[derive(Debug)]
pub(super) struct Pairs {
    own: Seat,
    timeout: Duration,
    trickle: bool,
    /// The first guest's seat.
    guests_from: usize,
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
    pub(super) fn new(own: Seat, room_size: u16, timeout: Duration, trickle: bool) -> Self {
        let edges = (0..room_size).map(|_| Edge::default()).collect();
        let guests_from = usize::from(room_size);
        Self { own, timeout, trickle, guests_from, began: false, edges, deadlines: BTreeSet::new() }
    }

    /// Adds seats for guests. A guest's begin is not known, so the deadline of its edge runs from this peer's.
    pub(super) fn add_guest_seats(&mut self, guests: u16) {
        let guest = || Edge { other_began: true, ..Edge::default() };
        self.edges.extend(std::iter::repeat_with(guest).take(usize::from(guests)));
    }

    pub(super) fn is_guest(&self, seat: Seat) -> bool {
        usize::from(seat.0) >= self.guests_from
    }

    /// Resets the edge to `seat`, which another guest has taken.
    pub(super) fn renew(&mut self, now: Instant, seat: Seat, out: &mut VecDeque<Output>) {
        let Some(edge) = self.edges.get_mut(usize::from(seat.0)) else { return };
        if let Some(deadline) = edge.deadline {
            self.deadlines.remove(&(deadline, seat));
        }
        *edge = Edge { other_began: true, ..Edge::default() };
        out.push_back(Output::Engine(seat, EngineCommand::Drop));
        self.handle(now, seat, HandshakeInput::BothBegan, out);
    }

    /// Every seat but this peer's own.
    pub(super) fn others(&self) -> impl Iterator<Item = Seat> + use<> {
        let own = self.own;
        (0..self.edges.len() as u16).map(Seat).filter(move |seat| *seat != own)
    }

    pub(super) fn is_open(&self, seat: Seat) -> bool {
        self.edges.get(usize::from(seat.0)).is_some_and(|edge| edge.handshake.is_open())
    }

    pub(super) fn is_decided(&self, seat: Seat) -> bool {
        self.edges.get(usize::from(seat.0)).is_some_and(|edge| edge.handshake.is_decided())
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Starts the deadlines of edges to the peers that have begun before this one.
    pub(super) fn begin(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        self.began = true;
        for seat in self.others() {
            if self.edges[usize::from(seat.0)].other_began {
                self.handle(now, seat, HandshakeInput::BothBegan, out);
            }
        }
    }

    /// Records that the peer at `seat` has begun.
    pub(super) fn record_other_began(&mut self, now: Instant, seat: Seat, out: &mut VecDeque<Output>) {
        let Some(edge) = self.edges.get_mut(usize::from(seat.0)) else { return };
        edge.other_began = true;
        if self.began {
            self.handle(now, seat, HandshakeInput::BothBegan, out);
        }
    }

    /// Resets the edge to `seat`, whose peer begins again with a new session.
    pub(super) fn handle_return(&mut self, now: Instant, seat: Seat, out: &mut VecDeque<Output>) {
        if seat == self.own {
            return;
        }
        let Some(edge) = self.edges.get_mut(usize::from(seat.0)) else { return };
        edge.handshake.renew(seat, out);
        if let Some(deadline) = edge.deadline.take() {
            self.deadlines.remove(&(deadline, seat));
        }
        self.record_other_began(now, seat, out);
    }

    /// Handles the same input for every edge.
    pub(super) fn handle_all(&mut self, now: Instant, input: &HandshakeInput, out: &mut VecDeque<Output>) {
        for seat in self.others() {
            self.handle(now, seat, input.clone(), out);
        }
    }

    /// Handles the same input for every edge whose handshake is pending.
    pub(super) fn handle_pending(&mut self, now: Instant, input: &HandshakeInput, out: &mut VecDeque<Output>) {
        for seat in self.others() {
            if self.edges[usize::from(seat.0)].handshake.is_pending() {
                self.handle(now, seat, input.clone(), out);
            }
        }
    }

    /// Handles an input for one edge; ignores this peer's own seat and seats that the room does not have.
    pub(super) fn handle(&mut self, now: Instant, seat: Seat, input: HandshakeInput, out: &mut VecDeque<Output>) {
        if seat == self.own {
            return;
        }
        let Some(edge) = self.edges.get_mut(usize::from(seat.0)) else { return };
        edge.handshake.handle(seat, self.trickle, input, out);
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

    pub(super) fn wake(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        while let Some((deadline, seat)) = self.deadlines.first().copied()
            && deadline <= now
        {
            self.handle(now, seat, HandshakeInput::TimedOut, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{EdgeEvent, EventKind, Failure, Phase};

    const TIMEOUT: Duration = Duration::from_secs(10);
    const SECOND: Duration = Duration::from_secs(1);

    /// Seat 1 of a room of four.
    fn pairs() -> (Pairs, Instant, VecDeque<Output>) {
        (Pairs::new(Seat(1), 4, TIMEOUT, true), Instant::now(), VecDeque::new())
    }

    fn failed(out: &mut VecDeque<Output>) -> Vec<Seat> {
        let failed = |output: Output| match output {
            Output::Event(EventKind::Edge { other, event: EdgeEvent::Failed { failure } })
                if failure == Failure::timed_out(Phase::Discovery) =>
            {
                Some(other)
            }
            _ => None,
        };
        out.drain(..).filter_map(failed).collect()
    }

    #[test]
    fn the_time_of_an_edge_runs_from_when_the_later_of_the_two_begins() {
        let (mut pairs, start, mut out) = pairs();
        pairs.record_other_began(start, Seat(0), &mut out);
        assert_eq!(pairs.wake_at(), None, "this peer has not begun");
        pairs.begin(start + SECOND, &mut out);
        assert_eq!(pairs.wake_at(), Some(start + SECOND + TIMEOUT));
        pairs.record_other_began(start + 2 * SECOND, Seat(2), &mut out);
        pairs.wake(start + SECOND + TIMEOUT, &mut out);
        assert_eq!(failed(&mut out), [Seat(0)]);
        assert_eq!(pairs.wake_at(), Some(start + 2 * SECOND + TIMEOUT));
    }

    #[test]
    fn edges_of_one_deadline_are_all_decided_by_one_wake() {
        let (mut pairs, start, mut out) = pairs();
        for seat in pairs.others() {
            pairs.record_other_began(start, seat, &mut out);
        }
        pairs.begin(start, &mut out);
        pairs.wake(start + TIMEOUT - Duration::from_micros(1), &mut out);
        assert_eq!(failed(&mut out), []);
        pairs.wake(start + TIMEOUT, &mut out);
        assert_eq!(failed(&mut out), [Seat(0), Seat(2), Seat(3)]);
        assert_eq!(pairs.wake_at(), None);
    }

    #[test]
    fn who_is_heard_of_before_anybody_said_that_it_began_has_begun() {
        let (mut pairs, start, mut out) = pairs();
        pairs.begin(start, &mut out);
        pairs.handle(start, Seat(3), HandshakeInput::Met { start: false, initiate: false }, &mut out);
        pairs.record_other_began(start + SECOND, Seat(3), &mut out);
        assert_eq!(pairs.wake_at(), Some(start + TIMEOUT), "the first news counts");
    }

    #[test]
    fn who_comes_back_is_given_the_whole_time_once_more() {
        let (mut pairs, start, mut out) = pairs();
        pairs.begin(start, &mut out);
        pairs.record_other_began(start, Seat(0), &mut out);
        pairs.handle_return(start + SECOND, Seat(0), &mut out);
        assert_eq!(pairs.wake_at(), Some(start + SECOND + TIMEOUT));
        pairs.wake(start + SECOND + TIMEOUT, &mut out);
        assert_eq!(failed(&mut out), [Seat(0)]);
        pairs.handle_return(start + 20 * SECOND, Seat(0), &mut out);
        assert_eq!(pairs.wake_at(), Some(start + 20 * SECOND + TIMEOUT));
        for nobody in [Seat(1), Seat(4)] {
            pairs.handle_return(start + 21 * SECOND, nobody, &mut out);
        }
        assert_eq!(pairs.wake_at(), Some(start + 20 * SECOND + TIMEOUT), "its own seat, and one that is none");
    }

    #[test]
    fn a_goodbye_takes_the_deadline_away() {
        let (mut pairs, start, mut out) = pairs();
        pairs.begin(start, &mut out);
        pairs.record_other_began(start, Seat(0), &mut out);
        pairs.handle(start, Seat(0), HandshakeInput::Left, &mut out);
        assert_eq!(pairs.wake_at(), None);
    }
}
