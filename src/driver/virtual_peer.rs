//! Joins a peer's conversation and its state machine, without a socket: maps wire ids to seats, and frames to messages.

mod observe;

use super::guests::{GuestSeats, arriving_id};
use super::id_exchange::IdExchange;
use super::intake;
use super::ports::{Input, OutgoingFrame, Output};
use super::spec::PeerSpec;
use super::unresolved::UnresolvedMessages;
use crate::dialect::{self, Conversation, Output as DialectOutput};
use crate::peer::{self, Peer, PeerCommand};
use crate::vocabulary::{EdgeEvent, EventKind, Heard, Naming, PeerEvent, Place, Say, Seat};
use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

/// Creates a new conversation for the same peer.
type ConversationFactory = Box<dyn Fn() -> Box<dyn Conversation>>;

/// One peer of one room. After `handle`, drain `poll`.
pub struct VirtualPeer {
    place: Place,
    room_size: u16,
    naming: Naming,
    conversation: Box<dyn Conversation>,
    /// Creates the conversation of the next socket.
    new_conversation: ConversationFactory,
    /// The socket is open.
    connected: bool,
    /// A socket was open before.
    was_connected: bool,
    peer: Peer,
    outputs: VecDeque<Output>,
    exchange: Option<IdExchange>,
    revision: u64,
    /// The seats whose peers were announced to the conversation.
    announced: Vec<Seat>,
    turn: bool,
    shared: Vec<String>,
    unresolved: UnresolvedMessages,
    /// The ids of the room's peers that the conversation was told.
    named: BTreeSet<String>,
    guests: GuestSeats,
    /// The engine's slot of each seat's connection; an answered offer without addressee exchanges two.
    slots: Vec<Seat>,
}

impl PeerSpec {
    /// Builds a peer that has not begun. Each further socket gets a new conversation, since a restarted server knows no
    /// peer.
    pub fn build(self) -> VirtualPeer {
        let (identity, config) = (self.identity(), self.config());
        let Self { place, room_size, guests, naming, dialect, epoch, backoff, exchange, .. } = self;
        let conversation = dialect.converse(identity.clone());
        VirtualPeer {
            place,
            room_size,
            naming,
            conversation,
            new_conversation: Box::new(move || dialect.converse(identity.clone())),
            connected: false,
            was_connected: false,
            peer: Peer::new(config, epoch.0).with_reconnect(backoff).with_guests(guests),
            outputs: VecDeque::new(),
            exchange,
            revision: 0,
            announced: vec![],
            turn: false,
            shared: vec![],
            unresolved: UnresolvedMessages::default(),
            named: BTreeSet::new(),
            guests: GuestSeats::new(room_size, guests),
            slots: (0..room_size.saturating_add(guests)).map(Seat).collect(),
        }
    }
}

impl VirtualPeer {
    /// The current conversation, which `Conversation::connect` asks for the request.
    pub fn conversation(&mut self) -> &mut dyn Conversation {
        &mut *self.conversation
    }

    /// The id exchange, if it has changes that this peer has yet to read.
    pub fn unread_exchange(&self) -> Option<&IdExchange> {
        self.exchange.as_ref().filter(|exchange| !self.is_gone() && exchange.revision() != self.revision)
    }

    pub fn exchange(&self) -> Option<&IdExchange> {
        self.exchange.as_ref()
    }

    /// The engine's slot of the connection to `seat`.
    pub fn slot(&self, seat: Seat) -> Seat {
        self.slots.get(usize::from(seat.0)).copied().unwrap_or(seat)
    }

    /// The seat whose connection the engine keeps at `slot`.
    pub fn seat_at(&self, slot: Seat) -> Seat {
        self.slots.iter().position(|own| *own == slot).map_or(slot, |seat| Seat(seat as u16))
    }

    pub fn place(&self) -> Place {
        self.place
    }

    /// Handles one input; ignores all after `Output::Close`.
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
                    self.named.remove(&id);
                    self.announced.retain(|known| *known != seat);
                }
                self.peer.handle(now, peer::Input::Command(command));
            }
            Input::Upgraded => {
                if std::mem::replace(&mut self.was_connected, true) {
                    self.restart_conversation();
                }
                self.connected = true;
                self.peer.handle(now, peer::Input::Upgraded);
                self.conversation.handle(now, dialect::Input::Open);
            }
            Input::Lost(failure) => {
                self.connected = false;
                self.peer.handle(now, peer::Input::Lost(failure));
                self.mark_absent();
            }
            Input::Frame(text) => {
                // The frame may name peers whose ids the exchange knows by now.
                if self.unread_exchange().is_some() {
                    self.read_exchange(now);
                }
                self.conversation.handle(now, dialect::Input::Frame(text));
                self.drain_conversation(now);
            }
            Input::Engine(seat, event) => self.peer.handle(now, peer::Input::Engine(seat, event)),
            Input::IdExchange => self.read_exchange(now),
            Input::Wake => {
                if self.connected {
                    self.conversation.handle(now, dialect::Input::Wake);
                }
                self.peer.handle(now, peer::Input::Wake);
            }
        }
        self.drain_outputs(now);
    }

    /// Marks the peer in the id exchange as disconnected or gone, so that other peers don't wait for it.
    fn mark_absent(&self) {
        match &self.exchange {
            Some(exchange) if self.peer.is_reconnecting() => exchange.mark_disconnected(self.place.seat),
            Some(exchange) => exchange.mark_gone(self.place.seat),
            None => {}
        }
    }

    /// Replaces the conversation and the state of the previous socket.
    fn restart_conversation(&mut self) {
        self.conversation = (self.new_conversation)();
        self.announced.clear();
        self.named.clear();
        self.shared.clear();
        self.turn = false;
        self.revision = 0;
    }

    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The peer has failed or left.
    pub fn is_gone(&self) -> bool {
        self.peer.is_gone()
    }

    /// The time at which `Input::Wake` is due.
    pub fn wake_at(&self) -> Option<Instant> {
        if self.is_gone() {
            return None;
        }
        let conversation = if self.connected { self.conversation.wake_at() } else { None };
        [conversation, self.peer.wake_at()].into_iter().flatten().min()
    }

    /// Passes outputs between conversation and state machine until both have none.
    fn drain_outputs(&mut self, now: Instant) {
        loop {
            self.drain_conversation(now);
            match self.peer.poll() {
                Some(output) => self.apply(now, output),
                None => return,
            }
        }
    }

    /// Handles all outputs of the conversation.
    fn drain_conversation(&mut self, now: Instant) {
        while let Some(output) = self.conversation.poll() {
            match output {
                // Without a socket the frame can't be sent.
                DialectOutput::Send { .. } if !self.connected => {}
                DialectOutput::Send { text, kind, to } => {
                    let to = to.and_then(|id| self.seat(&id));
                    self.outputs.push_back(Output::Say(OutgoingFrame { text, kind, to }));
                }
                DialectOutput::Frame { kind, bytes, concern } => {
                    let concern = concern.map(|id: String| self.seat(&id));
                    self.outputs.push_back(Output::Event(EventKind::Peer(PeerEvent::Frame { kind, bytes, concern })));
                }
                DialectOutput::Note(_) | DialectOutput::Written { .. } | DialectOutput::Read { .. } => {
                    self.observe(output);
                }
                DialectOutput::Heard(heard) => self.receive(now, heard),
                DialectOutput::Known { id } => {
                    if let Some(exchange) = &self.exchange {
                        exchange.set_id(self.place.seat, &id);
                    }
                }
                DialectOutput::Share { name, json } => {
                    if let Some(exchange) = &self.exchange {
                        exchange.share(&name, &json);
                    }
                }
                DialectOutput::Swap { one, other } => {
                    if let (Some(one), Some(other)) = (self.seat(&one), self.seat(&other)) {
                        self.slots.swap(usize::from(one.0), usize::from(other.0));
                    }
                }
            }
        }
    }

    /// Handles a received message; one about an id without a seat waits for that id, or admits a guest.
    fn receive(&mut self, now: Instant, heard: Heard<String>) {
        let heard = intake::check(heard);
        let returns = arriving_id(&heard).is_some_and(|id| self.guests.has_gone(id));
        let may_be_named = self.exchange.as_ref().is_some_and(|exchange| !exchange.is_complete());
        let is_seated = heard.who().is_none_or(|id| self.seat(id).is_some());
        let heard = match returns {
            true => heard,
            false => match heard.try_map(|id| self.seat(id)) {
                Ok(heard) => return self.deliver(now, heard),
                Err(heard) => heard,
            },
        };
        // The server mentioned the id before its own peer has received it.
        let heard = match !is_seated && may_be_named {
            true => match self.unresolved.push(heard) {
                Ok(()) => return,
                Err(heard) => heard,
            },
            false => heard,
        };
        if self.admit(now, &heard) {
            self.receive(now, heard);
        } else {
            // A peer of this room that is not in the plan.
            self.outputs.push_back(Output::Event(EventKind::Peer(PeerEvent::Surprise { other: None })));
        }
    }

    fn deliver(&mut self, now: Instant, heard: Heard<Seat>) {
        let joined = heard == Heard::Joined;
        let refused = matches!(heard, Heard::Refused(_));
        let left = if let Heard::Left { who } = &heard { Some(*who) } else { None };
        match &heard {
            Heard::Signal { from, signal, .. } => self.record_signal(*from, false, signal),
            Heard::Left { who } | Heard::Missed { who } => {
                self.outputs.push_back(Output::Event(EdgeEvent::ToldLeave.to(*who)));
            }
            _ => {}
        }
        self.peer.handle(now, peer::Input::Heard(heard));
        while let Some(output) = self.peer.poll() {
            self.apply(now, output);
        }
        if let Some(seat) = left {
            self.guests.mark_gone(seat);
        }
        if let Some(exchange) = self.exchange.as_ref().filter(|_| joined) {
            exchange.mark_joined(self.place.seat);
        } else if refused {
            self.mark_absent();
        }
    }

    /// Assigns a seat to the unknown peer of a message, if guests are expected and a seat is free.
    fn admit(&mut self, now: Instant, heard: &Heard<String>) -> bool {
        // An id in this run's naming belongs to one of its peers.
        let Some(id) = arriving_id(heard).filter(|id| self.naming.index(id).is_none()) else { return false };
        let Some((seat, replaces)) = self.guests.admit(id) else { return false };
        if replaces {
            self.peer.handle(now, peer::Input::GuestReplaced { seat });
        }
        true
    }

    /// Passes the changes of the id exchange to the conversation.
    fn read_exchange(&mut self, now: Instant) {
        let Some(exchange) = self.exchange.clone() else { return };
        self.revision = exchange.revision();
        for id in exchange.other_ids(self.place.seat) {
            if self.named.insert(id.clone()) {
                self.conversation.handle(now, dialect::Input::Named { id: &id });
            }
        }
        for heard in self.unresolved.take() {
            self.receive(now, heard);
        }
        for (name, json) in exchange.shared() {
            if !self.shared.contains(&name) {
                self.conversation.handle(now, dialect::Input::Shared { name: &name, json: &json });
                self.drain_conversation(now);
                self.shared.push(name);
            }
        }
        for (seat, id, earlier) in exchange.present(self.place.seat) {
            if !self.announced.contains(&seat) {
                self.announced.push(seat);
                // After a reconnect the peer joins again, but needs no offer for an edge that is decided.
                let earlier = earlier && !self.peer.has_decided(seat);
                self.conversation.handle(now, dialect::Input::Present { id: &id, earlier });
                self.drain_conversation(now);
            }
        }
        if !self.turn && exchange.is_turn_of(self.place.seat) {
            self.turn = true;
            self.conversation.handle(now, dialect::Input::Turn);
            self.drain_conversation(now);
        }
    }

    fn apply(&mut self, now: Instant, output: peer::Output) {
        let output = match output {
            peer::Output::Say(say) => {
                let say = match say {
                    Say::Leave => Say::Leave,
                    Say::Signal { to, signal } => {
                        self.record_signal(to, true, &signal);
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
            peer::Output::Engine(seat, command) => Output::Engine(seat, command),
            peer::Output::Send(message) => Output::Send(message),
            peer::Output::Event(mut what) => {
                self.explain_stopped_join(&mut what);
                if let Some(id) = self.guests.observe(&what) {
                    self.conversation.handle(now, dialect::Input::Gone { id });
                }
                Output::Event(what)
            }
            peer::Output::Close => {
                // Send the leave before the socket closes.
                self.drain_conversation(now);
                if let Some(exchange) = &self.exchange {
                    exchange.mark_gone(self.place.seat);
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

    /// The seat of the peer with `id` on the wire; `None` for this peer's own and for unknown ids.
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
