//! Command channels of a worker's running peers, by room, and the recorder that their events go to.

use super::super::report::event_log::EventLogHandle;
use crate::metrics::Recorder;
use crate::peer::PeerCommand;
use crate::vocabulary::{EdgeEvent, Event, EventKind, PeerEvent, Redactor, Seat};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::mpsc;

/// State that all peers of one worker share.
pub(super) struct RoomMailboxes {
    pub(super) recorder: Rc<RefCell<Recorder>>,
    pub(super) rooms: RefCell<Vec<RoomState>>,
    pub(super) log: Option<EventLogHandle>,
    pub(super) redactor: Arc<Redactor>,
}

#[derive(Default)]
pub(super) struct RoomState {
    pub(super) mailboxes: Vec<(Seat, mpsc::Sender<PeerCommand>)>,
    pub(super) has_traffic: bool,
    pub(super) traffic_stopped: bool,
    /// Messages start in all rooms at once (`messages.start = "barrier"`), not room by room.
    pub(super) has_barrier: bool,
}

impl RoomMailboxes {
    /// Records an event, without the secrets that a server's words in it quote. Without a barrier, messages start in a room as soon as all of its edges are decided.
    pub(super) fn record(&self, room: usize, mut event: Event) {
        self.redactor.event(&mut event);
        let mut recorder = self.recorder.borrow_mut();
        recorder.record(&event);
        if let Some(log) = &self.log {
            log.append(&event);
        }
        let decides = matches!(
            event.kind,
            EventKind::Edge { event: EdgeEvent::Open, .. }
                | EventKind::Edge { event: EdgeEvent::Failed { .. }, .. }
                | EventKind::Peer(PeerEvent::PeerFailed { .. })
                | EventKind::Peer(PeerEvent::Dropped { .. })
        );
        if decides && !self.rooms.borrow()[room].has_barrier && recorder.room_decided(event.place.room) {
            self.rooms.borrow_mut()[room].start_traffic();
        }
    }

    /// Sends one peer the command with which it leaves. Returns `false` if it was not running.
    pub(super) fn stop_peer(&self, room: usize, seat: Seat, command: PeerCommand) -> bool {
        let room = &mut self.rooms.borrow_mut()[room];
        let Some(index) = room.mailboxes.iter().position(|(own, _)| *own == seat) else { return false };
        let (_, mailbox) = room.mailboxes.swap_remove(index);
        mailbox.try_send(command).is_ok()
    }

    /// Adds a peer that begins: its room is sent `announcement`, and the peer is sent a `Companion` for each peer that runs.
    pub(super) fn add_peer(
        &self,
        room: usize,
        seat: Seat,
        mailbox: mpsc::Sender<PeerCommand>,
        announcement: PeerCommand,
    ) {
        let room = &mut self.rooms.borrow_mut()[room];
        // A failed peer has closed its mailbox, and is no companion.
        room.mailboxes.retain(|(_, mailbox)| !mailbox.is_closed());
        room.send_all(announcement);
        for (companion, _) in &room.mailboxes {
            let _ = mailbox.try_send(PeerCommand::Companion { seat: *companion });
        }
        if room.has_traffic && !room.traffic_stopped {
            let _ = mailbox.try_send(PeerCommand::StartTraffic);
        }
        room.mailboxes.push((seat, mailbox));
    }
}

impl RoomState {
    pub(super) fn start_traffic(&mut self) {
        if !self.has_traffic && !self.traffic_stopped {
            self.has_traffic = true;
            self.send_all(PeerCommand::StartTraffic);
        }
    }

    pub(super) fn stop_traffic(&mut self) {
        self.traffic_stopped = true;
        self.send_all(PeerCommand::StopTraffic);
    }

    pub(super) fn send_all(&self, command: PeerCommand) {
        for (_, mailbox) in &self.mailboxes {
            // Fails only if the peer has ended: a mailbox has room for every command of the plan.
            let _ = mailbox.try_send(command);
        }
    }
}
