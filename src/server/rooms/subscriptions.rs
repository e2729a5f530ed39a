//! Connected clients with their channels and rooms, which give the recipients of each frame.

use crate::server::rooms::client_id::ClientId;
use crate::server::rooms::groups::{Groups, Slot};

/// Maximum number of subscriptions of one client.
const CHANNELS_MAX: usize = 64;

/// Maximum length of a channel's, room's or user's id or name, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 256;

/// Recipients of a frame as a rule rather than a list, so that a broadcast costs no more memory than a reply.
#[derive(Clone, Copy, Debug)]
pub struct Recipients {
    pub(super) among: Among,
    /// Excluded client: the sender of a relayed frame.
    pub except: Option<ClientId>,
}

impl Recipients {
    /// Addresses one client.
    pub fn one(client: ClientId) -> Self {
        Self { among: Among::One(client), except: None }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Among {
    One(ClientId),
    All,
    Channel(Slot),
    Room { room: Slot, channel: Slot },
    Roomless { channel: Slot },
}

#[derive(Default)]
pub(super) struct Subscriptions {
    clients: Vec<Client>,
    present: Vec<ClientId>,
    channels: Groups,
    rooms: Groups,
}

#[derive(Default)]
struct Client {
    channels: Vec<Slot>,
    room: Option<Slot>,
}

impl Subscriptions {
    pub(super) fn enter(&mut self, client: ClientId) {
        let index = client.0 as usize;
        if self.clients.len() <= index {
            self.clients.resize_with(index + 1, Client::default);
        }
        self.present.push(client);
    }

    /// Removes the client; false if it is unknown.
    pub(super) fn leave(&mut self, client: ClientId) -> bool {
        let Some(index) = self.present.iter().position(|present| *present == client) else { return false };
        self.present.swap_remove(index);
        let gone = std::mem::take(&mut self.clients[client.0 as usize]);
        for channel in gone.channels {
            self.channels.leave(channel, client);
        }
        if let Some(room) = gone.room {
            self.rooms.leave(room, client);
        }
        true
    }

    pub(super) fn len(&self) -> usize {
        self.present.len()
    }

    /// Subscribes a client; false if the channel's name is too long, or the client has too many.
    pub(super) fn subscribe(&mut self, client: ClientId, channel: &str) -> bool {
        let channels = &mut self.clients[client.0 as usize].channels;
        let known = self.channels.find(channel).is_some_and(|slot| channels.contains(&slot));
        if known || channel.is_empty() {
            return true;
        }
        let has_room = channel.len() <= NAME_BYTES_MAX && channels.len() < CHANNELS_MAX;
        if has_room {
            channels.push(self.channels.enter(channel, client));
        }
        has_room
    }

    pub(super) fn unsubscribe(&mut self, client: ClientId, channel: &str) {
        let Some(slot) = self.channels.find(channel) else { return };
        self.clients[client.0 as usize].channels.retain(|held| *held != slot);
        self.channels.leave(slot, client);
    }

    /// Moves a client to `room`, whose name is short enough to be kept; a client is in at most one.
    pub(super) fn move_to(&mut self, client: ClientId, room: Option<&str>) {
        let room = room.filter(|room| room.len() <= NAME_BYTES_MAX);
        let place = &mut self.clients[client.0 as usize].room;
        if place.map(|slot| self.rooms.name(slot)) == room {
            return;
        }
        if let Some(left) = place.take() {
            self.rooms.leave(left, client);
        }
        *place = room.map(|room| self.rooms.enter(room, client));
    }

    /// Slot of a channel that has subscribers.
    pub(super) fn channel(&self, name: &str) -> Option<Slot> {
        self.channels.find(name)
    }

    /// Slot of a room that has members.
    pub(super) fn room(&self, name: &str) -> Option<Slot> {
        self.rooms.find(name)
    }

    pub(super) fn room_of(&self, client: ClientId) -> Option<Slot> {
        self.clients[client.0 as usize].room
    }

    pub(super) fn room_name(&self, room: Slot) -> &str {
        self.rooms.name(room)
    }

    pub(super) fn rooms(&self) -> impl Iterator<Item = Slot> {
        self.rooms.slots()
    }

    pub(super) fn listens(&self, client: ClientId, channel: Slot) -> bool {
        self.clients[client.0 as usize].channels.contains(&channel)
    }

    pub(super) fn recipients<'a>(&'a self, to: &'a Recipients) -> impl Iterator<Item = ClientId> + 'a {
        let among = match &to.among {
            Among::One(client) => std::slice::from_ref(client),
            Among::All => &self.present,
            Among::Channel(channel) | Among::Roomless { channel } => self.channels.members(*channel),
            Among::Room { room, .. } => self.rooms.members(*room),
        };
        among.iter().copied().filter(|client| {
            Some(*client) != to.except
                && match to.among {
                    Among::Room { channel, .. } => self.listens(*client, channel),
                    Among::Roomless { .. } => self.room_of(*client).is_none(),
                    _ => true,
                }
        })
    }
}
