//! The rooms of a registry server, with their participants.

use crate::server::rooms::client_id::ClientId;
use crate::server::rooms::envelope::{Member, NewRoom};
use crate::server::rooms::subscriptions::NAME_BYTES_MAX;
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Maximum number of rooms, so that a client can't fill the memory with names.
const ROOMS_MAX: usize = 65_536;
/// Maximum length of a room's description and of what else its creator says of it, in bytes of JSON.
const ABOUT_BYTES_MAX: usize = 1_024;
/// Maximum length of the list of all rooms, in bytes: a client whose queue has no room for it would be cut.
const LIST_BYTES_MAX: usize = 8 << 20;
/// Bytes of a listed room and of a listed user besides their texts.
const LISTED_BYTES: usize = 160;

/// Rooms by id. A client has at most one seat: it takes it by joining, and loses it by joining another room, by leaving,
/// or when its socket closes.
#[derive(Default)]
pub(super) struct Registry {
    rooms: BTreeMap<String, RegisteredRoom>,
    seats: FxHashMap<ClientId, Member>,
    /// Rooms whose creator is still connected: an empty room stays until its creator has joined or left.
    created: FxHashMap<ClientId, BTreeSet<String>>,
    changed: BTreeSet<String>,
    /// The length of the list of all rooms, roughly.
    bytes: usize,
}

struct RegisteredRoom {
    about: NewRoom,
    creator: ClientId,
    participants: Vec<Participant>,
}

#[derive(Serialize)]
struct Participant {
    id: String,
    name: String,
    #[serde(skip)]
    client: ClientId,
}

/// Result of a join.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Join {
    Recorded,
    UnknownRoom,
    NameTaken,
    /// An id or name is too long, or the list would be.
    Refused,
}

/// Entry of server-room-list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed<'a> {
    id: &'a str,
    name: &'a Value,
    description: &'a Value,
    host: &'a Value,
    host_id: &'a Value,
    created_at: &'a Value,
    participant_count: usize,
    participants: &'a [Participant],
}

impl Registry {
    /// Adds a room. A room that exists stays unchanged, but is listed again. False if there is no place for it.
    pub(super) fn create(&mut self, creator: ClientId, about: NewRoom) -> bool {
        if self.rooms.contains_key(&about.id) {
            self.changed.insert(about.id);
            return true;
        }
        let said = about.bytes();
        let bytes = self.bytes + about.id.len() + said + LISTED_BYTES;
        if about.id.len() > NAME_BYTES_MAX
            || said > ABOUT_BYTES_MAX
            || self.rooms.len() >= ROOMS_MAX
            || bytes > LIST_BYTES_MAX
        {
            return false;
        }
        self.bytes = bytes;
        self.changed.insert(about.id.clone());
        self.created.entry(creator).or_default().insert(about.id.clone());
        self.rooms.insert(about.id.clone(), RegisteredRoom { about, creator, participants: vec![] });
        true
    }

    /// Adds a user to a room, or updates it: a known user id keeps its position.
    pub(super) fn join(&mut self, client: ClientId, member: &Member) -> Join {
        let Some(room) = self.rooms.get_mut(&member.room_id) else { return Join::UnknownRoom };
        let bytes = member.user_id.len() + member.user_name.len() + LISTED_BYTES;
        let long = member.user_id.len().max(member.user_name.len()) > NAME_BYTES_MAX;
        if long || self.bytes + bytes > LIST_BYTES_MAX {
            return Join::Refused;
        }
        let same_name = |other: &Participant| other.id != member.user_id && other.name == member.user_name;
        if !member.user_name.is_empty() && room.participants.iter().any(same_name) {
            return Join::NameTaken;
        }
        let (id, name) = (member.user_id.clone(), member.user_name.clone());
        self.bytes += bytes;
        match room.participants.iter_mut().find(|other| other.id == id) {
            Some(known) => {
                let before = std::mem::replace(known, Participant { id, name, client });
                self.bytes -= before.bytes();
                if before.client != client {
                    self.seats.remove(&before.client);
                }
            }
            None => room.participants.push(Participant { id, name, client }),
        }
        self.changed.insert(member.room_id.clone());
        let before = self.seats.insert(client, member.clone());
        if let Some(before) = before.filter(|seat| !seat.is_same(member)) {
            self.leave(&before);
        }
        Join::Recorded
    }

    /// Removes the user, whichever client sent the message; removes the room with its last user.
    pub(super) fn leave(&mut self, member: &Member) {
        let Some(room) = self.rooms.get_mut(&member.room_id) else { return };
        let Some(index) = room.participants.iter().position(|other| other.id == member.user_id) else { return };
        let left = room.participants.remove(index);
        self.bytes -= left.bytes();
        let empty = room.participants.is_empty();
        if self.seats.get(&left.client).is_some_and(|seat| seat.is_same(member)) {
            self.seats.remove(&left.client);
        }
        self.changed.insert(member.room_id.clone());
        if empty {
            self.remove(&member.room_id);
        }
    }

    /// Removes a room and its participants, whichever client sent the message.
    pub(super) fn discard(&mut self, id: &str) {
        let Some(room) = self.rooms.get(id) else { return };
        for participant in &room.participants {
            if self.seats.get(&participant.client).is_some_and(|seat| seat.room_id == id) {
                self.seats.remove(&participant.client);
            }
        }
        self.changed.insert(id.to_owned());
        self.remove(id);
    }

    /// Removes the client's user, and the empty rooms that the client created.
    pub(super) fn closed(&mut self, client: ClientId) {
        if let Some(seat) = self.seats.remove(&client) {
            self.leave(&seat);
        }
        for id in self.created.remove(&client).unwrap_or_default() {
            if self.rooms.get(&id).is_some_and(|room| room.participants.is_empty()) {
                self.remove(&id);
                self.changed.insert(id);
            }
        }
    }

    /// Keeps the client's user and rooms, but no longer ties them to the client.
    pub(super) fn detach(&mut self, client: ClientId) {
        self.seats.remove(&client);
        self.created.remove(&client);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    pub(super) fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Returns the ids of rooms created, changed or removed since the last call.
    pub(super) fn take_changed(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.changed)
    }

    /// Lists every room in the order of ids.
    pub(super) fn all(&self) -> Vec<Listed<'_>> {
        self.rooms.values().map(RegisteredRoom::listed).collect()
    }

    /// Lists the room of that id; empty if it is unknown.
    pub(super) fn one(&self, id: &str) -> Vec<Listed<'_>> {
        self.rooms.get(id).map(RegisteredRoom::listed).into_iter().collect()
    }

    fn remove(&mut self, id: &str) {
        let Some(room) = self.rooms.remove(id) else { return };
        self.bytes -= room.about.id.len() + room.about.bytes() + LISTED_BYTES;
        self.bytes -= room.participants.iter().map(Participant::bytes).sum::<usize>();
        if let Some(created) = self.created.get_mut(&room.creator) {
            created.remove(id);
        }
    }
}

impl Member {
    /// True for the same user id in the same room; names may differ.
    fn is_same(&self, other: &Self) -> bool {
        self.room_id == other.room_id && self.user_id == other.user_id
    }
}

impl NewRoom {
    /// The length of all but the id, as JSON.
    fn bytes(&self) -> usize {
        let Self { id: _, name, description, host, host_id, created_at } = self;
        [name, description, host, host_id, created_at].into_iter().map(|value| value.to_string().len()).sum()
    }
}

impl Participant {
    fn bytes(&self) -> usize {
        self.id.len() + self.name.len() + LISTED_BYTES
    }
}

impl RegisteredRoom {
    fn listed(&self) -> Listed<'_> {
        Listed {
            id: &self.about.id,
            name: &self.about.name,
            description: &self.about.description,
            host: &self.about.host,
            host_id: &self.about.host_id,
            created_at: &self.about.created_at,
            participant_count: self.participants.len(),
            participants: &self.participants,
        }
    }
}
