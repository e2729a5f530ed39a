//! Records signaling frames and channel messages, the most frequent events of a run.

use crate::metrics::fold::deliveries::Read;
use crate::metrics::fold::timers::TimerId;
use crate::metrics::record::context::{EventContext, Pair};
use crate::metrics::record::peer_events::LATE_US;
use crate::metrics::record::recorder::Recorder;
use crate::metrics::run_time::RunTime;
use crate::vocabulary::{Concern, FrameKind, Seat};
use std::time::Instant;

impl Recorder {
    pub(in crate::metrics) fn frame_received(
        &mut self,
        context: EventContext,
        kind: FrameKind,
        bytes: u32,
        concern: Concern,
    ) {
        self.peers[context.peer].heard = context.arrived;
        let totals = &mut self.all_totals[context.totals_at];
        let slot = usize::from(kind.0).min(totals.traffic.len() - 1);
        totals.traffic[slot].received += 1;
        totals.traffic[slot].received_bytes += u64::from(bytes);
        self.series[context.scenario()].at(context.when).frames += 1;
        self.run_wide.handling.record_us(context.at.since(context.arrived));
        match concern {
            Concern::Others => {}
            Concern::Elsewhere { from: _ } => {
                totals.concerned += 1;
                totals.concerned_by_kind[slot] += 1;
                totals.elsewhere += 1;
            }
            Concern::Me { from } => {
                totals.concerned += 1;
                totals.concerned_by_kind[slot] += 1;
                if let Some(from) = from {
                    self.delivered(context, kind, slot, bytes, from);
                }
            }
        }
    }

    pub(in crate::metrics) fn frame_sent(
        &mut self,
        context: EventContext,
        kind: FrameKind,
        bytes: u32,
        to: Option<Seat>,
    ) {
        self.peers[context.peer].said = context.at;
        match to.map(|to| self.pair(context, to)) {
            Some(Some(pair)) if self.edges[pair.edge].is_undecided() => self.charge(context, pair, 0),
            Some(_) => {}
            None => self.charge_all(context),
        }
        let totals = &mut self.all_totals[context.totals_at];
        let slot = usize::from(kind.0).min(totals.traffic.len() - 1);
        totals.traffic[slot].sent += 1;
        totals.traffic[slot].sent_bytes += u64::from(bytes);
        let room = &self.rooms[context.room];
        if to.is_none_or(|seat| seat.0 < room.size) {
            let from = room.peer_index(context.seat);
            self.deliveries.write(context.at, from, to.map(|seat| seat.0), kind.0, bytes);
        }
    }

    pub(in crate::metrics) fn message_sent(&mut self, context: EventContext, pair: Pair, due: Instant) {
        let edge = &mut self.edges[pair.edge];
        let before = edge.cut_in_flight();
        edge.windows[pair.side].send();
        self.run_wide.tally.messages_cut += edge.cut_in_flight() - before;
        self.run_wide.tally.messages_sent += 1;
        let late_us = context.at.since(RunTime::of(due, self.start));
        self.series[context.scenario()].at(due).messages_due.count(late_us);
        self.all_totals[context.totals_at].messages.late += u64::from(late_us > LATE_US);
    }

    /// `times`: when the message was due, and when its sending began.
    pub(in crate::metrics) fn message_received(
        &mut self,
        context: EventContext,
        pair: Pair,
        sequence: u32,
        times: (Instant, Instant),
    ) {
        let edge = &mut self.edges[pair.edge];
        let before = edge.cut_in_flight();
        if !edge.windows[1 - pair.side].receive(sequence) {
            return;
        }
        self.run_wide.tally.messages_cut -= before - edge.cut_in_flight();
        self.run_wide.tally.messages_delivered += 1;
        self.run_wide.handling.record_us(context.at.since(context.arrived));
        let latency_us = self.record_message_timer(context, TimerId::MessageLatency, times);
        let row = self.series[context.scenario()].at(context.when);
        row.messages += 1;
        row.latencies.record_us(latency_us);
    }

    pub(in crate::metrics) fn message_dropped(&mut self, context: EventContext) {
        self.series[context.scenario()].at(context.when).messages_due.count(u64::MAX);
        self.all_totals[context.totals_at].messages.dropped += 1;
        self.run_wide.tally.messages_dropped += 1;
    }

    /// `times`: when the ping was due, and when its sending began.
    pub(in crate::metrics) fn echoed(&mut self, context: EventContext, times: (Instant, Instant)) {
        self.record_message_timer(context, TimerId::MessageRtt, times);
    }

    /// Returns the microseconds from due.
    fn record_message_timer(&mut self, context: EventContext, timer: TimerId, (due, began): (Instant, Instant)) -> u64 {
        let since = |earlier| context.arrived.since(RunTime::of(earlier, self.start));
        let due_us = since(due);
        self.all_totals[context.totals_at].timers.record_both(timer, due_us, since(began));
        due_us
    }

    fn delivered(&mut self, context: EventContext, kind: FrameKind, slot: usize, bytes: u32, from: Seat) {
        let room = &self.rooms[context.room];
        let read = Read {
            at: context.at,
            from: room.peer_index(from.0),
            seat: context.seat,
            kind: kind.0,
            bytes,
            joined: self.peers[context.peer].joined,
        };
        if from.0 >= room.size {
            return;
        }
        if let Some(written) = self.deliveries.read(read) {
            let took_us = context.arrived.since(written);
            self.all_totals[context.totals_at].timers.record_delivery(slot, took_us);
            self.series[context.scenario()].at(context.when).delivery(took_us);
        }
    }
}
