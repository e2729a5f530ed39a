//! The server of a control run: the reference server's rooms on the worker's own thread, without sockets.

use crate::driver::AlarmClock;
use crate::server::rooms::{ClientId, RoomModel, Routing, SignalingRooms};
use crate::signaling::{Frame, MemoryCall};
use crate::vocabulary::Trigger;
use jiff::Timestamp;
use rustc_hash::FxHashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Serves until `calls` ends. It does as little as a server can: it sends a frame only to the room that it is for, and
/// keeps a list of rooms only for a dialect whose trigger is that list.
pub(super) async fn serve(clock: Rc<AlarmClock>, mut calls: mpsc::Receiver<MemoryCall>, trigger: Trigger) {
    let kind = if trigger == Trigger::RoomList { RoomModel::Registry } else { RoomModel::Relay };
    let mut rooms = SignalingRooms::new(kind, Routing::Room, Duration::ZERO, Instant::now(), Timestamp::now());
    let mut mailboxes = FxHashMap::default();
    loop {
        tokio::select! {
            biased;
            call = calls.recv() => match call {
                Some(call) => receive(&mut rooms, &mut mailboxes, call),
                None => return,
            },
            () = sleep_until(&clock, rooms.wake_at()) => rooms.wake(Instant::now()),
        }
        deliver(&mut rooms, &mut mailboxes);
    }
}

type Mailboxes = FxHashMap<ClientId, mpsc::Sender<Frame>>;

fn receive(rooms: &mut SignalingRooms, mailboxes: &mut Mailboxes, call: MemoryCall) {
    let now = Instant::now();
    match call {
        MemoryCall::Connected { number, mailbox } => {
            mailboxes.insert(ClientId(number), mailbox);
            rooms.connected(now, ClientId(number));
        }
        MemoryCall::Frame { number, text } if mailboxes.contains_key(&ClientId(number)) => {
            rooms.frame(now, ClientId(number), &text);
        }
        MemoryCall::Frame { .. } => {}
        MemoryCall::Closed { number } => {
            mailboxes.remove(&ClientId(number));
            rooms.closed(now, ClientId(number));
        }
    }
}

fn deliver(rooms: &mut SignalingRooms, mailboxes: &mut Mailboxes) {
    let mut overflowed = vec![];
    loop {
        while let Some(delivery) = rooms.poll() {
            let frame = Frame::from(&*delivery.text);
            for client in rooms.recipients(&delivery.to) {
                if mailboxes.get(&client).is_some_and(|mailbox| mailbox.try_send(frame.clone()).is_err()) {
                    overflowed.push(client);
                }
            }
        }
        let Some(client) = overflowed.pop() else { return };
        // Its mailbox is full or closed. Its connection closes, and the peer counts that as a failure.
        if mailboxes.remove(&client).is_some() {
            rooms.closed(Instant::now(), client);
        }
    }
}

async fn sleep_until(clock: &Rc<AlarmClock>, at: Option<Instant>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}
