//! A whole virtual peer without a socket: its conversation with the server and its state machine, joined.

use super::guests::GuestSeats;
use super::id_exchange::IdExchange;
use super::ports::{Input, OutgoingFrame, Output};
use super::spec::PeerSpec;
use crate::dialect::{self, Conversation, Output as Talked};
use crate::peer::{self, Peer, PeerCommand};
use crate::vocabulary::event::{SignalPart, What};
use crate::vocabulary::ids::{Naming, Place, Seat};
use crate::vocabulary::message::{Heard, Say, Signal};
use rustc_hash::FxHasher;
use std::collections::VecDeque;
use std::hash::Hasher;
use std::time::Instant;

/// Words about strangers that wait for their id to be known.
const STRANGERS_MAX: usize = 1_024;

/// Makes a conversation of the same peer, from its first word on.
type Renewal = Box<dyn Fn() -> Box<dyn Conversation>>;

/// One peer of one room. After `handle`, drain `poll`.
pub struct VirtualPeer {
    place: Place,
    room_size: u16,
    naming: Naming,
    conversation: Box<dyn Conversation>,
    /// Begins another conversation, for the next socket.
    renewal: Renewal,
    /// The socket is open: what is said gets out.
    connected: bool,
    /// It is not the first one.
    was_connected: bool,
    peer: Peer,
    outputs: VecDeque<Output>,
    exchange: Option<IdExchange>,
    edition: u64,
    /// Whom the conversation was told of.
    introduced: Vec<Seat>,
    turn: bool,
    shared: Vec<String>,
    strangers: VecDeque<Heard<String>>,
    guests: GuestSeats,
    /// Where each seat's connection lies in the engine: offers without an addressee change places.
    slots: Vec<Seat>,
}

impl PeerSpec {
    /// A peer that has not begun. Each further socket gets a conversation of its own, from the first word on: a
    /// server that was restarted knows no peer.
    pub fn build(self) -> VirtualPeer {
        let (identity, config) = (self.identity(), self.config());
        let Self { place, room_size, guests, naming, dialect, epoch, backoff, exchange, .. } = self;
        let conversation = dialect.converse(identity.clone());
        VirtualPeer {
            place,
            room_size,
            naming,
            conversation,
            renewal: Box::new(move || dialect.converse(identity.clone())),
            connected: false,
            was_connected: false,
            peer: Peer::new(config, epoch.0).reconnecting(backoff).hosting(guests),
            outputs: VecDeque::new(),
            exchange,
            edition: 0,
            introduced: vec![],
            turn: false,
            shared: vec![],
            strangers: VecDeque::new(),
            guests: GuestSeats::new(room_size, guests),
            slots: (0..room_size.saturating_add(guests)).map(Seat).collect(),
        }
    }
}

impl VirtualPeer {
    /// The conversation of the next socket, to be asked how to connect.
    pub fn conversation(&mut self) -> &mut dyn Conversation {
        &mut *self.conversation
    }

    /// The board, if it has something that this peer has not read, and still would.
    pub fn news(&self) -> Option<&IdExchange> {
        self.exchange.as_ref().filter(|exchange| !self.is_gone() && exchange.edition() != self.edition)
    }

    pub fn exchange(&self) -> Option<&IdExchange> {
        self.exchange.as_ref()
    }

    /// Where the engine keeps the connection to `seat`.
    pub fn slot(&self, seat: Seat) -> Seat {
        self.slots.get(usize::from(seat.0)).copied().unwrap_or(seat)
    }

    /// Whose connection the engine keeps at `slot`.
    pub fn seat_at(&self, slot: Seat) -> Seat {
        self.slots.iter().position(|own| *own == slot).map_or(slot, |seat| Seat(seat as u16))
    }

    pub fn place(&self) -> Place {
        self.place
    }

    /// After `Output::Close` nothing has an effect any more.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        if self.is_gone() {
            return;
        }
        match input {
            Input::Begin { due } => self.peer.handle(now, peer::Input::Begin { due }),
            Input::Command(command) => {
                if let PeerCommand::Back { seat } = command {
                    let id = self.wire_id(seat);
                    self.conversation.handle(now, dialect::Input::Back { id: &id });
                    self.introduced.retain(|known| *known != seat);
                }
                self.peer.handle(now, peer::Input::Command(command));
            }
            Input::Upgraded => {
                if std::mem::replace(&mut self.was_connected, true) {
                    self.start_over();
                }
                self.connected = true;
                self.peer.handle(now, peer::Input::Upgraded);
                self.conversation.handle(now, dialect::Input::Open);
            }
            Input::Lost(failure) => {
                self.connected = false;
                self.peer.handle(now, peer::Input::Lost(failure));
                self.be_absent();
            }
            Input::Frame(text) => {
                self.conversation.handle(now, dialect::Input::Frame(text));
                self.listen(now, text.len() as u32);
            }
            Input::Engine(seat, notice) => self.peer.handle(now, peer::Input::Engine(seat, notice)),
            Input::IdExchange => self.read_exchange(now),
            Input::Wake => {
                if self.connected {
                    self.conversation.handle(now, dialect::Input::Wake);
                }
                self.peer.handle(now, peer::Input::Wake);
            }
        }
        self.settle(now);
    }

    /// Nobody waits for it on the board, or calls it, until it has joined again.
    fn be_absent(&self) {
        match &self.exchange {
            Some(exchange) if self.peer.dials_again() => exchange.lose(self.place.seat),
            Some(exchange) => exchange.go(self.place.seat),
            None => {}
        }
    }

    /// Forgets what was said and heard on the socket before.
    fn start_over(&mut self) {
        self.conversation = (self.renewal)();
        self.introduced.clear();
        self.shared.clear();
        self.turn = false;
        self.edition = 0;
    }

    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The peer has failed or left: nothing more will come of it.
    pub fn is_gone(&self) -> bool {
        self.peer.is_gone()
    }

    /// When `Input::Wake` is wanted.
    pub fn wake_at(&self) -> Option<Instant> {
        if self.is_gone() {
            return None;
        }
        let conversation = if self.connected { self.conversation.wake_at() } else { None };
        [conversation, self.peer.wake_at()].into_iter().flatten().min()
    }

    /// Passes words and wishes between the two until neither has any.
    fn settle(&mut self, now: Instant) {
        loop {
            self.listen(now, 0);
            match self.peer.poll() {
                Some(output) => self.obey(now, output),
                None => return,
            }
        }
    }

    /// Takes what the conversation has to tell; `bytes` is the length of the frame it was just given.
    fn listen(&mut self, now: Instant, bytes: u32) {
        while let Some(talked) = self.conversation.poll() {
            match talked {
                // Without a socket there is nobody to hear it.
                Talked::Send { .. } if !self.connected => {}
                Talked::Send { text, kind, to } => {
                    let to = to.and_then(|id| self.seat(&id));
                    self.outputs.push_back(Output::Say(OutgoingFrame { text, kind, to }));
                }
                Talked::Frame { kind, concern } => {
                    let concern = concern.map(|id: String| self.seat(&id));
                    self.outputs.push_back(Output::Event(What::Frame { kind, bytes, concern }));
                }
                Talked::Heard(heard) => self.take_in(now, heard),
                Talked::Known { id } => {
                    if let Some(exchange) = &self.exchange {
                        exchange.name(self.place.seat, &id);
                    }
                }
                Talked::Share { name, json } => {
                    if let Some(exchange) = &self.exchange {
                        exchange.share(&name, &json);
                    }
                }
                Talked::Swap { one, other } => {
                    if let (Some(one), Some(other)) = (self.seat(&one), self.seat(&other)) {
                        self.slots.swap(usize::from(one.0), usize::from(other.0));
                    }
                }
            }
        }
    }

    /// Takes what the conversation heard; an id that has no seat yet waits to be named, or is a guest's.
    fn take_in(&mut self, now: Instant, heard: Heard<String>) {
        let returns = comer(&heard).is_some_and(|id| self.guests.has_gone(id));
        let may_be_named = self.exchange.as_ref().is_some_and(|exchange| !exchange.is_complete());
        let is_seated = heard.who().is_none_or(|id| self.seat(id).is_some());
        let heard = match returns {
            true => heard,
            false => match heard.try_map(|id| self.seat(id)) {
                Ok(heard) => return self.pass_on(now, heard),
                Err(heard) => heard,
            },
        };
        // The server named it before its own peer has read how it is called.
        if !is_seated && may_be_named && self.strangers.len() < STRANGERS_MAX {
            self.strangers.push_back(heard);
        } else if self.admit(now, &heard) {
            self.take_in(now, heard);
        } else {
            // A peer of this room that is not in the plan.
            self.outputs.push_back(Output::Event(What::Surprise { other: None }));
        }
    }

    fn pass_on(&mut self, now: Instant, heard: Heard<Seat>) {
        let joined = heard == Heard::Joined;
        let refused = matches!(heard, Heard::Refused(_));
        let left = if let Heard::Left { who } = &heard { Some(*who) } else { None };
        if let Heard::Signal { from, signal, .. } = &heard {
            self.witness(*from, false, signal);
        }
        self.peer.handle(now, peer::Input::Heard(heard));
        while let Some(output) = self.peer.poll() {
            self.obey(now, output);
        }
        if let Some(seat) = left {
            self.guests.lose(seat);
        }
        if let Some(exchange) = self.exchange.as_ref().filter(|_| joined) {
            exchange.join(self.place.seat);
        } else if refused {
            self.be_absent();
        }
    }

    /// Gives a seat to a stranger who is heard to be there, if guests are expected and one has not come yet.
    fn admit(&mut self, now: Instant, heard: &Heard<String>) -> bool {
        // The names of this run are its peers'.
        let Some(id) = comer(heard).filter(|id| self.naming.index(id).is_none()) else { return false };
        let Some((seat, succeeds)) = self.guests.admit(id) else { return false };
        if succeeds {
            self.peer.handle(now, peer::Input::Succeeded { seat });
        }
        true
    }

    /// Passes on what the others of the room have made known.
    fn read_exchange(&mut self, now: Instant) {
        let Some(exchange) = self.exchange.clone() else { return };
        self.edition = exchange.edition();
        for heard in std::mem::take(&mut self.strangers) {
            self.take_in(now, heard);
        }
        for (name, json) in exchange.shared() {
            if !self.shared.contains(&name) {
                self.conversation.handle(now, dialect::Input::Shared { name: &name, json: &json });
                self.listen(now, 0);
                self.shared.push(name);
            }
        }
        for (seat, id, earlier) in exchange.present(self.place.seat) {
            if !self.introduced.contains(&seat) {
                self.introduced.push(seat);
                // After a loss the room is joined anew, and nothing is to be offered where a channel is open.
                let earlier = earlier && !self.peer.has_decided(seat);
                self.conversation.handle(now, dialect::Input::Present { id: &id, earlier });
                self.listen(now, 0);
            }
        }
        if !self.turn && exchange.is_turn_of(self.place.seat) {
            self.turn = true;
            self.conversation.handle(now, dialect::Input::Turn);
            self.listen(now, 0);
        }
    }

    fn obey(&mut self, now: Instant, output: peer::Output) {
        let output = match output {
            peer::Output::Say(say) => {
                let say = match say {
                    Say::Leave => Say::Leave,
                    Say::Signal { to, signal } => {
                        self.witness(to, true, &signal);
                        Say::Signal { to: self.wire_id(to), signal }
                    }
                };
                self.conversation.handle(now, dialect::Input::Say(say));
                return;
            }
            peer::Output::Dial => {
                self.connected = false;
                Output::Dial
            }
            peer::Output::Engine(seat, order) => Output::Engine(seat, order),
            peer::Output::Send(parcel) => Output::Send(parcel),
            peer::Output::Event(what) => {
                self.guests.watch(&what);
                Output::Event(what)
            }
            peer::Output::Close => {
                // A goodbye is said before the door is closed.
                self.listen(now, 0);
                if let Some(exchange) = &self.exchange {
                    exchange.go(self.place.seat);
                }
                Output::Close
            }
        };
        self.outputs.push_back(output);
    }

    fn wire_id(&self, seat: Seat) -> String {
        let known = self.guests.id(seat).or_else(|| self.exchange.as_ref().and_then(|exchange| exchange.id(seat)));
        known.unwrap_or_else(|| self.naming.peer(self.place.neighbour(seat)))
    }

    /// Books what a signal was, so that what is heard can be compared with what was said.
    fn witness(&mut self, other: Seat, said: bool, signal: &Signal) {
        let (part, text) = match signal {
            Signal::Offer { sdp } => (SignalPart::Offer, sdp),
            Signal::Answer { sdp } => (SignalPart::Answer, sdp),
            Signal::Candidate(candidate) => (SignalPart::Candidate, &candidate.candidate),
            Signal::EndOfCandidates => return,
        };
        if self.is_gone() || !self.connected {
            return;
        }
        let mut hasher = FxHasher::default();
        hasher.write(text.as_bytes());
        self.outputs.push_back(Output::Event(What::Signal { other, said, part, digest: hasher.finish() }));
    }

    /// The seat, in this room, of whoever goes by `id` on the wire; its own is nobody's.
    fn seat(&self, id: &str) -> Option<Seat> {
        if let Some(seat) = self.exchange.as_ref().and_then(|exchange| exchange.seat(id)) {
            return (seat != self.place.seat).then_some(seat);
        }
        let Some(index) = self.naming.index(id) else { return self.guests.seat(id) };
        let first = self.place.neighbour(Seat(0));
        let seat = Seat(u16::try_from(index.0.checked_sub(first.0)?).ok()?);
        (seat.0 < self.room_size && seat != self.place.seat).then_some(seat)
    }
}

/// Who is heard to have come.
fn comer(heard: &Heard<String>) -> Option<&str> {
    match heard {
        Heard::Met { who: id, .. } | Heard::Signal { from: id, signal: Signal::Offer { .. }, .. } => Some(id),
        _ => None,
    }
}
