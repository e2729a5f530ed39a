//! Records events of an edge between two peers of this run, and decides the edge and its room.

use crate::metrics::fold::failures::Example;
use crate::metrics::fold::milestones::{Milestones, phase_index, phase_of, start};
use crate::metrics::fold::slowest::RankedEdge;
use crate::metrics::fold::timers::TimerId;
use crate::metrics::record::context::{EventContext, Pair};
use crate::metrics::record::edge::{Closing, EdgeOutcome, EdgeRecord};
use crate::metrics::record::recorder::Recorder;
use crate::metrics::run_time::RunTime;
use crate::vocabulary::{EdgeEvent, Failure, OWN_TIMEOUT_SHARE, Phase, Reason, Seat};
use std::time::Duration;

impl Recorder {
    pub(in crate::metrics) fn record_edge_event(&mut self, context: EventContext, pair: Pair, event: &EdgeEvent) {
        if self.edges[pair.edge].is_undecided() {
            let spent = if let EdgeEvent::OwnWork { spent } = event { whole_us(*spent) } else { 0 };
            self.charge(context, pair, spent);
        }
        let edge = &mut self.edges[pair.edge];
        match event {
            EdgeEvent::NoticedLeave => self.leave_noticed(context, pair),
            EdgeEvent::ToldLeave => self.leave_told(pair),
            EdgeEvent::Closed { planned } => self.channel_closed(context, pair, *planned),
            EdgeEvent::MessageSent { due, .. } => self.message_sent(context, pair, *due),
            EdgeEvent::MessageReceived { sequence, due, began, .. } => {
                self.message_received(context, pair, *sequence, (*due, *began));
            }
            EdgeEvent::MessageDropped => self.message_dropped(context),
            EdgeEvent::Echoed { due, began } => self.echoed(context, (*due, *began)),
            // A peer of this run is no guest.
            EdgeEvent::GuestMessage { .. } => self.unmatched += 1,
            // The rest is the handshake's.
            _ if !edge.is_undecided() => {}
            // Only diagnosis reads a signal; the frame that carried it is counted by itself.
            EdgeEvent::Signal { .. } => {}
            EdgeEvent::Received => self.run_wide.handling.record_us(context.at.since(context.arrived)),
            EdgeEvent::Met { .. } => set_once(&mut edge.met[pair.side], context.at),
            EdgeEvent::Offers => edge.offerer = Some(pair.side as u8),
            EdgeEvent::Answered => edge.answered[pair.side] = context.at,
            EdgeEvent::OwnWork { spent } => edge.own_work_us = edge.own_work_us.saturating_add(whole_us(*spent)),
            EdgeEvent::Glare => self.glare(context, pair),
            EdgeEvent::IceUp => set_once(&mut edge.ice[pair.side], context.at),
            EdgeEvent::DtlsUp => set_once(&mut edge.dtls[pair.side], context.at),
            EdgeEvent::Open => {
                set_once(&mut edge.open[pair.side], context.at);
                self.open(context, pair);
            }
            EdgeEvent::Failed { failure } => self.fail_edge(context, Seat(pair.other), failure),
        }
    }

    /// Charges the generator with the time from the arrival of the event's input, and with the last `worked_us` before the
    /// event, in the phase that the edge is in. Time before both peers began is nobody's, and none is charged twice.
    pub(in crate::metrics) fn charge(&mut self, context: EventContext, pair: Pair, worked_us: u32) {
        let peers = pair.peers.map(|peer| &self.peers[peer]);
        let began = peers[0].began.both(peers[1].began);
        let edge = &mut self.edges[pair.edge];
        if !began.happened() {
            return;
        }
        let arrived = context.arrived.min(context.at.before(worked_us));
        let us = context.at.since(arrived.max(edge.charged).max(began));
        if us > 0 {
            let own = &mut edge.own_us[phase_index(edge, peers)];
            *own = own.saturating_add(u32::try_from(us).unwrap_or(u32::MAX));
            edge.charged = edge.charged.max(context.at);
        }
    }

    /// Charges the generator likewise on every undecided edge of the event's peer.
    pub(in crate::metrics) fn charge_all(&mut self, context: EventContext) {
        if context.arrived == context.at || self.rooms[context.room].undecided == 0 {
            return;
        }
        for other in self.others(context) {
            let Some(pair) = self.pair(context, other) else { continue };
            if self.edges[pair.edge].is_undecided() {
                self.charge(context, pair, 0);
            }
        }
    }

    /// An undecided edge of the event's peer fails.
    pub(in crate::metrics) fn fail_edge(&mut self, context: EventContext, other: Seat, failure: &Failure) {
        let Some(pair) = self.pair(context, other) else { return };
        if !self.edges[pair.edge].is_undecided() {
            return;
        }
        let room = &self.rooms[context.room];
        // One name for the edge, whichever end tells.
        let [low, high] = [context.seat.min(other.0), context.seat.max(other.0)].map(|seat| room.peer_index(seat));
        let example = Example { peer: low, other: Some(high), room: room.index };
        // Each side knows only what it waits for, and which timer fires first is chance; the milestones of both name the
        // phase in which the edge got stuck. A join's stopped step is the detail of the peer's own failure.
        let phase = phase_of(&self.edges[pair.edge], pair.peers.map(|peer| &self.peers[peer]));
        let has_timed_out = failure.reason == Reason::TimedOut;
        let failure = if has_timed_out {
            Failure::timed_out(phase)
        } else if failure.phase > Phase::Negotiation && phase == Phase::Negotiation {
            // An end that has made its answer begins ICE, and fails there if the answer never arrives.
            Failure { phase, ..failure.clone() }
        } else {
            failure.clone()
        };
        self.all_totals[context.totals_at].failures.edge(&failure, example);
        self.all_totals[context.totals_at].edges.ours += u64::from(failure.reason == Reason::GeneratorLimit);
        self.trace_failure(context, pair, &failure);
        if has_timed_out {
            self.timed_out(context, pair);
        }
        self.decide(context, pair.edge, EdgeOutcome::Failed);
    }

    /// Decides an edge, at most once.
    pub(in crate::metrics) fn decide(&mut self, context: EventContext, edge: usize, fate: EdgeOutcome) {
        let edge = &mut self.edges[edge];
        if !edge.is_undecided() {
            return;
        }
        edge.fate = fate;
        let counts = &mut self.all_totals[context.totals_at].edges;
        counts.one_sided += u64::from(edge.is_one_sided());
        match fate {
            EdgeOutcome::Failed => {
                counts.failed += 1;
                self.run_wide.tally.edges_failed += 1;
                self.series[context.scenario()].at(context.when).failed += 1;
            }
            EdgeOutcome::Dropped => {
                counts.dropped += 1;
                counts.ours += 1;
                self.run_wide.tally.edges_dropped += 1;
            }
            EdgeOutcome::Opened => self.run_wide.tally.edges_opened += 1,
            EdgeOutcome::Abandoned | EdgeOutcome::Undecided => {}
        }
        self.run_wide.tally.edges_undecided -= 1;
        let room = &mut self.rooms[context.room];
        room.opened += u32::from(fate == EdgeOutcome::Opened);
        room.undecided -= 1;
        if room.undecided == 0 && !room.settled {
            self.settle(context);
        }
    }

    fn open(&mut self, context: EventContext, pair: Pair) {
        let edge = &self.edges[pair.edge];
        if !edge.is_open_on_both() {
            return;
        }
        let milestones = Milestones::of(edge, pair.peers.map(|peer| &self.peers[peer]));
        let totals = &mut self.all_totals[context.totals_at];
        totals.opened(&milestones, edge);
        let room = &self.rooms[context.room];
        let seats = [context.seat.min(pair.other), context.seat.max(pair.other)];
        totals.slowest.offer(RankedEdge {
            due_us: milestones.due_us(),
            began_us: milestones.began_us(),
            peers: seats.map(|seat| room.peer_index(seat)),
            room: room.index,
            phases: milestones.phases(),
        });
        self.trace_open(context, pair, milestones.due_us());
        let row = self.series[context.scenario()].at(context.when);
        row.time(2, milestones.began_us());
        row.opened += 1;
        row.times_us.push(u32::try_from(milestones.due_us()).unwrap_or(u32::MAX));
        self.decide(context, pair.edge, EdgeOutcome::Opened);
    }

    /// Records a timeout as a sample of full length: a target that answers half and drops half must not look fast.
    fn timed_out(&mut self, context: EventContext, pair: Pair) {
        let (began, delay_us) = start(pair.peers.map(|peer| &self.peers[peer]));
        let delay_us = if began.happened() { delay_us } else { 0 };
        let timeout_us = self.rooms[context.room].timeout_us;
        let due_us = timeout_us.saturating_add(delay_us);
        let own_us = self.edges[pair.edge].own_total_us();
        let timers = &mut self.all_totals[context.totals_at].timers;
        timers.record_both(TimerId::TimeToOpen, due_us, timeout_us);
        timers.record_net(TimerId::TimeToOpen, timeout_us.saturating_sub(own_us));
        let is_ours = own_us as f64 > OWN_TIMEOUT_SHARE * timeout_us as f64;
        self.all_totals[context.totals_at].edges.ours += u64::from(is_ours);
        self.series[context.scenario()].at(context.when).times_us.push(u32::try_from(due_us).unwrap_or(u32::MAX));
        self.all_totals[context.totals_at].edges.timed_out += 1;
        self.rooms[context.room].timed_out += 1;
    }

    /// Counts a room whose last edge is decided for the first time.
    fn settle(&mut self, context: EventContext) {
        self.trace_end(context);
        let room = &mut self.rooms[context.room];
        room.settled = true;
        self.run_wide.tally.rooms_decided += 1;
        let peers = &self.peers[room.peers_at..room.peers_at + usize::from(room.size)];
        let edges = &self.edges[room.edge_range()];
        let last = peers.iter().max_by_key(|peer| peer.began).copied().unwrap_or_default();
        let delay_us = last.began.since(last.due);
        let totals = &mut self.all_totals[context.totals_at];
        if edges.iter().all(|edge| edge.fate == EdgeOutcome::Opened) {
            totals.rooms.complete += 1;
            self.run_wide.tally.rooms_complete += 1;
            let opened = edges.iter().flat_map(|edge| edge.open).max().unwrap_or(context.at);
            let began_us = opened.since(last.began);
            totals.timers.record_both(TimerId::RoomComplete, began_us.saturating_add(delay_us), began_us);
            let net = |edge: &EdgeRecord| {
                let open = edge.open[0].max(edge.open[1]);
                open.since(last.began).saturating_sub(edge.own_total_us())
            };
            totals.timers.record_net(TimerId::RoomComplete, edges.iter().map(net).max().unwrap_or(0));
        } else if room.timed_out > 0 {
            let timeout_us = room.timeout_us;
            let due_us = timeout_us.saturating_add(delay_us);
            totals.rooms.timed_out += 1;
            totals.timers.record_both(TimerId::RoomComplete, due_us, timeout_us);
            let own_us = edges.iter().filter(|edge| edge.fate == EdgeOutcome::Failed).map(EdgeRecord::own_total_us);
            totals.timers.record_net(TimerId::RoomComplete, timeout_us.saturating_sub(own_us.max().unwrap_or(0)));
        }
    }

    fn glare(&mut self, context: EventContext, pair: Pair) {
        let edge = &mut self.edges[pair.edge];
        // Both sides may report it.
        self.all_totals[context.totals_at].edges.glare += u64::from(!edge.glare);
        edge.glare = true;
    }

    fn channel_closed(&mut self, context: EventContext, pair: Pair, planned: bool) {
        let edge = &mut self.edges[pair.edge];
        if edge.fate != EdgeOutcome::Opened || edge.closing != Closing::Not {
            return;
        }
        edge.closing = if planned { Closing::Planned } else { Closing::Early };
        self.run_wide.tally.messages_cut += edge.in_flight();
        self.all_totals[context.totals_at].edges.closed_early += u64::from(!planned);
    }

    fn leave_noticed(&mut self, context: EventContext, pair: Pair) {
        let leaver = pair.peers[1 - pair.side];
        let left = self.peers[leaver].left;
        let notice = &mut self.edges[pair.edge].noticed[pair.side];
        // A side may notice both the goodbye and the closed channel; only the first counts.
        if !left.happened() || *notice == left || context.at < left {
            return;
        }
        *notice = left;
        let after_us = context.arrived.since(left);
        self.all_totals[context.totals_at].timers.record(TimerId::LeaveNotice, after_us);
        self.series[context.scenario()].at(context.when).time(1, after_us);
    }

    /// Counts the first message about a leave with a goodbye.
    fn leave_told(&mut self, pair: Pair) {
        let leaver = &self.peers[pair.peers[1 - pair.side]];
        let edge = &mut self.edges[pair.edge];
        if leaver.said_goodbye && edge.fate == EdgeOutcome::Opened && !edge.told[pair.side] {
            edge.told[pair.side] = true;
            self.run_wide.leaves.told += 1;
        }
    }
}

fn set_once(stamp: &mut RunTime, at: RunTime) {
    if !stamp.happened() {
        *stamp = at;
    }
}

fn whole_us(spent: Duration) -> u32 {
    u32::try_from(spent.as_micros()).unwrap_or(u32::MAX)
}
