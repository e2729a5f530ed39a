//! The rooms behind fault injection: every message passes the fault rules on its way in and on its way out.

use crate::server::faults::mutate;
use crate::server::faults::{Damage, Direction, FaultAction, FaultRule, Faults, MessageContext};
use crate::server::rooms::envelope::SharedText;
use crate::server::rooms::{ClientId, Delivery, Recipients, ReplaceableFrame, SignalingRooms};
use crate::vocabulary::Seed;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Maximum number of held messages; further ones pass at once, regardless of their rule.
const HELD_MAX: usize = 1 << 20;
/// Maximum time that a reordered message waits for the next one.
const REORDER_MAX: Duration = Duration::from_secs(1);

/// [`SignalingRooms`] with fault injection and the same interface; without rules it only forwards.
pub struct Service {
    rooms: SignalingRooms,
    /// `None` without rules.
    faults: Option<Faults>,
    start: Instant,
    clients: FxHashMap<ClientId, ClientState>,
    /// Connections so far, which numbers them.
    opened: u64,
    held: BTreeMap<(Instant, u64), HeldMessage>,
    /// Messages held so far, which keeps those of one moment in order.
    holds: u64,
    /// Earliest time of the next message of a `capacity` rule.
    free_at: Option<Instant>,
    out: VecDeque<Delivery>,
    disconnects: VecDeque<ClientId>,
}

/// One client's connection.
struct ClientState {
    number: u64,
    since: Instant,
    /// `sender` of its envelopes.
    name: String,
    directions: [DirectionState; 2],
}

/// State of one direction of a connection.
#[derive(Default)]
struct DirectionState {
    stalled_until: Option<Instant>,
    /// Keys of the reordered messages that wait for the next one.
    waiting: Vec<(Instant, u64)>,
}

/// A message that waits for its time.
struct HeldMessage {
    client: ClientId,
    connection: u64,
    message: QueuedMessage,
}

#[derive(Clone)]
enum QueuedMessage {
    In(String),
    Out { text: SharedText, replaceable: Option<ReplaceableFrame> },
}

impl Service {
    pub fn new(rooms: SignalingRooms, rules: Vec<FaultRule>, seed: Seed, now: Instant) -> Self {
        Self {
            rooms,
            faults: (!rules.is_empty()).then(|| Faults::new(rules, seed)),
            start: now,
            clients: FxHashMap::default(),
            opened: 0,
            held: BTreeMap::new(),
            holds: 0,
            free_at: None,
            out: VecDeque::new(),
            disconnects: VecDeque::new(),
        }
    }

    pub fn connected(&mut self, now: Instant, client: ClientId) {
        if self.faults.is_some() {
            self.opened += 1;
            let state =
                ClientState { number: self.opened, since: now, name: String::new(), directions: Default::default() };
            self.clients.insert(client, state);
        }
        self.rooms.connected(now, client);
        self.fan_out(now);
    }

    pub fn closed(&mut self, now: Instant, client: ClientId) {
        let fate = self.fate(now, Direction::In, client, mutate::CLOSE);
        match fate {
            Some(FaultAction::Drop) => self.rooms.closed_unnoticed(now, client),
            _ => self.rooms.closed(now, client),
        }
        self.clients.remove(&client);
        if let Some(faults) = &mut self.faults {
            faults.forget(client);
        }
        self.fan_out(now);
    }

    pub fn frame(&mut self, now: Instant, client: ClientId, text: &str) {
        if self.faults.is_none() {
            return self.rooms.frame(now, client, text);
        }
        if let (Some(name), Some(state)) = (mutate::sender(text), self.clients.get_mut(&client)) {
            state.name = name;
        }
        self.process(now, client, QueuedMessage::In(text.to_owned()), 1);
        self.fan_out(now);
    }

    pub fn wake(&mut self, now: Instant) {
        while let Some(entry) = self.held.first_entry().filter(|entry| entry.key().0 <= now) {
            let HeldMessage { client, connection, message } = entry.remove();
            self.release(now, client, connection, message);
        }
        self.rooms.wake(now);
        self.fan_out(now);
    }

    pub fn wake_at(&self) -> Option<Instant> {
        let held = self.held.keys().next().map(|(at, _)| *at);
        [self.rooms.wake_at(), held].into_iter().flatten().min()
    }

    pub fn poll(&mut self) -> Option<Delivery> {
        if self.faults.is_none() { self.rooms.poll() } else { self.out.pop_front() }
    }

    /// Next client to disconnect.
    pub fn poll_disconnect(&mut self) -> Option<ClientId> {
        self.disconnects.pop_front()
    }

    pub fn recipients<'a>(&'a self, to: &'a Recipients) -> impl Iterator<Item = ClientId> + 'a {
        self.rooms.recipients(to)
    }

    /// Splits each delivery of the rooms by recipient, since rules apply to each copy separately.
    fn fan_out(&mut self, now: Instant) {
        if self.faults.is_none() {
            return;
        }
        while let Some(delivery) = self.rooms.poll() {
            let clients: Vec<ClientId> = self.rooms.recipients(&delivery.to).collect();
            for client in &clients {
                let message = QueuedMessage::Out { text: delivery.text.clone(), replaceable: delivery.replaceable };
                self.process(now, *client, message, clients.len());
            }
        }
    }

    /// Applies the rules to one message of one client.
    fn process(&mut self, now: Instant, client: ClientId, message: QueuedMessage, receivers: usize) {
        let direction = message.direction();
        let Some(state) = self.clients.get(&client) else { return };
        let number = state.number;
        if let Some(until) = state.directions[direction as usize].stalled_until.filter(|until| *until > now) {
            return self.hold(until, client, number, message);
        }
        let fate = self.fate(now, direction, client, message.text());
        let is_delivered = fate != Some(FaultAction::Reorder);
        self.apply(now, client, number, message, fate, receivers);
        if is_delivered {
            self.release_reordered(now, client, direction);
        }
    }

    fn fate(&mut self, now: Instant, direction: Direction, client: ClientId, text: &str) -> Option<FaultAction> {
        let (Some(faults), Some(state)) = (&mut self.faults, self.clients.get(&client)) else { return None };
        let fields = mutate::message_fields(text);
        faults.fate(&MessageContext {
            direction,
            kind: &fields.kind,
            channel: &fields.channel,
            room: &fields.room,
            client,
            peer: &state.name,
            age: now.saturating_duration_since(state.since),
            time: now.saturating_duration_since(self.start),
        })
    }

    fn apply(
        &mut self,
        now: Instant,
        client: ClientId,
        connection: u64,
        message: QueuedMessage,
        fate: Option<FaultAction>,
        receivers: usize,
    ) {
        let direction = message.direction();
        match fate {
            None => self.release(now, client, connection, message),
            Some(FaultAction::Drop) => {}
            Some(FaultAction::Delay(span)) => {
                let time = self.faults.as_mut().map_or(Duration::ZERO, |faults| faults.delay(span, receivers));
                self.hold(now + time, client, connection, message);
            }
            Some(FaultAction::Duplicate(times)) => {
                for _ in 0..times {
                    self.release(now, client, connection, message.clone());
                }
            }
            Some(FaultAction::Reorder) => {
                let key = (now + REORDER_MAX, self.holds);
                self.hold(key.0, client, connection, message);
                if let Some(state) = self.clients.get_mut(&client) {
                    state.directions[direction as usize].waiting.push(key);
                }
            }
            Some(FaultAction::Corrupt(Damage::Frame)) => {
                self.release(now, client, connection, message.map(mutate::halve));
            }
            Some(FaultAction::Corrupt(Damage::Fingerprint)) => {
                self.release(now, client, connection, message.map(mutate::alter_fingerprints));
            }
            Some(FaultAction::Reject) => self.reject(client, message.text()),
            Some(FaultAction::Disconnect) => self.disconnects.push_back(client),
            Some(FaultAction::Stall(time)) => {
                if let Some(state) = self.clients.get_mut(&client) {
                    state.directions[direction as usize].stalled_until = Some(now + time);
                }
                self.hold(now + time, client, connection, message);
            }
            Some(FaultAction::RenameChannel(name)) => {
                self.release(now, client, connection, message.map(|text| mutate::rename_channel(text, &name)));
            }
            Some(FaultAction::Capacity(rate)) => {
                let at = self.free_at.map_or(now, |free_at| free_at.max(now));
                self.free_at = Some(at + Duration::from_secs(1) / rate);
                if at <= now {
                    self.release(now, client, connection, message);
                } else {
                    self.hold(at, client, connection, message);
                }
            }
        }
    }

    /// Rejects a message that names a user; any other is lost.
    fn reject(&mut self, client: ClientId, text: &str) {
        if let Some(text) = mutate::rejection(text) {
            self.out.push_back(Delivery { to: Recipients::one(client), text, replaceable: None });
        }
    }

    /// Releases the reordered messages of a direction after a later message has passed.
    fn release_reordered(&mut self, now: Instant, client: ClientId, direction: Direction) {
        let Some(state) = self.clients.get_mut(&client) else { return };
        let waiting = std::mem::take(&mut state.directions[direction as usize].waiting);
        for key in waiting {
            if let Some(HeldMessage { client, connection, message }) = self.held.remove(&key) {
                self.release(now, client, connection, message);
            }
        }
    }

    fn hold(&mut self, until: Instant, client: ClientId, connection: u64, message: QueuedMessage) {
        if self.held.len() >= HELD_MAX {
            return self.release(until, client, connection, message);
        }
        self.held.insert((until, self.holds), HeldMessage { client, connection, message });
        self.holds += 1;
    }

    /// Passes a message on, unless its connection has closed.
    fn release(&mut self, now: Instant, client: ClientId, connection: u64, message: QueuedMessage) {
        if self.clients.get(&client).is_none_or(|current| current.number != connection) {
            return;
        }
        match message {
            QueuedMessage::In(text) => self.rooms.frame(now, client, &text),
            QueuedMessage::Out { text, replaceable } => {
                self.out.push_back(Delivery { to: Recipients::one(client), text, replaceable });
            }
        }
    }
}

impl QueuedMessage {
    fn direction(&self) -> Direction {
        match self {
            Self::In(_) => Direction::In,
            Self::Out { .. } => Direction::Out,
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::In(text) => text,
            Self::Out { text, .. } => text,
        }
    }

    fn map(self, change: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::In(text) => Self::In(change(&text)),
            Self::Out { text, replaceable } => Self::Out { text: change(&text).into(), replaceable },
        }
    }
}

#[cfg(test)]
mod tests;
