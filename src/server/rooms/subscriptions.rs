//! Who is connected, listens to which channels and is in which room: and so, who hears a frame.

use crate::server::rooms::client_id::ClientId;
use crate::server::rooms::groups::{Groups, Slot};

/// Subscriptions of one client beyond this are refused.
const CHANNELS_MAX: usize = 64;

/// Whom a frame is for, as a rule and not as a list: a broadcast costs no more than a reply.
#[derive(Clone, Copy, Debug)]
pub struct Recipients {
    pub(super) among: Among,
    /// The sender of a relayed frame.
    pub except: Option<ClientId>,
}

impl Recipients {
    /// Nobody else.
    pub fn one(client: ClientId) -> Self {
        Self { among: Among::One(client), except: None }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Among {
    One(ClientId),
    Everybody,
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
    pub fn enter(&mut self, client: ClientId) {
        let index = client.0 as usize;
        if self.clients.len() <= index {
            self.clients.resize_with(index + 1, Client::default);
        }
        self.present.push(client);
    }

    /// False if the client was not there.
    pub fn leave(&mut self, client: ClientId) -> bool {
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

    pub fn size(&self) -> usize {
        self.present.len()
    }

    pub fn subscribe(&mut self, client: ClientId, channel: &str) {
        let channels = &mut self.clients[client.0 as usize].channels;
        let known = self.channels.find(channel).is_some_and(|slot| channels.contains(&slot));
        if !known && !channel.is_empty() && channels.len() < CHANNELS_MAX {
            channels.push(self.channels.enter(channel, client));
        }
    }

    pub fn unsubscribe(&mut self, client: ClientId, channel: &str) {
        let Some(slot) = self.channels.find(channel) else { return };
        self.clients[client.0 as usize].channels.retain(|held| *held != slot);
        self.channels.leave(slot, client);
    }

    /// A client is in one room at most.
    pub fn move_to(&mut self, client: ClientId, room: Option<&str>) {
        let place = &mut self.clients[client.0 as usize].room;
        if place.map(|slot| self.rooms.name(slot)) == room {
            return;
        }
        if let Some(left) = place.take() {
            self.rooms.leave(left, client);
        }
        *place = room.map(|room| self.rooms.enter(room, client));
    }

    /// The channel, if anybody listens to it.
    pub fn channel(&self, name: &str) -> Option<Slot> {
        self.channels.find(name)
    }

    /// The room, if anybody is in it.
    pub fn room(&self, name: &str) -> Option<Slot> {
        self.rooms.find(name)
    }

    pub fn room_of(&self, client: ClientId) -> Option<Slot> {
        self.clients[client.0 as usize].room
    }

    pub fn room_name(&self, room: Slot) -> &str {
        self.rooms.name(room)
    }

    pub fn rooms(&self) -> impl Iterator<Item = Slot> {
        self.rooms.slots()
    }

    pub fn listens(&self, client: ClientId, channel: Slot) -> bool {
        self.clients[client.0 as usize].channels.contains(&channel)
    }

    pub fn recipients<'a>(&'a self, to: &'a Recipients) -> impl Iterator<Item = ClientId> + 'a {
        let among = match &to.among {
            Among::One(client) => std::slice::from_ref(client),
            Among::Everybody => &self.present,
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
