//! The rooms as clients meet them: every message passes the faults on its way in and on its way out.

use crate::server::faults::mutate;
use crate::server::faults::{Damage, Direction, FaultAction, FaultRule, Faults, Passing};
use crate::server::rooms::envelope::SharedText;
use crate::server::rooms::{ClientId, Delivery, Recipients, ReplaceableFrame, SignalingRooms};
use crate::vocabulary::seed::Seed;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Messages held at once; one more passes at once, whatever the rule says.
const HELD_MAX: usize = 1 << 20;
/// How long a reordered message waits for one that it can come after.
const REORDER_MAX: Duration = Duration::from_secs(1);

/// As [`SignalingRooms`], whose place it takes; without rules it adds nothing to them.
pub struct Service {
    rooms: SignalingRooms,
    /// None: there are no rules.
    faults: Option<Faults>,
    start: Instant,
    lines: FxHashMap<ClientId, ClientState>,
    /// Lines so far, so that each has a number of its own.
    opened: u64,
    held: BTreeMap<(Instant, u64), HeldMessage>,
    /// Messages held so far, so that those of one moment keep their order.
    holds: u64,
    /// When the next message of a `capacity` may pass.
    free_at: Option<Instant>,
    out: VecDeque<Delivery>,
    cuts: VecDeque<ClientId>,
}

/// One client's connection.
struct ClientState {
    number: u64,
    since: Instant,
    /// The `sender` of its envelopes.
    name: String,
    lanes: [DirectionState; 2],
}

/// One direction of a line.
#[derive(Default)]
struct DirectionState {
    stalled_until: Option<Instant>,
    /// Reordered messages that wait for the next one.
    waiting: Vec<(Instant, u64)>,
}

/// A message whose time has not come.
struct HeldMessage {
    client: ClientId,
    line: u64,
    parcel: QueuedMessage,
}

#[derive(Clone)]
enum QueuedMessage {
    In(String),
    Out { text: SharedText, notice: Option<ReplaceableFrame> },
}

impl Service {
    pub fn new(rooms: SignalingRooms, rules: Vec<FaultRule>, seed: Seed, now: Instant) -> Self {
        Self {
            rooms,
            faults: (!rules.is_empty()).then(|| Faults::new(rules, seed)),
            start: now,
            lines: FxHashMap::default(),
            opened: 0,
            held: BTreeMap::new(),
            holds: 0,
            free_at: None,
            out: VecDeque::new(),
            cuts: VecDeque::new(),
        }
    }

    pub fn connected(&mut self, now: Instant, client: ClientId) {
        if self.faults.is_some() {
            self.opened += 1;
            let line = ClientState { number: self.opened, since: now, name: String::new(), lanes: Default::default() };
            self.lines.insert(client, line);
        }
        self.rooms.connected(now, client);
        self.sort(now);
    }

    pub fn closed(&mut self, now: Instant, client: ClientId) {
        let fate = self.fate(now, Direction::In, client, mutate::CLOSE);
        match fate {
            Some(FaultAction::Drop) => self.rooms.vanished(now, client),
            _ => self.rooms.closed(now, client),
        }
        self.lines.remove(&client);
        if let Some(faults) = &mut self.faults {
            faults.forget(client);
        }
        self.sort(now);
    }

    pub fn frame(&mut self, now: Instant, client: ClientId, text: &str) {
        if self.faults.is_none() {
            return self.rooms.frame(now, client, text);
        }
        if let (Some(name), Some(line)) = (mutate::sender(text), self.lines.get_mut(&client)) {
            line.name = name;
        }
        self.pass(now, client, QueuedMessage::In(text.to_owned()), 1);
        self.sort(now);
    }

    pub fn wake(&mut self, now: Instant) {
        while let Some(entry) = self.held.first_entry().filter(|entry| entry.key().0 <= now) {
            let HeldMessage { client, line, parcel } = entry.remove();
            self.release(now, client, line, parcel);
        }
        self.rooms.wake(now);
        self.sort(now);
    }

    pub fn wake_at(&self) -> Option<Instant> {
        let held = self.held.keys().next().map(|(at, _)| *at);
        [self.rooms.wake_at(), held].into_iter().flatten().min()
    }

    pub fn poll(&mut self) -> Option<Delivery> {
        if self.faults.is_none() { self.rooms.poll() } else { self.out.pop_front() }
    }

    /// The next client whose connection is to end.
    pub fn poll_cut(&mut self) -> Option<ClientId> {
        self.cuts.pop_front()
    }

    pub fn recipients<'a>(&'a self, to: &'a Recipients) -> impl Iterator<Item = ClientId> + 'a {
        self.rooms.recipients(to)
    }

    /// Takes what the rooms say to many apart, since each receiver's copy has a fate of its own.
    fn sort(&mut self, now: Instant) {
        if self.faults.is_none() {
            return;
        }
        while let Some(delivery) = self.rooms.poll() {
            let clients: Vec<ClientId> = self.rooms.recipients(&delivery.to).collect();
            for client in &clients {
                let parcel = QueuedMessage::Out { text: delivery.text.clone(), notice: delivery.notice };
                self.pass(now, *client, parcel, clients.len());
            }
        }
    }

    /// One message of one client, before its fate is known.
    fn pass(&mut self, now: Instant, client: ClientId, parcel: QueuedMessage, receivers: usize) {
        let direction = parcel.direction();
        let Some(line) = self.lines.get(&client) else { return };
        let number = line.number;
        if let Some(until) = line.lanes[direction as usize].stalled_until.filter(|until| *until > now) {
            return self.hold(until, client, number, parcel);
        }
        let fate = self.fate(now, direction, client, parcel.text());
        let follows = fate != Some(FaultAction::Reorder);
        self.suffer(now, client, number, parcel, fate, receivers);
        if follows {
            self.follow(now, client, direction);
        }
    }

    fn fate(&mut self, now: Instant, direction: Direction, client: ClientId, text: &str) -> Option<FaultAction> {
        let (Some(faults), Some(line)) = (&mut self.faults, self.lines.get(&client)) else { return None };
        let outside = mutate::outside(text);
        faults.fate(&Passing {
            direction,
            kind: &outside.kind,
            channel: &outside.channel,
            room: &outside.room,
            client,
            peer: &line.name,
            age: now.saturating_duration_since(line.since),
            time: now.saturating_duration_since(self.start),
        })
    }

    fn suffer(
        &mut self,
        now: Instant,
        client: ClientId,
        line: u64,
        parcel: QueuedMessage,
        fate: Option<FaultAction>,
        receivers: usize,
    ) {
        let direction = parcel.direction();
        match fate {
            None => self.release(now, client, line, parcel),
            Some(FaultAction::Drop) => {}
            Some(FaultAction::Delay(span)) => {
                let time = self.faults.as_mut().map_or(Duration::ZERO, |faults| faults.time(span, receivers));
                self.hold(now + time, client, line, parcel);
            }
            Some(FaultAction::Duplicate(times)) => {
                for _ in 0..times {
                    self.release(now, client, line, parcel.clone());
                }
            }
            Some(FaultAction::Reorder) => {
                let key = (now + REORDER_MAX, self.holds);
                self.hold(key.0, client, line, parcel);
                if let Some(line) = self.lines.get_mut(&client) {
                    line.lanes[direction as usize].waiting.push(key);
                }
            }
            Some(FaultAction::Corrupt(Damage::Frame)) => self.release(now, client, line, parcel.map(mutate::halve)),
            Some(FaultAction::Corrupt(Damage::Fingerprint)) => {
                self.release(now, client, line, parcel.map(mutate::alter_fingerprints));
            }
            Some(FaultAction::Reject) => self.reject(client, parcel.text()),
            Some(FaultAction::Disconnect) => self.cuts.push_back(client),
            Some(FaultAction::Stall(time)) => {
                if let Some(line) = self.lines.get_mut(&client) {
                    line.lanes[direction as usize].stalled_until = Some(now + time);
                }
                self.hold(now + time, client, line, parcel);
            }
            Some(FaultAction::RenameChannel(name)) => {
                self.release(now, client, line, parcel.map(|text| mutate::rename_channel(text, &name)));
            }
            Some(FaultAction::Capacity(rate)) => {
                let at = self.free_at.map_or(now, |free_at| free_at.max(now));
                self.free_at = Some(at + Duration::from_secs(1) / rate);
                if at <= now {
                    self.release(now, client, line, parcel);
                } else {
                    self.hold(at, client, line, parcel);
                }
            }
        }
    }

    /// Says no to what names a user; anything else is only lost.
    fn reject(&mut self, client: ClientId, text: &str) {
        if let Some(text) = mutate::rejection(text) {
            self.out.push_back(Delivery { to: Recipients::one(client), text, notice: None });
        }
    }

    /// Lets the reordered messages of a lane go, now that another one has passed.
    fn follow(&mut self, now: Instant, client: ClientId, direction: Direction) {
        let Some(line) = self.lines.get_mut(&client) else { return };
        let waiting = std::mem::take(&mut line.lanes[direction as usize].waiting);
        for key in waiting {
            if let Some(HeldMessage { client, line, parcel }) = self.held.remove(&key) {
                self.release(now, client, line, parcel);
            }
        }
    }

    fn hold(&mut self, until: Instant, client: ClientId, line: u64, parcel: QueuedMessage) {
        if self.held.len() >= HELD_MAX {
            return self.release(until, client, line, parcel);
        }
        self.held.insert((until, self.holds), HeldMessage { client, line, parcel });
        self.holds += 1;
    }

    /// Lets a message go on, if its client is still the same.
    fn release(&mut self, now: Instant, client: ClientId, line: u64, parcel: QueuedMessage) {
        if self.lines.get(&client).is_none_or(|current| current.number != line) {
            return;
        }
        match parcel {
            QueuedMessage::In(text) => self.rooms.frame(now, client, &text),
            QueuedMessage::Out { text, notice } => {
                self.out.push_back(Delivery { to: Recipients::one(client), text, notice });
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
            Self::Out { text, notice } => Self::Out { text: change(&text).into(), notice },
        }
    }
}

#[cfg(test)]
mod tests;
