//! What the facts of a single peer change.

use crate::metrics::context::Spot;
use crate::metrics::edge::{Closing, Edge, Fate};
use crate::metrics::failures::Example;
use crate::metrics::peer::State;
use crate::metrics::recorder::Recorder;
use crate::metrics::stamp::Stamp;
use crate::metrics::timers::Of;
use crate::vocabulary::failure::Failure;
use crate::vocabulary::ids::Seat;
use std::time::Instant;

/// A peer that began, or a message that was sent, later than this after it was due counts as late.
pub(super) const LATE_US: u64 = 50_000;

impl Recorder {
    pub(super) fn began(&mut self, spot: Spot, due: Instant) {
        let due = Stamp::of(due, self.start);
        let is_back = self.peers[spot.peer].state != State::Planned;
        if is_back {
            self.reborn(spot);
            self.renew_guests(spot);
        } else {
            self.tally.peers_waiting -= 1;
        }
        let peer = &mut self.peers[spot.peer];
        peer.state = State::Began;
        peer.due = due;
        peer.began = spot.at;
        self.tally.peers_began += 1;
        self.tally.peers_alive += 1;
        self.tally.peers_late += u64::from(spot.at.since(due) > LATE_US);
        if is_back {
            self.plan_edges_anew(spot);
        }
    }

    pub(super) fn dropped(&mut self, spot: Spot, due: Instant) {
        if self.peers[spot.peer].state != State::Planned {
            return;
        }
        self.peers[spot.peer].state = State::Dropped;
        self.peers[spot.peer].due = Stamp::of(due, self.start);
        self.accounts[spot.half].peers.dropped += 1;
        self.tally.peers_dropped += 1;
        self.tally.peers_waiting -= 1;
        self.decide_edges(spot, Fate::Dropped);
        self.end_guests(spot, None);
    }

    pub(super) fn upgraded(&mut self, spot: Spot) {
        let peer = &mut self.peers[spot.peer];
        if peer.upgraded.happened() || !peer.began.happened() {
            return;
        }
        peer.upgraded = spot.at;
        self.accounts[spot.half].timers.record_both(Of::Connect, spot.at.since(peer.due), spot.at.since(peer.began));
    }

    pub(super) fn joined(&mut self, spot: Spot) {
        if self.peers[spot.peer].state != State::Began {
            return;
        }
        self.peers[spot.peer].state = State::Joined;
        self.peers[spot.peer].joined = spot.at;
        self.accounts[spot.half].peers.joined += 1;
        self.tally.peers_joined += 1;
        self.series.at(spot.when).joined += 1;
    }

    pub(super) fn peer_failed(&mut self, spot: Spot, failure: &Failure) {
        let peer = self.peers[spot.peer];
        if !peer.is_alive() && !peer.is_undecided() {
            return;
        }
        if peer.is_undecided() {
            self.accounts[spot.half].peers.failed += 1;
            self.tally.peers_failed += 1;
        }
        self.end(spot, State::Failed);
        let room = &self.rooms[spot.room];
        let example = Example { peer: room.peer_index(spot.seat), other: None, room: room.index };
        self.accounts[spot.half].failures.peer(failure, example);
        for other in self.others(spot) {
            self.fail_edge(spot, other, failure);
        }
        self.end_guests(spot, Some(failure.phase));
    }

    /// `early`: while the others stay; at the end of a run nobody is left to notice, and no edge closes early.
    pub(super) fn left(&mut self, spot: Spot, early: bool) {
        if !self.peers[spot.peer].is_alive() {
            return;
        }
        self.end(spot, State::Left);
        if early {
            self.peers[spot.peer].left = spot.at;
        }
        self.decide_edges(spot, Fate::Abandoned);
        self.end_guests(spot, None);
        for other in self.others(spot) {
            let Some(pair) = self.pair(spot, other) else { continue };
            let edge = &mut self.edges[pair.edge];
            if edge.closing != Closing::Not {
                continue;
            }
            edge.closing = Closing::Planned;
            self.tally.messages_cut += edge.in_flight();
            if early && edge.fate == Fate::Opened {
                let edges = &mut self.accounts[spot.half].edges;
                edges.closed_early += 1;
                edges.left += 1;
            }
        }
    }

    pub(super) fn reconnected(&mut self, spot: Spot) {
        // The words of its first join may never have got out.
        self.joined(spot);
        if self.outages.back(spot.at, self.number(spot)) {
            self.accounts[spot.half].peers.reconnects += 1;
        }
    }

    pub(super) fn others(&self, spot: Spot) -> impl Iterator<Item = Seat> + use<> {
        (0..self.rooms[spot.room].size).filter(move |seat| *seat != spot.seat).map(Seat)
    }

    fn end(&mut self, spot: Spot, state: State) {
        self.outages.gone(spot.at, self.number(spot));
        let peer = &mut self.peers[spot.peer];
        match peer.state {
            State::Planned => self.tally.peers_waiting -= 1,
            State::Began | State::Joined => self.tally.peers_alive -= 1,
            State::Failed | State::Dropped | State::Left => {}
        }
        peer.state = state;
    }

    /// A peer that begins again, after a leave by churn, is a new arrival.
    fn reborn(&mut self, spot: Spot) {
        let peer = &mut self.peers[spot.peer];
        let account = &mut self.accounts[spot.half];
        account.peers.rejoins += 1;
        self.tally.peers_alive -= u64::from(peer.is_alive());
        peer.upgraded = Stamp::NEVER;
        peer.joined = Stamp::NEVER;
        peer.left = Stamp::NEVER;
        for other in self.others(spot) {
            let Some(pair) = self.pair(spot, other) else { continue };
            let edge = &mut self.edges[pair.edge];
            if edge.is_undecided() {
                let lanes = edge.lanes;
                *edge = Edge { lanes, ..Edge::default() };
            }
        }
    }

    /// Edges that were decided already are planned once more, to all that are there to meet who comes back, or have
    /// yet to come. A first arrival brings no new plan: what was decided before it, as by a server that turned the
    /// other away, stays so.
    fn plan_edges_anew(&mut self, spot: Spot) {
        for other in self.others(spot) {
            let Some(pair) = self.pair(spot, other) else { continue };
            let other = &self.peers[self.rooms[spot.room].peer(other.0)];
            let meets = other.is_alive() || other.state == State::Planned;
            if !meets || self.edges[pair.edge].is_undecided() {
                continue;
            }
            let edge = std::mem::take(&mut self.edges[pair.edge]);
            let account = &mut self.accounts[spot.half];
            let by_plan = edge.is_closed_by_plan();
            if edge.closing == Closing::Not {
                self.tally.messages_cut += edge.in_flight();
            }
            for lane in edge.lanes {
                account.edges.surprises += lane.settle(by_plan, &mut account.messages);
            }
            account.edges.rejoins += 1;
            self.tally.edges_planned += 1;
            self.tally.edges_undecided += 1;
            self.rooms[spot.room].undecided += 1;
        }
    }

    fn decide_edges(&mut self, spot: Spot, fate: Fate) {
        for other in self.others(spot) {
            if let Some(pair) = self.pair(spot, other) {
                self.decide(spot, pair.edge, fate);
            }
        }
    }
}
