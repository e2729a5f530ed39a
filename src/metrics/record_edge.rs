//! What the facts of an edge change.

use crate::metrics::context::{Pair, Spot};
use crate::metrics::edge::{Closing, Fate};
use crate::metrics::failures::Example;
use crate::metrics::milestones::{Milestones, phase_of, start};
use crate::metrics::recorder::Recorder;
use crate::metrics::slowest::Slow;
use crate::metrics::stamp::Stamp;
use crate::metrics::timers::Of;
use crate::vocabulary::event::What;
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::ids::Seat;
use std::time::Duration;

impl Recorder {
    pub(super) fn of_pair(&mut self, spot: Spot, pair: Pair, what: &What) {
        match what {
            What::NoticedLeave { .. } => return self.noticed(spot, pair),
            What::ChannelClosed { planned, .. } => return self.closed(spot, pair, *planned),
            What::MessageSent { .. }
            | What::MessageReceived { .. }
            | What::MessageDropped { .. }
            | What::Echoed { .. } => return self.of_channel(spot, pair, what),
            _ => {}
        }
        if !self.edges[pair.edge].is_undecided() {
            return;
        }
        let side = pair.side;
        let edge = &mut self.edges[pair.edge];
        match what {
            What::Met { .. } => first(&mut edge.met[side], spot.at),
            What::Offers { .. } => edge.offerer = Some(side as u8),
            What::Answered { .. } => edge.answered[side] = spot.at,
            What::OwnWork { spent, .. } => edge.own_work_us = edge.own_work_us.saturating_add(whole_us(*spent)),
            What::Glare { .. } => self.glare(spot, pair),
            What::IceUp { .. } => first(&mut edge.ice[side], spot.at),
            What::DtlsUp { .. } => first(&mut edge.dtls[side], spot.at),
            What::Open { .. } => {
                first(&mut edge.open[side], spot.at);
                self.open(spot, pair);
            }
            What::EdgeFailed { failure, .. } => self.fail_edge(spot, Seat(pair.other), failure),
            // Of our own peers nobody is a guest, and the facts of a single peer come with no pair.
            What::GuestMessage { .. } => self.strays += 1,
            _ => unreachable!("the facts of a single peer come with no pair"),
        }
    }

    /// An undecided edge of the event's peer fails.
    pub(super) fn fail_edge(&mut self, spot: Spot, other: Seat, failure: &Failure) {
        let Some(pair) = self.pair(spot, other) else { return };
        if !self.edges[pair.edge].is_undecided() {
            return;
        }
        let room = &self.rooms[spot.room];
        let example =
            Example { peer: room.peer_index(spot.seat), other: Some(room.peer_index(other.0)), room: room.index };
        if failure.reason == Reason::TimedOut {
            // Each side knows only what it waits for; both together tell where the edge got stuck.
            let phase = phase_of(&self.edges[pair.edge], pair.peers.map(|peer| &self.peers[peer]));
            let failure = Failure { phase, ..failure.clone() };
            self.accounts[spot.half].failures.edge(&failure, example);
            self.trace_failure(spot, pair, &failure);
            self.timed_out(spot, pair);
        } else {
            self.accounts[spot.half].failures.edge(failure, example);
            self.trace_failure(spot, pair, failure);
        }
        self.decide(spot, pair.edge, Fate::Failed);
    }

    /// The one place where an edge ends; what is decided stays so.
    pub(super) fn decide(&mut self, spot: Spot, edge: usize, fate: Fate) {
        let edge = &mut self.edges[edge];
        if !edge.is_undecided() {
            return;
        }
        edge.fate = fate;
        let counts = &mut self.accounts[spot.half].edges;
        counts.one_sided += u64::from(edge.is_one_sided());
        match fate {
            Fate::Failed => {
                counts.failed += 1;
                self.tally.edges_failed += 1;
                self.series.at(spot.when).failed += 1;
            }
            Fate::Dropped => {
                counts.dropped += 1;
                self.tally.edges_dropped += 1;
            }
            Fate::Opened => self.tally.edges_opened += 1,
            Fate::Abandoned | Fate::Undecided => {}
        }
        self.tally.edges_undecided -= 1;
        let room = &mut self.rooms[spot.room];
        room.opened += u32::from(fate == Fate::Opened);
        room.undecided -= 1;
        if room.undecided == 0 && !room.settled {
            self.settle(spot);
        }
    }

    fn open(&mut self, spot: Spot, pair: Pair) {
        let edge = &self.edges[pair.edge];
        if !edge.is_open_on_both() {
            return;
        }
        let milestones = Milestones::of(edge, pair.peers.map(|peer| &self.peers[peer]));
        let account = &mut self.accounts[spot.half];
        account.opened(&milestones, u64::from(edge.own_work_us));
        let room = &self.rooms[spot.room];
        let seats = [spot.seat.min(pair.other), spot.seat.max(pair.other)];
        account.slowest.offer(Slow {
            due_us: milestones.due_us(),
            began_us: milestones.began_us(),
            peers: seats.map(|seat| room.peer_index(seat)),
            room: room.index,
            phases: milestones.phases(),
        });
        self.trace_open(spot, pair, milestones.due_us());
        let row = self.series.at(spot.when);
        row.opened += 1;
        row.times_us.push(u32::try_from(milestones.due_us()).unwrap_or(u32::MAX));
        self.decide(spot, pair.edge, Fate::Opened);
    }

    /// A timeout counts at its full length, so that a target that answers half and drops half does not look fast.
    fn timed_out(&mut self, spot: Spot, pair: Pair) {
        let (began, delay_us) = start(pair.peers.map(|peer| &self.peers[peer]));
        let delay_us = if began.happened() { delay_us } else { 0 };
        let due_us = self.timeout_us.saturating_add(delay_us);
        self.accounts[spot.half].timers.record_both(Of::TimeToOpen, due_us, self.timeout_us);
        self.series.at(spot.when).times_us.push(u32::try_from(due_us).unwrap_or(u32::MAX));
        self.accounts[spot.half].edges.timed_out += 1;
        self.rooms[spot.room].timed_out += 1;
    }

    /// The last edge of a room is decided, for the first time.
    fn settle(&mut self, spot: Spot) {
        self.trace_end(spot);
        let room = &mut self.rooms[spot.room];
        room.settled = true;
        self.tally.rooms_decided += 1;
        let peers = &self.peers[room.peers_at..room.peers_at + usize::from(room.size)];
        let edges = &self.edges[room.edges_at..room.edges_at + room.edges()];
        let last = peers.iter().max_by_key(|peer| peer.began).copied().unwrap_or_default();
        let delay_us = last.began.since(last.due);
        let account = &mut self.accounts[spot.half];
        if edges.iter().all(|edge| edge.fate == Fate::Opened) {
            account.rooms.complete += 1;
            self.tally.rooms_complete += 1;
            let opened = edges.iter().flat_map(|edge| edge.open).max().unwrap_or(spot.at);
            let began_us = opened.since(last.began);
            account.timers.record_both(Of::RoomComplete, began_us.saturating_add(delay_us), began_us);
        } else if room.timed_out > 0 {
            let due_us = self.timeout_us.saturating_add(delay_us);
            account.rooms.timed_out += 1;
            account.timers.record_both(Of::RoomComplete, due_us, self.timeout_us);
        }
    }

    fn glare(&mut self, spot: Spot, pair: Pair) {
        let edge = &mut self.edges[pair.edge];
        // Both sides may report it.
        self.accounts[spot.half].edges.glare += u64::from(!edge.glare);
        edge.glare = true;
    }

    fn closed(&mut self, spot: Spot, pair: Pair, planned: bool) {
        let edge = &mut self.edges[pair.edge];
        if edge.fate != Fate::Opened || edge.closing != Closing::Not {
            return;
        }
        edge.closing = if planned { Closing::Planned } else { Closing::Early };
        self.tally.messages_cut += edge.in_flight();
        self.accounts[spot.half].edges.closed_early += u64::from(!planned);
    }

    fn noticed(&mut self, spot: Spot, pair: Pair) {
        let leaver = pair.peers[1 - pair.side];
        let left = self.peers[leaver].left;
        let notice = &mut self.edges[pair.edge].noticed[pair.side];
        // Goodbye and closed channel may both be noticed; the first of them is the notice.
        if !left.happened() || *notice == left || spot.at < left {
            return;
        }
        *notice = left;
        self.accounts[spot.half].timers.record(Of::LeaveNotice, spot.at.since(left));
    }
}

fn first(stamp: &mut Stamp, at: Stamp) {
    if !stamp.happened() {
        *stamp = at;
    }
}

fn whole_us(spent: Duration) -> u32 {
    u32::try_from(spent.as_micros()).unwrap_or(u32::MAX)
}
