//! A whole virtual peer without a socket: its conversation with the server and its state machine, joined.

use crate::dialect::{self, Conversation, Output as Talked};
use crate::peer::{Input, Output, Parcel, Peer};
use crate::vocabulary::event::{Concern, Part, What};
use crate::vocabulary::failure::Failure;
use crate::vocabulary::ids::{Naming, Place, Seat};
use crate::vocabulary::link::{Notice, Order};
use crate::vocabulary::message::{Heard, Kind, Say, Signal};
use rustc_hash::FxHasher;
use std::collections::VecDeque;
use std::hash::Hasher;
use std::time::Instant;

/// What happens to a peer.
#[derive(Debug)]
pub enum Stimulus<'a> {
    Begin { due: Instant },
    Companion { seat: Seat },
    Upgraded,
    Lost(Failure),
    Frame(&'a str),
    Engine(Seat, Notice),
    Talk,
    Hush,
    Leave,
    Wake,
}

/// What a peer wants done in the world.
#[derive(Debug, PartialEq)]
pub enum Effect {
    Dial,
    Frame { text: String, kind: Kind, to: Option<Seat> },
    Engine(Seat, Order),
    Send(Parcel),
    Note(What),
    Close,
}

/// One peer of one room. After `handle`, drain `poll`.
pub struct Actor {
    place: Place,
    room_size: u16,
    naming: Naming,
    conversation: Box<dyn Conversation>,
    /// The socket is open: what is said gets out.
    connected: bool,
    peer: Peer,
    effects: VecDeque<Effect>,
}

impl Actor {
    pub fn new(place: Place, room_size: u16, naming: Naming, conversation: Box<dyn Conversation>, peer: Peer) -> Self {
        Self { place, room_size, naming, conversation, connected: false, peer, effects: VecDeque::new() }
    }

    pub fn place(&self) -> Place {
        self.place
    }

    /// After `Effect::Close` nothing has an effect any more.
    pub fn handle(&mut self, now: Instant, stimulus: Stimulus<'_>) {
        if self.is_gone() {
            return;
        }
        match stimulus {
            Stimulus::Begin { due } => self.peer.handle(now, Input::Begin { due }),
            Stimulus::Companion { seat } => self.peer.handle(now, Input::Companion { seat }),
            Stimulus::Upgraded => {
                self.connected = true;
                self.peer.handle(now, Input::Upgraded);
                self.conversation.handle(now, dialect::Input::Open);
            }
            Stimulus::Lost(failure) => {
                self.connected = false;
                self.peer.handle(now, Input::Lost(failure));
            }
            Stimulus::Frame(text) => {
                self.conversation.handle(now, dialect::Input::Frame(text));
                self.listen(now, text.len() as u32);
            }
            Stimulus::Engine(seat, notice) => self.peer.handle(now, Input::Engine(seat, notice)),
            Stimulus::Talk => self.peer.handle(now, Input::Talk),
            Stimulus::Hush => self.peer.handle(now, Input::Hush),
            Stimulus::Leave => self.peer.handle(now, Input::Leave),
            Stimulus::Wake => {
                if self.connected {
                    self.conversation.handle(now, dialect::Input::Wake);
                }
                self.peer.handle(now, Input::Wake);
            }
        }
        self.settle(now);
    }

    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// The peer has failed or left: nothing more will come of it.
    pub fn is_gone(&self) -> bool {
        self.peer.is_gone()
    }

    /// When `Stimulus::Wake` is wanted.
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
                    self.effects.push_back(Effect::Frame { text, kind, to });
                }
                Talked::Frame { kind, concern } => {
                    let concern = self.concern(concern);
                    self.effects.push_back(Effect::Note(What::Frame { kind, bytes, concern }));
                }
                Talked::Heard(heard) => match heard.try_map(|id| self.seat(id)) {
                    Some(heard) => {
                        if let Heard::Signal { from, signal, .. } = &heard {
                            self.witness(*from, false, signal);
                        }
                        self.peer.handle(now, Input::Heard(heard));
                        while let Some(output) = self.peer.poll() {
                            self.obey(now, output);
                        }
                    }
                    // Somebody of this room who is not in the plan.
                    None => self.effects.push_back(Effect::Note(What::Surprise { other: None })),
                },
            }
        }
    }

    fn obey(&mut self, now: Instant, output: Output) {
        let effect = match output {
            Output::Say(say) => {
                let say = match say {
                    Say::Leave => Say::Leave,
                    Say::Signal { to, signal } => {
                        self.witness(to, true, &signal);
                        Say::Signal { to: self.naming.peer(self.place.neighbour(to)), signal }
                    }
                };
                self.conversation.handle(now, dialect::Input::Say(say));
                return;
            }
            Output::Dial => Effect::Dial,
            Output::Engine(seat, order) => Effect::Engine(seat, order),
            Output::Send(parcel) => Effect::Send(parcel),
            Output::Note(what) => Effect::Note(what),
            Output::Close => {
                // A goodbye is said before the door is closed.
                self.listen(now, 0);
                Effect::Close
            }
        };
        self.effects.push_back(effect);
    }

    /// Books what a signal was, so that what is heard can be compared with what was said.
    fn witness(&mut self, other: Seat, said: bool, signal: &Signal) {
        let (part, text) = match signal {
            Signal::Offer { sdp } => (Part::Offer, sdp),
            Signal::Answer { sdp } => (Part::Answer, sdp),
            Signal::Candidate(candidate) => (Part::Candidate, &candidate.candidate),
            Signal::EndOfCandidates => return,
        };
        if self.is_gone() || !self.connected {
            return;
        }
        let mut hasher = FxHasher::default();
        hasher.write(text.as_bytes());
        self.effects.push_back(Effect::Note(What::Signal { other, said, part, digest: hasher.finish() }));
    }

    fn concern(&self, concern: dialect::Concern) -> Concern {
        let seat = |from: Option<String>| from.and_then(|id| self.seat(&id));
        match concern {
            dialect::Concern::Me { from } => Concern::Me { from: seat(from) },
            dialect::Concern::Others => Concern::Others,
            dialect::Concern::Elsewhere { from } => Concern::Elsewhere { from: seat(from) },
        }
    }

    /// The seat, in this room, of whoever goes by `id` on the wire; its own is nobody's.
    fn seat(&self, id: &str) -> Option<Seat> {
        let index = self.naming.index(id)?;
        let first = self.place.neighbour(Seat(0));
        let seat = Seat(u16::try_from(index.0.checked_sub(first.0)?).ok()?);
        (seat.0 < self.room_size && seat != self.place.seat).then_some(seat)
    }
}
