//! Who is in which room, and the books that all of them write in.

use super::event_log::EventLogHandle;
use crate::metrics::Recorder;
use crate::peer::PeerCommand;
use crate::vocabulary::event::{Event, What};
use crate::vocabulary::ids::Seat;
use std::cell::RefCell;
use std::rc::Rc;
use tokio::sync::mpsc;

/// The books, and who is in which room: what every peer of the worker reaches.
pub(super) struct RoomMailboxes {
    pub(super) recorder: Rc<RefCell<Recorder>>,
    pub(super) rooms: RefCell<Vec<RoomState>>,
    pub(super) log: Option<EventLogHandle>,
    /// Messages start in no room before they start in all.
    pub(super) barrier: bool,
}

#[derive(Default)]
pub(super) struct RoomState {
    pub(super) mailboxes: Vec<(Seat, mpsc::Sender<PeerCommand>)>,
    pub(super) has_traffic: bool,
    pub(super) is_stopped: bool,
}

impl RoomMailboxes {
    /// Books a fact. Without a barrier, messages start in a room as soon as all of its edges are decided.
    pub(super) fn book(&self, room: usize, event: &Event) {
        let mut recorder = self.recorder.borrow_mut();
        recorder.record(event);
        if let Some(log) = &self.log {
            log.note(event);
        }
        let decides = matches!(
            event.what,
            What::Open { .. } | What::EdgeFailed { .. } | What::PeerFailed { .. } | What::Dropped { .. }
        );
        if decides && !self.barrier && recorder.room_decided(event.place.room) {
            self.rooms.borrow_mut()[room].start_traffic();
        }
    }

    /// Tells a peer to go while the others stay. Whether it was there.
    pub(super) fn see_off(&self, room: usize, seat: Seat, silent: bool) -> bool {
        let room = &mut self.rooms.borrow_mut()[room];
        let Some(index) = room.mailboxes.iter().position(|(own, _)| *own == seat) else { return false };
        let (_, mailbox) = room.mailboxes.swap_remove(index);
        mailbox.try_send(PeerCommand::Depart { silent }).is_ok()
    }

    /// Everybody in the room learns `news` of a peer that begins, and the peer who began before.
    pub(super) fn introduce(&self, room: usize, seat: Seat, mailbox: mpsc::Sender<PeerCommand>, news: PeerCommand) {
        let room = &mut self.rooms.borrow_mut()[room];
        // Who has failed is nobody's companion.
        room.mailboxes.retain(|(_, mailbox)| !mailbox.is_closed());
        room.tell(news);
        for (companion, _) in &room.mailboxes {
            let _ = mailbox.try_send(PeerCommand::Companion { seat: *companion });
        }
        if room.has_traffic && !room.is_stopped {
            let _ = mailbox.try_send(PeerCommand::StartTraffic);
        }
        room.mailboxes.push((seat, mailbox));
    }
}

impl RoomState {
    pub(super) fn start_traffic(&mut self) {
        if !self.has_traffic && !self.is_stopped {
            self.has_traffic = true;
            self.tell(PeerCommand::StartTraffic);
        }
    }

    pub(super) fn stop_traffic(&mut self) {
        self.is_stopped = true;
        self.tell(PeerCommand::StopTraffic);
    }

    pub(super) fn tell(&self, command: PeerCommand) {
        for (_, mailbox) in &self.mailboxes {
            // A peer that has ended reads no more, and a mailbox holds more than a peer is ever told.
            let _ = mailbox.try_send(command);
        }
    }
}
