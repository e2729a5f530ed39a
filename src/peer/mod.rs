//! The virtual peer, sans-IO: told of words, engine notices and time, it says what to do next.

mod handshake;
mod pairs;
mod ports;
mod reconnect;
mod traffic;

pub use ports::{Input, OutgoingMessage, Output, PeerCommand};
pub use reconnect::ReconnectBackoff;
pub use traffic::{HEADER_BYTES, TrafficConfig, TrafficPattern};

use crate::vocabulary::engine::EngineEvent;
use crate::vocabulary::event::What;
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::ids::Seat;
use crate::vocabulary::message::{Heard, Say};
use crate::vocabulary::phase::Phase;
use handshake::HandshakeInput;
use pairs::Pairs;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use traffic::MessageTraffic;

/// What the profile and the plan chose for one peer.
#[derive(Clone, Debug)]
pub struct Config {
    pub seat: Seat,
    /// Peers of the room, this one included.
    pub room_size: u16,
    /// Per peer from its dial, per edge from when the later of the two began (measurement.md, "Metrics").
    pub timeout: Duration,
    /// Candidates are said one by one, as they are found.
    pub trickle: bool,
    pub traffic: TrafficConfig,
}

/// Where the peer stands, named for what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    ExpectTurn,
    ExpectUpgrade {
        deadline: Instant,
    },
    ExpectJoined {
        deadline: Instant,
    },
    Present,
    /// Signaling is gone; channels live on.
    Deaf,
    /// The same, until it is time to dial again.
    ExpectRedial {
        at: Instant,
    },
    ExpectReupgrade {
        deadline: Instant,
    },
    ExpectRejoined {
        deadline: Instant,
    },
    Gone,
}

/// One virtual peer of one room. After `handle`, drain `poll` before the next `handle`.
pub struct Peer {
    config: Config,
    state: State,
    pairs: Pairs,
    messages: MessageTraffic,
    backoff: Option<ReconnectBackoff>,
    outputs: VecDeque<Output>,
}

impl Peer {
    pub fn new(config: Config, epoch: Instant) -> Self {
        let pairs = Pairs::new(config.seat, config.room_size, config.timeout, config.trickle);
        let messages = MessageTraffic::new(config.traffic.clone(), epoch);
        Self { config, state: State::ExpectTurn, pairs, messages, backoff: None, outputs: VecDeque::new() }
    }

    /// It dials again when its socket is closed after it had joined.
    pub fn reconnecting(self, backoff: Option<ReconnectBackoff>) -> Self {
        Self { backoff, ..self }
    }

    /// Admits `guests` peers that are not ours, on the seats after the room's own.
    pub fn hosting(mut self, guests: u16) -> Self {
        self.pairs.host(guests);
        self
    }

    pub fn handle(&mut self, now: Instant, input: Input) {
        if self.state == State::Gone {
            return;
        }
        match input {
            Input::Begin { due } => self.begin(now, due),
            Input::Command(PeerCommand::Companion { seat }) => self.pairs.companion(now, seat, &mut self.outputs),
            Input::Succeeded { seat } => self.succeeded(now, seat),
            Input::Command(PeerCommand::Back { seat }) => self.back(now, seat),
            Input::Upgraded => self.upgraded(now),
            Input::Lost(failure) => self.lost(now, failure),
            Input::Heard(heard) => self.heard(now, heard),
            Input::Engine(seat, notice) => self.engine(now, seat, notice),
            Input::Command(PeerCommand::StartTraffic) => self.messages.start(now),
            Input::Command(PeerCommand::StopTraffic) => self.messages.stop(),
            Input::Command(PeerCommand::Leave) => self.leave(false, false),
            Input::Command(PeerCommand::Depart { silent }) => self.leave(silent, true),
            Input::Wake => self.wake(now),
        }
    }

    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// It has failed or left.
    pub fn is_gone(&self) -> bool {
        self.state == State::Gone
    }

    /// Its socket is gone, and another will take its place.
    pub fn dials_again(&self) -> bool {
        use State::{ExpectRedial, ExpectRejoined, ExpectReupgrade};
        matches!(self.state, ExpectRedial { .. } | ExpectReupgrade { .. } | ExpectRejoined { .. })
    }

    /// Nothing more is to be negotiated with whoever sits there.
    pub fn has_decided(&self, seat: Seat) -> bool {
        self.pairs.is_decided(seat)
    }

    /// When `Input::Wake` is wanted.
    pub fn wake_at(&self) -> Option<Instant> {
        let own = match self.state {
            State::ExpectUpgrade { deadline }
            | State::ExpectJoined { deadline }
            | State::ExpectRedial { at: deadline }
            | State::ExpectReupgrade { deadline }
            | State::ExpectRejoined { deadline } => Some(deadline),
            State::Gone => return None,
            State::ExpectTurn | State::Present | State::Deaf => None,
        };
        [own, self.pairs.wake_at(), self.messages.wake_at()].into_iter().flatten().min()
    }

    fn begin(&mut self, now: Instant, due: Instant) {
        self.state = State::ExpectUpgrade { deadline: now + self.config.timeout };
        self.note(What::Began { due });
        self.pairs.begin(now, &mut self.outputs);
        self.outputs.push_back(Output::Dial);
    }

    fn succeeded(&mut self, now: Instant, seat: Seat) {
        self.messages.closed(seat);
        self.pairs.renew(now, seat, &mut self.outputs);
    }

    fn upgraded(&mut self, now: Instant) {
        match self.state {
            State::ExpectUpgrade { deadline } => {
                self.state = State::ExpectJoined { deadline };
                self.note(What::Upgraded);
            }
            State::ExpectReupgrade { .. } => {
                self.state = State::ExpectRejoined { deadline: now + self.config.timeout };
            }
            _ => {}
        }
    }

    fn lost(&mut self, now: Instant, failure: Failure) {
        match self.state {
            State::ExpectUpgrade { .. } => self.fail(Failure { phase: Phase::Connect, ..failure }),
            State::ExpectJoined { .. } => self.fail(Failure { phase: Phase::Join, ..failure }),
            State::Present => self.fall_silent(now, failure),
            State::ExpectReupgrade { .. } | State::ExpectRejoined { .. } => self.try_later(now, failure),
            State::ExpectRedial { .. } | State::ExpectTurn | State::Deaf | State::Gone => {}
        }
    }

    /// The socket of a peer that had joined is gone. A server that says no means it.
    fn fall_silent(&mut self, now: Instant, failure: Failure) {
        match &mut self.backoff {
            Some(backoff) if failure.reason == Reason::Closed => {
                self.state = State::ExpectRedial { at: now + backoff.pause(now) };
                self.note(What::ServerLost { failure: failure.clone() });
                // Who has yet to come may come when this peer hears again.
                self.pairs.handle_pending(now, &HandshakeInput::Deaf(failure), &mut self.outputs);
            }
            _ => {
                self.state = State::Deaf;
                self.pairs.handle_all(now, &HandshakeInput::Deaf(failure), &mut self.outputs);
            }
        }
    }

    /// A dial after a loss came to nothing.
    fn try_later(&mut self, now: Instant, failure: Failure) {
        self.note(What::RedialFailed { failure });
        self.state = match &mut self.backoff {
            Some(backoff) => State::ExpectRedial { at: now + backoff.pause(now) },
            None => State::Deaf,
        };
    }

    fn dial_again(&mut self, now: Instant) {
        self.state = State::ExpectReupgrade { deadline: now + self.config.timeout };
        self.outputs.push_back(Output::Dial);
    }

    /// A dial after a loss has had its time; another takes its place.
    fn give_up_dial(&mut self, now: Instant, phase: Phase) {
        self.note(What::RedialFailed { failure: Failure::timed_out(phase) });
        self.dial_again(now);
    }

    fn joined(&mut self, now: Instant) {
        let what = match self.state {
            State::ExpectJoined { .. } => What::Joined,
            State::ExpectRejoined { .. } => What::Reconnected,
            _ => return,
        };
        self.state = State::Present;
        self.backoff.iter_mut().for_each(|backoff| backoff.joined(now));
        self.note(what);
    }

    fn heard(&mut self, now: Instant, heard: Heard<Seat>) {
        match heard {
            Heard::Joined => self.joined(now),
            Heard::Refused(failure) => match self.state {
                // An answer that says no can come after the join was said.
                State::ExpectJoined { .. } => self.fail(failure),
                state => {
                    if let State::ExpectRejoined { .. } = state {
                        self.note(What::RedialFailed { failure: failure.clone() });
                    }
                    self.state = State::Deaf;
                    self.pairs.handle_all(now, &HandshakeInput::Refused(failure), &mut self.outputs);
                }
            },
            Heard::Nonsense => self.note(What::Surprise { other: None }),
            Heard::Left { who } => {
                // Nobody else tells of a guest who goes before its channel is open.
                if self.pairs.is_guest(who) && !self.pairs.is_open(who) {
                    self.note(What::NoticedLeave { other: who });
                }
                self.pairs.handle(now, who, HandshakeInput::Left, &mut self.outputs);
            }
            Heard::Missed { who } => self.pairs.handle(now, who, HandshakeInput::Missed, &mut self.outputs),
            Heard::PairRefused { who, detail } => {
                self.pairs.handle(now, who, HandshakeInput::PairRefused { detail }, &mut self.outputs);
            }
            Heard::Met { who, start, initiate } => {
                self.pairs.handle(now, who, HandshakeInput::Met { start, initiate }, &mut self.outputs);
            }
            Heard::Signal { from, signal, polite } => {
                self.pairs.handle(now, from, HandshakeInput::Signal { signal, polite }, &mut self.outputs);
            }
        }
    }

    fn engine(&mut self, now: Instant, seat: Seat, notice: EngineEvent) {
        match notice {
            EngineEvent::Message(payload) if self.pairs.is_guest(seat) => {
                self.note(What::GuestMessage { other: seat, bytes: payload.len() as u32 });
            }
            EngineEvent::Message(payload) => self.messages.received(seat, payload, &mut self.outputs),
            notice => {
                let opened = notice == EngineEvent::Open;
                self.pairs.handle(now, seat, HandshakeInput::Engine(notice), &mut self.outputs);
                if opened {
                    self.messages.opened(seat);
                }
            }
        }
        if !self.pairs.is_open(seat) {
            self.messages.closed(seat);
        }
    }

    fn wake(&mut self, now: Instant) {
        match self.state {
            State::ExpectUpgrade { deadline } if deadline <= now => self.fail(Failure::timed_out(Phase::Connect)),
            State::ExpectJoined { deadline } if deadline <= now => self.fail(Failure::timed_out(Phase::Join)),
            state => {
                match state {
                    State::ExpectRedial { at } if at <= now => self.dial_again(now),
                    State::ExpectReupgrade { deadline } if deadline <= now => {
                        self.give_up_dial(now, Phase::Connect);
                    }
                    State::ExpectRejoined { deadline } if deadline <= now => self.give_up_dial(now, Phase::Join),
                    _ => {}
                }
                self.pairs.wake(now, &mut self.outputs);
                self.messages.wake(now, &mut self.outputs);
            }
        }
    }

    fn back(&mut self, now: Instant, seat: Seat) {
        self.pairs.back(now, seat, &mut self.outputs);
        self.messages.closed(seat);
    }

    fn leave(&mut self, silent: bool, early: bool) {
        if matches!(self.state, State::Present) && !silent {
            self.outputs.push_back(Output::Say(Say::Leave));
        }
        self.note(What::Left { silent, early });
        self.go();
    }

    fn fail(&mut self, failure: Failure) {
        self.note(What::PeerFailed { failure });
        self.go();
    }

    fn go(&mut self) {
        self.state = State::Gone;
        self.outputs.push_back(Output::Close);
    }

    fn note(&mut self, what: What) {
        self.outputs.push_back(Output::Event(what));
    }
}

#[cfg(test)]
mod tests;
