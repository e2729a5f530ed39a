//! Records events that concern one peer: began, upgraded, joined, failed, left, reconnected.

use crate::metrics::fold::failures::Example;
use crate::metrics::fold::timers::TimerId;
use crate::metrics::record::context::EventContext;
use crate::metrics::record::edge::{Closing, EdgeOutcome, EdgeRecord};
use crate::metrics::record::peer::State;
use crate::metrics::record::recorder::Recorder;
use crate::metrics::run_time::RunTime;
use crate::summary::SocketChange;
use crate::vocabulary::{Failure, Seat};
use std::time::Instant;

/// A peer that begins, or a message that is sent, more than this many microseconds after it was due is late.
pub(in crate::metrics) const LATE_US: u64 = 50_000;

impl Recorder {
    pub(in crate::metrics) fn began(&mut self, context: EventContext, due: Instant) {
        let when_due = due;
        let due = RunTime::of(when_due, self.start);
        self.series[context.scenario()].at(when_due).arrivals_due.count(context.at.since(due));
        let is_rejoin = self.peers[context.peer].state != State::Planned;
        if is_rejoin {
            self.restart_peer(context);
            self.replan_guests(context);
        } else {
            self.run_wide.tally.peers_waiting -= 1;
        }
        let peer = &mut self.peers[context.peer];
        peer.state = State::Began;
        peer.due = due;
        peer.began = context.at;
        self.run_wide.tally.peers_began += 1;
        self.run_wide.tally.peers_alive += 1;
        self.run_wide.tally.peers_late += u64::from(context.at.since(due) > LATE_US);
        if is_rejoin {
            self.replan_edges(context);
        }
    }

    pub(in crate::metrics) fn dropped(&mut self, context: EventContext, due: Instant) {
        if self.peers[context.peer].state != State::Planned {
            return;
        }
        self.series[context.scenario()].at(due).arrivals_due.count(u64::MAX);
        self.peers[context.peer].state = State::Dropped;
        self.peers[context.peer].due = RunTime::of(due, self.start);
        self.all_totals[context.totals_at].peers.dropped += 1;
        self.run_wide.tally.peers_dropped += 1;
        self.run_wide.tally.peers_waiting -= 1;
        self.decide_edges(context, EdgeOutcome::Dropped);
        self.end_guests(context, None);
    }

    pub(in crate::metrics) fn upgraded(&mut self, context: EventContext) {
        self.charge_all(context);
        let peer = &mut self.peers[context.peer];
        if peer.upgraded.happened() || !peer.began.happened() {
            return;
        }
        let waited_us = context.at.since(context.arrived.max(peer.began));
        let net_us = context.at.since(peer.began) - waited_us;
        let times_us = [context.at.since(peer.due), context.at.since(peer.began)];
        peer.upgraded = context.at;
        peer.connected = context.at;
        self.run_wide.connections.add(context.at, SocketChange::Opened);
        let timers = &mut self.all_totals[context.totals_at].timers;
        timers.record_both(TimerId::Connect, times_us[0], times_us[1]);
        timers.record_net(TimerId::Connect, net_us);
    }

    pub(in crate::metrics) fn joined(&mut self, context: EventContext) {
        if self.peers[context.peer].state != State::Began {
            return;
        }
        self.charge_all(context);
        self.peers[context.peer].state = State::Joined;
        self.peers[context.peer].joined = context.at;
        self.all_totals[context.totals_at].peers.joined += 1;
        self.run_wide.tally.peers_joined += 1;
        self.series[context.scenario()].at(context.when).joined += 1;
    }

    pub(in crate::metrics) fn peer_failed(&mut self, context: EventContext, failure: &Failure) {
        let peer = self.peers[context.peer];
        if !peer.is_alive() && !peer.is_undecided() {
            return;
        }
        if peer.is_undecided() {
            self.all_totals[context.totals_at].peers.failed += 1;
            self.run_wide.tally.peers_failed += 1;
        }
        self.run_wide.connections.failed(context.at, failure, peer.upgraded.happened().then_some(peer.connected));
        self.end_peer(context, State::Failed);
        let room = &self.rooms[context.room];
        let example = Example { peer: room.peer_index(context.seat), other: None, room: room.index };
        self.all_totals[context.totals_at].failures.peer(failure, example);
        for other in self.others(context) {
            self.fail_edge(context, other, failure);
        }
        self.end_guests(context, Some(failure.phase));
    }

    /// `early`: the peer left while the others stay. At the end of a run all leave, and no edge closes early.
    pub(in crate::metrics) fn left(&mut self, context: EventContext, silent: bool, early: bool) {
        if !self.peers[context.peer].is_alive() {
            return;
        }
        if self.peers[context.peer].upgraded.happened() && !self.run_wide.outages.is_lost(self.number(context)) {
            self.run_wide.connections.add(context.at, SocketChange::Ended);
        }
        if early {
            self.peers[context.peer].left = context.at;
            self.expect_notices(context, silent);
        } else if self.peers[context.peer].state == State::Joined {
            let is_lost = self.run_wide.outages.stayed(context.at, self.number(context));
            let peers = &mut self.all_totals[context.totals_at].peers;
            peers.stayed += 1;
            peers.lost += u64::from(is_lost);
        }
        self.end_peer(context, State::Left);
        self.decide_edges(context, EdgeOutcome::Abandoned);
        self.end_guests(context, None);
        for other in self.others(context) {
            let Some(pair) = self.pair(context, other) else { continue };
            let edge = &mut self.edges[pair.edge];
            if edge.closing != Closing::Not {
                continue;
            }
            edge.closing = Closing::Planned;
            self.run_wide.tally.messages_cut += edge.in_flight();
            if early && edge.fate == EdgeOutcome::Opened {
                let edges = &mut self.all_totals[context.totals_at].edges;
                edges.closed_early += 1;
                edges.left += 1;
            }
        }
    }

    /// Expects a notice at every peer that has the server and an open edge to the leaver.
    fn expect_notices(&mut self, context: EventContext, silent: bool) {
        let is_joined = self.peers[context.peer].state == State::Joined;
        if silent || !is_joined || self.run_wide.outages.is_lost(self.number(context)) {
            return;
        }
        self.peers[context.peer].said_goodbye = true;
        for other in self.others(context) {
            let Some(pair) = self.pair(context, other) else { continue };
            let has_server = !self.run_wide.outages.is_lost(self.rooms[context.room].peer_index(other.0));
            let is_there = self.peers[pair.peers[1 - pair.side]].state == State::Joined && has_server;
            let edge = &mut self.edges[pair.edge];
            edge.told[1 - pair.side] = false;
            // Only peers that met the leaver can miss it.
            self.run_wide.leaves.expected += u64::from(is_there && edge.fate == EdgeOutcome::Opened);
        }
        self.run_wide.leaves.leavers += 1;
    }

    pub(in crate::metrics) fn server_lost(&mut self, context: EventContext, failure: &Failure) {
        // A server that closes before the frames of a join are written has let nobody back in.
        if self.run_wide.outages.is_lost(self.number(context)) {
            return self.redial_failed(context, failure);
        }
        let peer = self.peers[context.peer];
        self.run_wide.connections.lost(context.at, &peer);
        self.run_wide.connections.failed(context.at, failure, Some(peer.connected));
        self.run_wide.outages.lost(context.at, self.number(context), failure);
    }

    pub(in crate::metrics) fn redial_failed(&mut self, context: EventContext, failure: &Failure) {
        self.run_wide.connections.failed(context.at, failure, None);
        self.run_wide.outages.redial_failed(context.at, self.number(context), failure);
    }

    pub(in crate::metrics) fn reconnected(&mut self, context: EventContext) {
        self.peers[context.peer].connected = context.at;
        self.run_wide.connections.add(context.at, SocketChange::Opened);
        // The socket may have been lost before the frame of the first join was written.
        self.joined(context);
        if self.run_wide.outages.returned(context.at, self.number(context)) {
            self.all_totals[context.totals_at].peers.reconnects += 1;
        }
    }

    pub(in crate::metrics) fn others(&self, context: EventContext) -> impl Iterator<Item = Seat> + use<> {
        (0..self.rooms[context.room].size).filter(move |seat| *seat != context.seat).map(Seat)
    }

    fn end_peer(&mut self, context: EventContext, state: State) {
        self.run_wide.outages.ended(context.at, self.number(context));
        let peer = &mut self.peers[context.peer];
        match peer.state {
            State::Planned => self.run_wide.tally.peers_waiting -= 1,
            State::Began | State::Joined => self.run_wide.tally.peers_alive -= 1,
            State::Failed | State::Dropped | State::Left => {}
        }
        peer.state = state;
    }

    /// Counts a peer that begins again after it left or failed as a new arrival.
    fn restart_peer(&mut self, context: EventContext) {
        let peer = &mut self.peers[context.peer];
        let totals = &mut self.all_totals[context.totals_at];
        totals.peers.rejoins += 1;
        self.run_wide.tally.peers_alive -= u64::from(peer.is_alive());
        peer.upgraded = RunTime::NEVER;
        peer.joined = RunTime::NEVER;
        peer.left = RunTime::NEVER;
        peer.said = RunTime::NEVER;
        peer.heard = RunTime::NEVER;
        peer.said_goodbye = false;
        for other in self.others(context) {
            let Some(pair) = self.pair(context, other) else { continue };
            let edge = &mut self.edges[pair.edge];
            if edge.is_undecided() {
                let windows = edge.windows;
                *edge = EdgeRecord { windows, ..EdgeRecord::default() };
            }
        }
    }

    /// Plans a returning peer's decided edges once more, with every peer that is alive or still planned.
    /// A first arrival plans nothing anew: an edge decided before it, as when the server rejected the other
    /// peer, stays decided.
    fn replan_edges(&mut self, context: EventContext) {
        for other in self.others(context) {
            let Some(pair) = self.pair(context, other) else { continue };
            let other = &self.peers[self.rooms[context.room].peer(other.0)];
            let meets = other.is_alive() || other.state == State::Planned;
            if !meets || self.edges[pair.edge].is_undecided() {
                continue;
            }
            let edge = std::mem::take(&mut self.edges[pair.edge]);
            let totals = &mut self.all_totals[context.totals_at];
            let by_plan = edge.is_closed_by_plan();
            if edge.closing == Closing::Not {
                self.run_wide.tally.messages_cut += edge.in_flight();
            }
            for window in edge.windows {
                totals.edges.surprises += window.settle(by_plan, &mut totals.messages);
            }
            totals.edges.rejoins += 1;
            self.run_wide.tally.edges_planned += 1;
            self.run_wide.tally.edges_undecided += 1;
            self.rooms[context.room].undecided += 1;
        }
    }

    fn decide_edges(&mut self, context: EventContext, fate: EdgeOutcome) {
        for other in self.others(context) {
            if let Some(pair) = self.pair(context, other) {
                self.decide(context, pair.edge, fate);
            }
        }
    }
}
