//! What frames and messages change: the hot part of the fold.

use crate::metrics::context::{Pair, Spot};
use crate::metrics::deliveries::Read;
use crate::metrics::record_peer::LATE_US;
use crate::metrics::recorder::Recorder;
use crate::metrics::stamp::Stamp;
use crate::metrics::timers::Of;
use crate::vocabulary::event::{Concern, What};
use crate::vocabulary::ids::Seat;
use crate::vocabulary::message::Kind;

impl Recorder {
    pub(super) fn frame(&mut self, spot: Spot, kind: Kind, bytes: u32, concern: Concern) {
        let account = &mut self.accounts[spot.half];
        let slot = usize::from(kind.0).min(account.traffic.len() - 1);
        account.traffic[slot].received += 1;
        account.traffic[slot].received_bytes += u64::from(bytes);
        self.series.at(spot.when).frames += 1;
        match concern {
            Concern::Others => {}
            Concern::Elsewhere { from: _ } => {
                account.concerned += 1;
                account.elsewhere += 1;
            }
            Concern::Me { from } => {
                account.concerned += 1;
                if let Some(from) = from {
                    self.delivered(spot, kind, slot, bytes, from);
                }
            }
        }
    }

    pub(super) fn said(&mut self, spot: Spot, kind: Kind, bytes: u32, to: Option<Seat>) {
        let account = &mut self.accounts[spot.half];
        let slot = usize::from(kind.0).min(account.traffic.len() - 1);
        account.traffic[slot].sent += 1;
        account.traffic[slot].sent_bytes += u64::from(bytes);
        let room = &self.rooms[spot.room];
        if to.is_none_or(|seat| seat.0 < room.size) {
            let from = room.peer_index(spot.seat);
            self.deliveries.write(spot.at, from, to.map(|seat| seat.0), kind.0, bytes);
        }
    }

    pub(super) fn of_channel(&mut self, spot: Spot, pair: Pair, what: &What) {
        let account = &mut self.accounts[spot.half];
        let edge = &mut self.edges[pair.edge];
        let since = |earlier| spot.at.since(Stamp::of(earlier, self.start));
        match what {
            What::MessageSent { due, .. } => {
                let before = edge.adrift();
                edge.lanes[pair.side].send();
                self.tally.messages_cut += edge.adrift() - before;
                account.messages.late += u64::from(since(*due) > LATE_US);
                self.tally.messages_sent += 1;
            }
            What::MessageReceived { sequence, due, began, .. } => {
                let before = edge.adrift();
                if !edge.lanes[1 - pair.side].receive(*sequence) {
                    return;
                }
                self.tally.messages_cut -= before - edge.adrift();
                account.timers.record_both(Of::MessageLatency, since(*due), since(*began));
                self.tally.messages_delivered += 1;
                self.series.at(spot.when).messages += 1;
            }
            What::MessageDropped { .. } => {
                account.messages.dropped += 1;
                self.tally.messages_dropped += 1;
            }
            What::Echoed { due, began, .. } => {
                account.timers.record_both(Of::MessageRtt, since(*due), since(*began));
            }
            _ => unreachable!("only the facts of a channel come here"),
        }
    }

    fn delivered(&mut self, spot: Spot, kind: Kind, slot: usize, bytes: u32, from: Seat) {
        let room = &self.rooms[spot.room];
        let read = Read {
            at: spot.at,
            from: room.peer_index(from.0),
            seat: spot.seat,
            kind: kind.0,
            bytes,
            joined: self.peers[spot.peer].joined,
        };
        if from.0 >= room.size {
            return;
        }
        if let Some(written) = self.deliveries.read(read) {
            self.accounts[spot.half].timers.record_delivery(slot, spot.at.since(written));
        }
    }
}
