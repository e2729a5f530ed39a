//! The faults `partition` and `split`: a room has several instances, kept apart by another name inside the server.

use crate::server::faults::mutate::message_fields;
use crate::server::rooms::ClientId;
use rustc_hash::FxHashMap;

/// The instances of rooms, and each client's.
#[derive(Default)]
pub(super) struct Instances {
    /// Number of processes, to which connections are dealt in turn.
    processes: Option<u32>,
    /// Most clients in one instance of a room.
    seats: Option<u32>,
    clients: FxHashMap<ClientId, ClientInstance>,
    /// By the room's name as clients know it.
    rooms: FxHashMap<String, RoomInstances>,
}

#[derive(Default)]
struct ClientInstance {
    process: u32,
    /// The first room that the client named, and its instance; `None` before that.
    seat: Option<(String, u32)>,
}

#[derive(Default)]
struct RoomInstances {
    /// The room-created of its host.
    created: Option<String>,
    /// By process and number of the instance: its clients.
    taken: FxHashMap<(u32, u32), u32>,
}

impl Instances {
    pub(super) fn new(processes: Option<u32>, seats: Option<u32>) -> Self {
        Self { processes, seats, ..Self::default() }
    }

    /// Adds a client; `number` counts the connections so far.
    pub(super) fn enter(&mut self, client: ClientId, number: u64) {
        if self.processes.is_some() || self.seats.is_some() {
            let process = (number % u64::from(self.processes.unwrap_or(1))) as u32;
            self.clients.insert(client, ClientInstance { process, seat: None });
        }
    }

    pub(super) fn leave(&mut self, client: ClientId) {
        let Some(ClientInstance { process, seat: Some((room, instance)) }) = self.clients.remove(&client) else {
            return;
        };
        if let Some(taken) = self.rooms.get_mut(&room).and_then(|room| room.taken.get_mut(&(process, instance))) {
            *taken -= 1;
        }
    }

    /// The frames that the rooms get for one of a client: a new instance is created like its room.
    pub(super) fn inbound(&mut self, client: ClientId, text: String) -> Vec<String> {
        let Some(state) = self.clients.get_mut(&client) else { return vec![text] };
        let fields = message_fields(&text);
        if fields.kind == "room-created" {
            self.rooms.entry(fields.room.to_string()).or_default().created.get_or_insert_with(|| text.clone());
        }
        let mut frames = vec![];
        if state.seat.is_none() && !fields.room.is_empty() {
            let room = self.rooms.entry(fields.room.to_string()).or_default();
            let seats = self.seats.unwrap_or(u32::MAX);
            let process = state.process;
            let is_free = |instance: &u32| room.taken.get(&(process, *instance)).is_none_or(|taken| *taken < seats);
            let instance = (0..).find(is_free).unwrap_or(0);
            let taken = room.taken.entry((process, instance)).or_default();
            *taken += 1;
            let is_new = *taken == 1 && (process, instance) != (0, 0) && fields.kind != "room-created";
            frames.extend(room.created.clone().filter(|_| is_new));
            state.seat = Some((fields.room.to_string(), instance));
        }
        frames.push(text);
        match state.names() {
            Some((room, own, _)) => frames.into_iter().map(|text| text.replace(&room, &own)).collect(),
            None => frames,
        }
    }

    /// The frame as the client sees it: its own instance has the room's name; `None` if the text stays as it is.
    pub(super) fn outbound(&self, client: ClientId, text: &str) -> Option<String> {
        let (room, own, first) = self.clients.get(&client)?.names()?;
        Some(text.replace(&room, &first).replace(&own, &room))
    }
}

impl ClientInstance {
    /// The quoted names of the client's room, its own instance and the first instance; `None` in the first instance.
    fn names(&self) -> Option<(String, String, String)> {
        let (room, instance) = self.seat.as_ref()?;
        let name = |process: u32, instance: u32| format!("\"{room}--{process}.{instance}\"");
        ((self.process, *instance) != (0, 0))
            .then(|| (format!("\"{room}\""), name(self.process, *instance), name(0, 0)))
    }
}
