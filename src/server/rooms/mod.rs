//! The signaling rooms, sans-IO: takes inputs with their time, and returns deliveries by `poll`.

pub(super) mod client_id;
pub(super) mod envelope;
mod groups;
mod registry;
pub(super) mod replies;
mod subscriptions;
mod throttle;

pub use crate::server::rooms::client_id::ClientId;
pub use crate::server::rooms::envelope::SharedText;
pub use crate::server::rooms::subscriptions::Recipients;

use crate::server::rooms::envelope::{Created, Envelope, Member, ROOMS};
use crate::server::rooms::groups::Slot;
use crate::server::rooms::registry::{Join, Registry};
use crate::server::rooms::subscriptions::{Among, Subscriptions};
use crate::server::rooms::throttle::Throttle;
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Minimum interval of the client_count broadcast: a thousand connects in a second would otherwise cost a million frames.
const COUNT_INTERVAL: Duration = Duration::from_millis(50);
/// Maximum interval of server-room-list while rooms exist.
const REFRESH: Duration = Duration::from_secs(5);

/// The server's handling of rooms (docs/spec/protocol.md, "Two kinds of server").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoomModel {
    /// Forwards every envelope.
    #[default]
    Relay,
    /// Keeps a registry on the rooms channel.
    Registry,
}

/// Recipients of a relayed envelope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Routing {
    /// Every other subscriber of its channel.
    #[default]
    All,
    /// Subscribers of its channel in the sender's room. A client is in the room that it last named.
    Room,
}

/// An outgoing frame. Resolve `to` with [`SignalingRooms::recipients`] before the next input.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub to: Recipients,
    pub text: SharedText,
    /// Set if a newer frame of the same kind replaces this one.
    pub replaceable: Option<ReplaceableFrame>,
}

/// Kinds of frames of which a client needs only the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceableFrame {
    Count,
    List,
}

/// State of all channels and rooms. Drain `poll` after each input.
pub struct SignalingRooms {
    routing: Routing,
    /// `None` on a relay.
    registry: Option<Registry>,
    /// Pair of instant and wall time that converts all later instants.
    epoch: (Instant, Timestamp),
    subscriptions: Subscriptions,
    counts: Throttle,
    lists: Throttle,
    refresh_at: Option<Instant>,
    out: VecDeque<Delivery>,
    /// Subscriptions, rooms and joins that were refused: a name or a list would have been too long.
    refused: u64,
}

impl SignalingRooms {
    /// Creates the state; `wall` is the wall time at `now`. A registry sends at most one list per `list_interval`.
    pub fn new(kind: RoomModel, routing: Routing, list_interval: Duration, now: Instant, wall: Timestamp) -> Self {
        Self {
            routing,
            registry: (kind == RoomModel::Registry).then(Registry::default),
            epoch: (now, wall),
            subscriptions: Subscriptions::default(),
            counts: Throttle::new(COUNT_INTERVAL),
            lists: Throttle::new(list_interval),
            refresh_at: None,
            out: VecDeque::new(),
            refused: 0,
        }
    }

    /// The number of subscriptions, rooms and joins that were refused, since a name or a list would have been too long.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    pub fn connected(&mut self, now: Instant, client: ClientId) {
        self.subscriptions.enter(client);
        self.send_count(now, Among::One(client), None);
        self.counts.request(now);
        if self.counts.take(now) {
            self.send_count(now, Among::All, Some(client));
        }
        self.wake(now);
    }

    /// Removes a client; does nothing for one that has left already.
    pub fn closed(&mut self, now: Instant, client: ClientId) {
        if !self.subscriptions.leave(client) {
            return;
        }
        if let Some(registry) = &mut self.registry {
            registry.closed(client);
        }
        self.counts.request(now);
        self.wake(now);
    }

    /// Removes a client, but keeps its seat and rooms in the registry: the fault of a server that misses the end of a
    /// socket.
    pub fn closed_unnoticed(&mut self, now: Instant, client: ClientId) {
        if let Some(registry) = &mut self.registry {
            registry.detach(client);
        }
        self.closed(now, client);
    }

    /// Handles a text frame of a connected client.
    pub fn frame(&mut self, now: Instant, client: ClientId, text: &str) {
        match envelope::read(text) {
            Envelope::NotJson => self.reply(client, replies::echo(text, self.wall(now))),
            Envelope::Shapeless => {}
            Envelope::Fields { kind, channel } => match &*kind {
                "ping" => self.reply(client, replies::pong(self.wall(now))),
                "subscribe" => self.refused += u64::from(!self.subscriptions.subscribe(client, &channel)),
                "unsubscribe" => self.subscriptions.unsubscribe(client, &channel),
                kind => self.envelope(now, client, kind, &channel, text),
            },
        }
        self.wake(now);
    }

    /// Sends the counts and lists that are due; every input does the same.
    pub fn wake(&mut self, now: Instant) {
        if self.counts.take(now) {
            self.send_count(now, Among::All, None);
        }
        let Some(registry) = &self.registry else { return };
        if registry.has_changed() {
            self.lists.request(now);
        }
        let refresh = self.refresh_at.is_some_and(|due| due <= now);
        if self.lists.take(now) || refresh {
            self.send_lists(now, refresh);
        }
    }

    pub fn wake_at(&self) -> Option<Instant> {
        [self.counts.wake_at(), self.lists.wake_at(), self.refresh_at].into_iter().flatten().min()
    }

    pub fn poll(&mut self) -> Option<Delivery> {
        self.out.pop_front()
    }

    pub fn recipients<'a>(&'a self, to: &'a Recipients) -> impl Iterator<Item = ClientId> + 'a {
        self.subscriptions.recipients(to)
    }

    fn envelope(&mut self, now: Instant, client: ClientId, kind: &str, channel: &str, text: &str) {
        if channel.is_empty() {
            return;
        }
        if self.routing == Routing::Room {
            self.update_room(client, kind, text);
        }
        if channel != ROOMS || self.apply_to_registry(now, client, kind, text) {
            self.relay(client, channel, text);
        }
        if kind == "user-left-room" && channel == ROOMS {
            self.subscriptions.move_to(client, None);
        }
    }

    /// Moves the client to the room that its envelope names, except for a leave message.
    fn update_room(&mut self, client: ClientId, kind: &str, text: &str) {
        if matches!(kind, "user-left-room" | "participant-left") {
            return;
        }
        if let Some(room) = envelope::room(text, kind) {
            self.subscriptions.move_to(client, Some(&room));
        }
    }

    /// Applies an envelope of the rooms channel to the registry; true if it is to be relayed.
    fn apply_to_registry(&mut self, now: Instant, client: ClientId, kind: &str, text: &str) -> bool {
        let Some(registry) = &mut self.registry else { return true };
        match kind {
            "room-created" => {
                if let Some(room) = envelope::data::<Created>(text).and_then(Created::into_room) {
                    self.refused += u64::from(!registry.create(client, room));
                }
                false
            }
            "user-joined-room" => {
                let Some(member) = envelope::data::<Member>(text) else { return false };
                let join = registry.join(client, &member);
                if join == Join::NameTaken {
                    self.reply(client, replies::name_taken(&member));
                }
                self.refused += u64::from(join == Join::Refused);
                join == Join::Recorded
            }
            "user-left-room" => {
                if let Some(member) = envelope::data::<Member>(text) {
                    registry.leave(&member);
                }
                true
            }
            "room-removed" => {
                if let Some(room) = envelope::room(text, kind) {
                    registry.discard(&room);
                }
                true
            }
            "room-list-request" => {
                self.answer_list_request(now, client);
                false
            }
            _ => true,
        }
    }

    fn relay(&mut self, sender: ClientId, channel: &str, text: &str) {
        let Some(channel) = self.subscriptions.channel(channel) else { return };
        let among = match (self.routing, self.subscriptions.room_of(sender)) {
            (Routing::All, _) => Among::Channel(channel),
            (Routing::Room, Some(room)) => Among::Room { room, channel },
            (Routing::Room, None) => return,
        };
        self.send(among, Some(sender), text.into(), None);
    }

    fn answer_list_request(&mut self, now: Instant, client: ClientId) {
        let (Some(registry), Some(channel)) = (&self.registry, self.subscriptions.channel(ROOMS)) else { return };
        if self.subscriptions.listens(client, channel) {
            let rooms = match self.subscriptions.room_of(client) {
                Some(room) if self.routing == Routing::Room => registry.one(self.subscriptions.room_name(room)),
                _ => registry.all(),
            };
            let text = replies::room_list(&rooms, self.wall(now));
            self.send(Among::One(client), None, text, Some(ReplaceableFrame::List));
        }
    }

    /// Sends room lists to the subscribers of the rooms channel. With routing by room a client's list holds its own room
    /// only, so a change in another room sends it nothing, except at a `refresh`.
    fn send_lists(&mut self, now: Instant, refresh: bool) {
        let at = self.wall(now);
        let Some(registry) = &mut self.registry else { return };
        let changed = registry.take_changed();
        if refresh || self.refresh_at.is_none() || self.routing == Routing::All {
            self.refresh_at = (!registry.is_empty()).then_some(now + REFRESH);
        }
        let Some(channel) = self.subscriptions.channel(ROOMS) else { return };
        let registry = &*registry;
        let mut lists = vec![];
        match self.routing {
            Routing::All => lists.push((Among::Channel(channel), replies::room_list(&registry.all(), at))),
            Routing::Room => {
                let slots: Vec<Slot> = match refresh {
                    true => self.subscriptions.rooms().collect(),
                    false => changed.iter().filter_map(|id| self.subscriptions.room(id)).collect(),
                };
                for room in slots {
                    let text = replies::room_list(&registry.one(self.subscriptions.room_name(room)), at);
                    lists.push((Among::Room { room, channel }, text));
                }
                let roomless = Among::Roomless { channel };
                if self.subscriptions.recipients(&Recipients { among: roomless, except: None }).next().is_some() {
                    lists.push((roomless, replies::room_list(&registry.all(), at)));
                }
            }
        }
        for (among, text) in lists {
            self.send(among, None, text, Some(ReplaceableFrame::List));
        }
    }

    fn send_count(&mut self, now: Instant, among: Among, except: Option<ClientId>) {
        let text = replies::client_count(self.subscriptions.len(), self.wall(now));
        self.send(among, except, text, Some(ReplaceableFrame::Count));
    }

    fn reply(&mut self, client: ClientId, text: SharedText) {
        self.send(Among::One(client), None, text, None);
    }

    fn send(
        &mut self,
        among: Among,
        except: Option<ClientId>,
        text: SharedText,
        replaceable: Option<ReplaceableFrame>,
    ) {
        self.out.push_back(Delivery { to: Recipients { among, except }, text, replaceable });
    }

    fn wall(&self, now: Instant) -> Timestamp {
        let (then, wall) = self.epoch;
        let passed = SignedDuration::try_from(now.saturating_duration_since(then)).unwrap_or_default();
        wall.checked_add(passed).unwrap_or(wall)
    }
}

#[cfg(test)]
mod tests;
