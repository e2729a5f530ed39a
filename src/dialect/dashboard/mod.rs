//! The dashboard protocol of protocol.md: what a peer says when, and what it makes of what it hears.

mod acquaintance;
mod look;
mod speech;
mod wire;

pub use wire::KINDS;

use super::{Concern, Connect, Conversation, Input, Me, Output};
use crate::vocabulary::choice::{Initiator, Trigger};
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::message::{Heard, Kind, Signal};
use crate::vocabulary::phase::Phase;
use acquaintance::Acquaintances;
use look::{Field, leading_type};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use wire::{Body, Incoming, Participant, Room, RoomList};

pub const NAME: &str = "dashboard";
pub const DESCRIPTION: &str = "rooms over a WebSocket relay with channels; the lower id offers";
pub const SAMPLE: &str = "ws://127.0.0.1:9000/ws/";

/// The longest SDP that is taken to be one (faults.md 10); in bytes.
const SDP_BYTES_MAX: usize = 64 * 1024;

/// A join said again after a list needs this long to show in the next ones; until then they are old news.
const REJOIN_PAUSE: Duration = Duration::from_secs(1);

/// One peer's side of it.
pub struct Dashboard {
    me: Me,
    fields: Fields,
    acquaintances: Acquaintances,
    /// The join was said.
    joined: bool,
    /// A list has been seen: the server keeps a registry.
    registry: bool,
    /// A list has shown this peer in its room.
    listed: bool,
    /// When the join was last said because a list lacked this peer.
    rejoined_at: Option<Instant>,
    /// When peer-ready is to be said.
    ready_at: Option<Instant>,
    outputs: VecDeque<Output>,
}

struct Fields {
    to: Field,
    room: Field,
    /// How this peer's room begins in a list.
    listing: memchr::memmem::Finder<'static>,
}

impl Conversation for Dashboard {
    fn connect(&mut self, base: &str) -> Connect {
        Connect { url: base.to_owned(), headers: vec![], subprotocol: None }
    }

    fn handle(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Open => self.enter(now),
            Input::Frame(text) => {
                let (kind, concern) = self.read(now, text);
                // The books come first, so that an answer is never dated before what it answers.
                self.outputs.push_front(Output::Frame { kind, concern });
            }
            Input::Say(say) => self.say(now, say),
            Input::Back { id } => self.acquaintances.forget(id),
            Input::Wake => {
                if self.ready_at.is_some_and(|at| at <= now) {
                    self.ready_at = None;
                    self.say_ready(now);
                }
            }
            // Its peers name themselves, and find each other by what the server relays.
            Input::Present { .. } | Input::Turn | Input::Shared { .. } => {}
        }
    }

    fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn wake_at(&self) -> Option<Instant> {
        self.ready_at
    }
}

impl Dashboard {
    pub fn new(me: Me) -> Self {
        let listing = memchr::memmem::Finder::new(&format!(r#"{{"id":{}"#, wire::text(&me.room))).into_owned();
        let fields = Fields { to: Field::new("toUserId"), room: Field::new("roomId"), listing };
        Self {
            me,
            fields,
            acquaintances: Acquaintances::default(),
            joined: false,
            registry: false,
            listed: false,
            rejoined_at: None,
            ready_at: None,
            outputs: VecDeque::new(),
        }
    }

    fn enter(&mut self, now: Instant) {
        self.subscribe();
        if self.me.host {
            self.say_created(now);
        }
        self.say_joined(now);
        self.say_member_joined(now);
        self.joined = true;
        self.outputs.push_back(Output::Heard(Heard::Joined));
        if self.me.settle.is_zero() {
            self.say_ready(now);
        } else {
            self.ready_at = Some(now + self.me.settle);
        }
    }

    /// Reads one frame: what it was, and whom it was for.
    fn read(&mut self, now: Instant, text: &str) -> (Kind, Concern) {
        if let Some(name) = leading_type(text) {
            let kind = wire::kind(name);
            if kind == wire::SERVER_ROOM_LIST {
                return (kind, self.read_list(now, text));
            }
            if self.is_for_others(kind, text) {
                return (kind, Concern::Others);
            }
        }
        match serde_json::from_str::<Incoming>(text) {
            Ok(frame) if frame.r#type == "server-room-list" => (wire::SERVER_ROOM_LIST, self.read_list(now, text)),
            Ok(frame) => {
                let kind = wire::kind(&frame.r#type);
                (kind, self.understand(now, kind, frame))
            }
            Err(_) => {
                self.outputs.push_back(Output::Heard(Heard::Nonsense));
                (wire::UNKNOWN, Concern::Me { from: None })
            }
        }
    }

    /// Whether a look is enough to drop the frame. When in doubt: no.
    fn is_for_others(&self, kind: Kind, text: &str) -> bool {
        match wire::channel_of(kind) {
            Some(wire::SIGNALING) => self.fields.to.of(text).is_some_and(|to| to != self.me.id),
            Some(_) if kind != wire::ROOM_CREATED => self.fields.room.of(text).is_some_and(|room| room != self.me.room),
            Some(_) => false,
            None => kind != wire::UNKNOWN,
        }
    }

    fn understand(&mut self, now: Instant, kind: Kind, frame: Incoming) -> Concern {
        let Incoming { channel, sender, data, room_id, user_id, reason, .. } = frame;
        // The sender is a connection; the user who speaks is named in the data.
        let from = data.author(kind).or(sender.as_deref()).map(str::to_owned);
        if [&sender, &from].into_iter().flatten().any(|id| *id == self.me.id) {
            return Concern::Others;
        }
        let room = data.room_id.as_deref().or(room_id.as_deref()).or(data.id.as_deref());
        if room != Some(self.me.room.as_str()) {
            return Concern::Others;
        }
        if kind == wire::JOIN_REJECTED {
            let user = data.user_id.or(user_id);
            return self.rejected(user, data.reason.or(reason));
        }
        let addressed = data.to_user_id.as_deref().is_none_or(|to| to == self.me.id);
        if !addressed || kind == wire::UNKNOWN {
            return Concern::Others;
        }
        if channel.as_deref() != wire::channel_of(kind) {
            return Concern::Elsewhere { from };
        }
        let Some(from) = from else { return Concern::Others };
        self.heard(now, kind, &from, data);
        Concern::Me { from: Some(from) }
    }

    fn rejected(&mut self, user: Option<String>, reason: Option<String>) -> Concern {
        if user.as_deref() != Some(self.me.id.as_str()) {
            return Concern::Others;
        }
        // Lists lack this peer from now on, and that is no reason to say the join again.
        self.joined = false;
        let failure = Failure::new(Phase::Join, Reason::Rejected, reason.unwrap_or_default());
        self.outputs.push_back(Output::Heard(Heard::Refused(failure)));
        Concern::Me { from: None }
    }

    /// A message of this room, on its own channel, from somebody else.
    fn heard(&mut self, now: Instant, kind: Kind, from: &str, data: Body) {
        match kind {
            wire::USER_JOINED_ROOM => self.heard_joined(now, from, data),
            wire::PARTICIPANT_JOINED => self.heard_trigger(now, from, Trigger::ParticipantJoined),
            wire::PEER_READY => self.heard_trigger(now, from, Trigger::PeerReady),
            wire::USER_LEFT_ROOM | wire::PARTICIPANT_LEFT => self.heard_left(from),
            wire::OFFER => self.heard_signal(from, data.offer.map(|offer| Signal::Offer { sdp: offer.sdp })),
            wire::ANSWER => self.heard_signal(from, data.answer.map(|answer| Signal::Answer { sdp: answer.sdp })),
            wire::ICE => {
                let signal = match data.candidate {
                    Some(candidate) if !candidate.candidate.is_empty() => Signal::Candidate(candidate.into()),
                    _ => Signal::EndOfCandidates,
                };
                self.heard_signal(from, Some(signal));
            }
            _ => {}
        }
    }

    fn heard_joined(&mut self, now: Instant, from: &str, data: Body) {
        let existing = data.existing_participants.unwrap_or_default();
        // Without a registry, whoever is there answers a join with its own, which names the newcomer.
        let is_reply = !self.registry && existing.iter().any(|other| other.id == self.me.id);
        let stranger = !self.acquaintances.is_known(from);
        let other = self.acquaintances.meet(from, "");
        if is_reply {
            // What was first heard of it may have been its reply to somebody else.
            other.newcomer = false;
        } else if stranger {
            other.newcomer = true;
        }
        self.heard_trigger(now, from, Trigger::UserJoinedRoom);
        for Participant { id, name } in existing {
            if id != self.me.id {
                self.acquaintances.meet(&id, &name);
                // A reply tells a newcomer who is there; to the others a list of the present starts nothing.
                self.tell(&id, is_reply);
            }
        }
    }

    /// Notes a trigger message, and answers it if a newcomer is to learn of this peer by it.
    fn heard_trigger(&mut self, now: Instant, id: &str, trigger: Trigger) {
        let chosen = trigger == self.me.trigger;
        let registry = self.registry;
        let other = self.acquaintances.meet(id, "");
        let first = chosen && !other.triggered;
        if chosen && !first && !registry {
            // Only who does not offer answers. Two that came at once may each take the other for the newcomer, and
            // then each would wait: with the answer the wait is over.
            other.newcomer = false;
        }
        other.triggered |= chosen;
        let initiate = self.initiates(id);
        if first && self.joined && !initiate {
            self.answer_newcomer(now, trigger);
        }
        self.tell_as(id, chosen, initiate);
    }

    fn answer_newcomer(&mut self, now: Instant, trigger: Trigger) {
        match trigger {
            // Its own time for peer-ready has not come yet; then all will hear it.
            Trigger::PeerReady if self.ready_at.is_some() => {}
            Trigger::PeerReady => self.say_ready(now),
            Trigger::ParticipantJoined => self.say_member_joined(now),
            Trigger::UserJoinedRoom if !self.registry => self.say_joined(now),
            Trigger::UserJoinedRoom | Trigger::RoomList => {}
        }
    }

    fn heard_left(&mut self, from: &str) {
        if self.acquaintances.is_known(from) {
            self.acquaintances.forget(from);
            self.outputs.push_back(Output::Heard(Heard::Left { who: from.to_owned() }));
        }
    }

    fn heard_signal(&mut self, from: &str, signal: Option<Signal>) {
        let too_long = |signal: &Signal| match signal {
            Signal::Offer { sdp } | Signal::Answer { sdp } => sdp.len() > SDP_BYTES_MAX,
            Signal::Candidate(_) | Signal::EndOfCandidates => false,
        };
        let heard = match signal {
            Some(signal) if !too_long(&signal) => {
                // The higher id's offer wins (protocol.md, "Who offers").
                Heard::Signal { from: from.to_owned(), signal, polite: self.me.id.as_str() < from }
            }
            _ => Heard::Nonsense,
        };
        self.outputs.push_back(Output::Heard(heard));
    }

    fn read_list(&mut self, now: Instant, text: &str) -> Concern {
        self.registry = true;
        let Some(room) = self.own_room(text) else { return Concern::Others };
        let own = room.participants.iter().position(|participant| participant.id == self.me.id);
        if own.is_none() && self.joined && self.rejoined_at.is_none_or(|at| at + REJOIN_PAUSE <= now) {
            self.rejoined_at = Some(now);
            self.say_joined(now);
        }
        // What a list tells before it shows this peer, and when it first does, is who was there already.
        let newcomer_here = !self.listed;
        for (position, Participant { id, name }) in room.participants.iter().enumerate() {
            if *id == self.me.id {
                continue;
            }
            let other = self.acquaintances.meet(id, name);
            // A registry lists in the order of joining, and knows it better than any message tells: two that heard
            // of each other in different orders agree on the list. Until it shows this peer, all others came first.
            if let Some(own) = own {
                other.newcomer = own < position;
            } else if newcomer_here {
                other.newcomer = false;
            }
            other.listed = true;
            self.tell(id, newcomer_here || self.me.trigger == Trigger::RoomList);
        }
        self.listed |= own.is_some();
        for who in self.acquaintances.missed_in(&room.participants) {
            self.outputs.push_back(Output::Heard(Heard::Missed { who }));
        }
        Concern::Me { from: None }
    }

    /// This peer's room in a list, read alone where its beginning can be found: lists are long, and many.
    fn own_room(&self, text: &str) -> Option<Room> {
        if let Some(start) = self.fields.listing.find(text.as_bytes()) {
            let mut rooms = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Room>();
            return rooms.next()?.ok().filter(|room| room.id == self.me.room);
        }
        if !text.contains(self.me.room.as_str()) {
            return None;
        }
        let list: RoomList = serde_json::from_str(text).ok()?;
        list.rooms.into_iter().find(|room| room.id == self.me.room)
    }

    fn initiates(&mut self, id: &str) -> bool {
        match self.me.initiator {
            // The lower id offers, so two peers never offer to each other at once.
            Initiator::LowerId => self.me.id.as_str() < id,
            Initiator::Existing => self.acquaintances.meet(id, "").newcomer,
            Initiator::Newcomer => !self.acquaintances.meet(id, "").newcomer,
        }
    }

    fn tell(&mut self, id: &str, start: bool) {
        let initiate = self.initiates(id);
        self.tell_as(id, start, initiate);
    }

    fn tell_as(&mut self, id: &str, start: bool, initiate: bool) {
        let other = self.acquaintances.meet(id, "");
        if other.is_news(start, initiate) {
            let start = other.started();
            self.outputs.push_back(Output::Heard(Heard::Met { who: id.to_owned(), start, initiate }));
        }
    }
}

#[cfg(test)]
mod tests;
