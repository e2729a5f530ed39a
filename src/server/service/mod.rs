//! The rooms behind fault injection: every message passes the fault rules on its way in and on its way out.

mod idle;
mod instances;

use crate::server::faults::mutate;
use crate::server::faults::{Direction, FaultAction, FaultRule, Faults, MessageContext};
use crate::server::rooms::envelope::SharedText;
use crate::server::rooms::{ClientId, Delivery, Recipients, ReplaceableFrame, SignalingRooms};
use crate::vocabulary::Seed;
use idle::IdleWatch;
use instances::Instances;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Maximum number of held messages, and of their bytes; further ones pass at once, regardless of their rule, and are
/// counted.
const HELD_MAX: usize = 1 << 20;
const HELD_BYTES_MAX: usize = 256 << 20;
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
    held_bytes: usize,
    /// Messages that passed at once, as too much was held.
    unheld: u64,
    /// Earliest time of the next message of a `capacity` rule.
    free_at: Option<Instant>,
    instances: Instances,
    idle: IdleWatch,
    out: VecDeque<Delivery>,
    disconnects: VecDeque<ClientId>,
}

/// One client's connection.
struct ClientState {
    number: u64,
    since: Instant,
    /// `sender` of its envelopes.
    name: String,
    /// The user and the room that its envelopes named last.
    user: String,
    room: String,
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
        let standing = |read: fn(&FaultAction) -> Option<u32>| rules.iter().find_map(|rule| read(&rule.action));
        let processes = standing(|action| if let FaultAction::Partition(count) = action { Some(*count) } else { None });
        let seats = standing(|action| if let FaultAction::Split(seats) = action { Some(*seats) } else { None });
        let silence = rules.iter().find_map(|rule| match rule.action {
            FaultAction::IdleClose(time) => Some(time),
            _ => None,
        });
        Self {
            instances: Instances::new(processes, seats),
            idle: IdleWatch::new(silence),
            rooms,
            faults: (!rules.is_empty()).then(|| Faults::new(rules, seed)),
            start: now,
            clients: FxHashMap::default(),
            opened: 0,
            held: BTreeMap::new(),
            holds: 0,
            held_bytes: 0,
            unheld: 0,
            free_at: None,
            out: VecDeque::new(),
            disconnects: VecDeque::new(),
        }
    }

    pub fn connected(&mut self, now: Instant, client: ClientId) {
        if self.faults.is_some() {
            self.opened += 1;
            let state = ClientState {
                number: self.opened,
                since: now,
                name: String::new(),
                user: String::new(),
                room: String::new(),
                directions: Default::default(),
            };
            self.clients.insert(client, state);
            self.instances.enter(client, self.opened - 1);
            self.idle.spoke(now, client);
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
        self.instances.leave(client);
        self.idle.leave(client);
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
        if let (Some((user, room)), Some(state)) = (mutate::user(text), self.clients.get_mut(&client)) {
            (state.user, state.room) = (user, room);
        }
        self.idle.spoke(now, client);
        self.process(now, client, QueuedMessage::In(text.to_owned()), 1);
        self.fan_out(now);
    }

    pub fn wake(&mut self, now: Instant) {
        while let Some(entry) = self.held.first_entry().filter(|entry| entry.key().0 <= now) {
            let HeldMessage { client, connection, message } = entry.remove();
            self.held_bytes -= message.text().len();
            self.release(now, client, connection, message);
        }
        while let Some(client) = self.idle.due(now) {
            self.disconnects.push_back(client);
        }
        self.rooms.wake(now);
        self.fan_out(now);
    }

    pub fn wake_at(&self) -> Option<Instant> {
        let held = self.held.keys().next().map(|(at, _)| *at);
        [self.rooms.wake_at(), held, self.idle.wake_at()].into_iter().flatten().min()
    }

    pub fn poll(&mut self) -> Option<Delivery> {
        if self.faults.is_none() { self.rooms.poll() } else { self.out.pop_front() }
    }

    /// The number of subscriptions, rooms and joins that were refused, and of messages that a rule should have held.
    pub fn refused(&self) -> u64 {
        self.rooms.refused() + self.unheld
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
                let text =
                    self.instances.outbound(*client, &delivery.text).map_or_else(|| delivery.text.clone(), Into::into);
                let message = QueuedMessage::Out { text, replaceable: delivery.replaceable };
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
                let start = self.start;
                let time = self.faults.as_mut().map_or(Duration::ZERO, |faults| {
                    faults.delay(span, receivers, now.saturating_duration_since(start))
                });
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
            Some(FaultAction::Corrupt(damage)) => {
                self.release(now, client, connection, message.map(|text| mutate::corrupt(damage, text)));
            }
            Some(FaultAction::Misroute) => {
                let message = message.map(|text| self.misroute(client, text));
                self.release(now, client, connection, message);
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
            Some(
                FaultAction::Partition(_)
                | FaultAction::Split(_)
                | FaultAction::IdleClose(_)
                | FaultAction::LimitByAddress(_),
            ) => self.release(now, client, connection, message),
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

    /// Addresses a message to another peer of its sender's room; one without such a peer or address stays as it is.
    fn misroute(&mut self, client: ClientId, text: &str) -> String {
        let (Some(to), Some(sender)) = (mutate::addressee(text), self.clients.get(&client)) else {
            return text.to_owned();
        };
        let is_other =
            |state: &&ClientState| state.room == sender.room && ![&sender.user, &to, ""].contains(&&*state.user);
        let mut others: Vec<(u64, &str)> =
            self.clients.values().filter(is_other).map(|state| (state.number, state.user.as_str())).collect();
        others.sort_unstable();
        let picked = self.faults.as_mut().map_or(0, |faults| faults.pick(others.len()));
        others.get(picked).map_or_else(|| text.to_owned(), |(_, user)| mutate::readdress(text, user))
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
                self.held_bytes -= message.text().len();
                self.release(now, client, connection, message);
            }
        }
    }

    fn hold(&mut self, until: Instant, client: ClientId, connection: u64, message: QueuedMessage) {
        let bytes = self.held_bytes + message.text().len();
        if self.held.len() >= HELD_MAX || bytes > HELD_BYTES_MAX {
            self.unheld += 1;
            return self.release(until, client, connection, message);
        }
        self.held_bytes = bytes;
        self.held.insert((until, self.holds), HeldMessage { client, connection, message });
        self.holds += 1;
    }

    /// Passes a message on, unless its connection has closed.
    fn release(&mut self, now: Instant, client: ClientId, connection: u64, message: QueuedMessage) {
        if self.clients.get(&client).is_none_or(|current| current.number != connection) {
            return;
        }
        match message {
            QueuedMessage::In(text) => {
                for text in self.instances.inbound(client, text) {
                    self.rooms.frame(now, client, &text);
                }
            }
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
